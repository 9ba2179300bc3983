// The genres to choose from: a button each, with its key, what the model suggests, and a way to find one of many.
import { byId, el } from "./dom.js";
import { genreName, percent } from "./format.js";

export const NONE = "\u0000none"; // of these: no genre can be called so
const DIGITS = "1234567890";
const FINDER_FROM = 11; // genres: fewer have a digit each

export class Choices {
  #genres = [];
  #buttons = new Map(); // of each genre's name, and of NONE

  /** `onChoice(choice)` hears a genre's name or NONE, by button, digit or search. */
  constructor({ onChoice }) {
    this.onChoice = onChoice;
    const filter = byId("filter");
    filter.addEventListener("input", () => this.#narrow(filter.value));
    filter.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== "Escape") return;
      event.preventDefault();
      const first = event.key === "Enter" && filter.value.trim() ? this.#matching(filter.value)[0] : null;
      if (event.key === "Enter" && !first) return;
      this.#leaveFilter();
      if (first) this.onChoice(first);
    });
  }

  /** Draws a button for each genre; does nothing where they are drawn already. */
  draw(genres, { none, several }) {
    const names = genres.map(({ name }) => name);
    const drawn = JSON.stringify([names, none, several]);
    if (drawn === this.drawn) return;
    this.drawn = drawn;
    this.#genres = names;
    this.#buttons = new Map(names.map((name, index) => [name, this.#button(name, { several, slot: index % 10, key: DIGITS[index], text: genreName(name) })]));
    if (none) this.#buttons.set(NONE, this.#button(NONE, { several, slot: "none", key: names.length < 10 ? "0" : "N", text: "None of these" }));
    byId("choices").replaceChildren(...[...this.#buttons.values()].map((button) => el("li", {}, button)));
    byId("finder").hidden = names.length < FINDER_FROM;
  }

  /** What a digit chooses, or undefined. */
  ofDigit(digit) {
    const genre = this.#genres[DIGITS.indexOf(digit)];
    if (genre !== undefined || digit !== "0") return genre;
    return this.#buttons.has(NONE) ? NONE : undefined;
  }

  get hasNone() {
    return this.#buttons.has(NONE);
  }

  focusFilter() {
    if (!byId("finder").hidden) byId("filter").focus();
  }

  /** Marks what is chosen (a set), what was chosen before it was taken back, and the model's probabilities. */
  mark({ chosen, before, suggestion }) {
    const probabilities = new Map((suggestion ?? []).map(({ genre, probability }) => [genre, probability]));
    for (const [choice, button] of this.#buttons) {
      const probability = probabilities.get(choice);
      if (button.hasAttribute("aria-pressed")) button.setAttribute("aria-pressed", String(chosen.has(choice)));
      button.classList.toggle("before", before.has(choice));
      button.querySelector(".share").textContent = before.has(choice) ? "before" : probability === undefined ? "" : percent(probability);
      button.querySelector(".bar > i").style.width = `${100 * (probability ?? 0)}%`;
    }
  }

  #button(choice, { several, slot, key, text }) {
    return el(
      "button",
      { type: "button", class: "choice", "data-slot": slot, "aria-pressed": several ? "false" : null, onclick: (event) => this.#clicked(choice, event) },
      key ? el("kbd", { "aria-hidden": "true" }, key) : el("span", { class: "dot" }),
      el("span", { class: "name" }, text),
      el("span", { class: "share num" }),
      el("span", { class: "bar", "aria-hidden": "true" }, el("i")),
    );
  }

  /** After a click the space bar is the player's again; who moves by keys stays where they are. */
  #clicked(choice, event) {
    if (event.detail > 0) event.currentTarget.blur();
    this.onChoice(choice);
  }

  #matching(text) {
    const wanted = text.trim().toLowerCase();
    const begins = this.#genres.filter((name) => name.toLowerCase().startsWith(wanted));
    return [...begins, ...this.#genres.filter((name) => !begins.includes(name) && name.toLowerCase().includes(wanted))];
  }

  #narrow(text) {
    const shown = text.trim() ? this.#matching(text) : this.#genres;
    for (const [choice, button] of this.#buttons) {
      button.parentElement.hidden = choice !== NONE && !shown.includes(choice);
      button.parentElement.style.order = shown.indexOf(choice) < 0 ? "" : shown.indexOf(choice);
      button.classList.toggle("first", Boolean(text.trim()) && choice === shown[0]);
    }
    byId("no-choice").hidden = shown.length > 0;
  }

  #leaveFilter() {
    byId("filter").value = "";
    this.#narrow("");
    byId("filter").blur();
  }
}
