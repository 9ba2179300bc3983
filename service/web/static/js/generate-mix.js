// The genres of a clip: a slider each, the shares that they make together, and a bar that shows the mix.
import { byId, el } from "./dom.js";
import { genreName, percent } from "./format.js";
import { mixWords, sharesOf } from "./generate-words.js";
import { slot } from "./palette.js";

const FULL = 100;

export class Mix {
  #rows = new Map(); // of each genre: {slider, share, only}

  /** `onChange()` hears every move. */
  constructor({ onChange }) {
    this.onChange = onChange;
    const list = byId("mix");
    for (const genre of list.dataset.genres.split(" ")) list.append(this.#row(genre));
    byId("mix-none").addEventListener("click", () => {
      this.set({});
      onChange();
    });
    this.#show();
  }

  /** {genre: share} of what was chosen, or null. */
  get value() {
    const weights = [...this.#rows].map(([genre, { slider }]) => [genre, Number(slider.value)]).filter(([, weight]) => weight > 0);
    const shares = sharesOf(Object.fromEntries(weights));
    const rounded = Object.entries(shares).map(([genre, share]) => [genre, Number(share.toFixed(3))]);
    return rounded.length ? Object.fromEntries(rounded) : null;
  }

  /** Sets the sliders to a name or shares; genres that there is no slider for are left out. */
  set(genre) {
    const shares = sharesOf(genre);
    for (const [name, { slider }] of this.#rows) slider.value = Math.round(FULL * (shares[name] ?? 0));
    this.#show();
  }

  /** What an empty mix means: nothing yet, or what is heard in the recording that the clip starts from. */
  explainEmpty(words) {
    this.emptyWords = words;
    this.#show();
  }

  focus() {
    [...this.#rows.values()][0].slider.focus();
  }

  #row(genre) {
    const name = genreName(genre);
    const slider = el("input", { type: "range", min: 0, max: FULL, step: 1, value: 0, "aria-label": name, "data-genre": genre });
    const share = el("output", { class: "num" });
    const only = el("button", { type: "button", class: "mix-name", title: `Only ${genreName(genre, { capital: false })}`, "aria-label": `Only ${name}`, "aria-pressed": "false" }, el("span", { class: "dot" }), el("span", {}, name));
    slider.addEventListener("input", () => this.#moved());
    only.addEventListener("click", () => {
      this.set(genre);
      this.onChange();
    });
    this.#rows.set(genre, { slider, share, only });
    return el("li", { "data-slot": slot(genre) }, only, slider, share);
  }

  #moved() {
    this.#show();
    this.onChange();
  }

  #show() {
    const shares = this.value ?? {};
    for (const [genre, { slider, share, only }] of this.#rows) {
      const own = shares[genre] ?? 0;
      share.textContent = own ? percent(own) : "";
      only.setAttribute("aria-pressed", String(own === 1));
      only.parentElement.classList.toggle("in-mix", own > 0);
      slider.setAttribute("aria-valuetext", `${percent(own)} of the mix`);
      slider.style.setProperty("--filled", `${slider.value}%`);
    }
    const present = Object.entries(sharesOf(shares));
    byId("mix-bar").replaceChildren(...present.map(([genre, share]) => el("i", { "data-slot": slot(genre), style: { flexGrow: share }, title: `${genreName(genre)} ${percent(share)}` })));
    byId("mix-none").hidden = present.length === 0;
    byId("mix-words").textContent = present.length ? mixWords(shares) : (this.emptyWords ?? "Click a name for that genre alone, or move several sliders for a mix.");
  }
}
