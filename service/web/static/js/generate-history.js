// The clips that were made, newest first: hear the best take, take the settings over, delete.
import { Problem, pageUrl, request } from "./api.js";
import { byId, el, icon, setIcon, toast } from "./dom.js";
import { added, sentence } from "./format.js";
import { bestOf, deleteClip, genreOf, wishOf } from "./generate-clip.js";
import { mixWords, sharesOf, wishWords } from "./generate-words.js";
import { slot } from "./palette.js";
import { Player } from "./player.js";

const PAGE_SIZE = 10;
const WATCH_MS = 2000;
const STATES = { queued: "In the queue", running: "Being made", failed: "Failed", cancelled: "Stopped" };

export class History {
  #cursor = null;
  #asked = 0;
  #watching = null;
  #player = null;

  /** `onUse(clip)` takes the settings of a clip over, `onDeleted(id)` hears of one that is gone. */
  constructor({ onUse, onDeleted }) {
    this.onUse = onUse;
    this.onDeleted = onDeleted;
    this.rows = byId("history-rows");
    byId("history-more").addEventListener("click", async () => {
      const last = this.rows.lastElementChild;
      await this.load({ more: true });
      last.nextElementSibling?.querySelector("a").focus();
    });
  }

  /** Reads the first page, or the next one with `more`. */
  async load({ more = false } = {}) {
    const mine = (this.#asked += 1);
    const query = new URLSearchParams({ limit: PAGE_SIZE });
    if (more && this.#cursor) query.set("cursor", this.#cursor);
    try {
      const { items, next_cursor: next } = await request(`clips?${query}`);
      if (mine !== this.#asked) return;
      this.#cursor = next;
      if (!more) this.rows.replaceChildren();
      this.rows.append(...items.map((clip) => this.#row(clip)));
      byId("history-more").parentElement.hidden = !next;
      this.#showEmptiness();
      this.#watch(items);
    } catch (error) {
      if (mine !== this.#asked) return;
      if (!(error instanceof Problem)) throw error;
      byId("history-none").hidden = false;
      const again = el("button", { type: "button", class: "button small", onclick: () => this.load() }, icon("retry"), "Try again");
      byId("history-none").replaceChildren(el("span", {}, el("b", {}, error.title), ". ", sentence(error.detail)), again);
    }
  }

  pause() {
    this.#player?.pause();
  }

  #row(clip) {
    const best = bestOf(clip.takes);
    const genre = genreOf(clip);
    const name = mixWords(genre);
    const stars = Math.max(0, ...clip.takes.map(({ rating }) => rating ?? 0));
    const play = el("button", { type: "button", class: "icon-button take-play", "aria-label": `Play ${name}`, disabled: !best, onclick: () => this.#hear(best, play, name) }, icon("play"));
    const line = el(
      "li",
      { "data-clip": clip.id, "data-slot": slot(Object.keys(sharesOf(genre))[0]) },
      play,
      el("div", { class: "what" }, el("a", { href: pageUrl(`clips/${clip.id}`) }, name), el("p", { class: "small muted num" }, wishWords(wishOf(clip)))),
      el("span", { class: "small muted state" }, STATES[clip.state] ?? (stars ? el("span", { class: "lit-stars", role: "img", "aria-label": `${stars} of 5 stars` }, "★".repeat(stars)) : null)),
      el("time", { class: "small muted", datetime: clip.created_at, title: new Date(clip.created_at).toLocaleString() }, added(clip.created_at)),
      el(
        "span",
        { class: "actions" },
        el("button", { type: "button", class: "button small", "aria-label": `Use the settings of ${name}`, onclick: () => this.onUse(clip) }, icon("undo"), "Use settings"),
        el("button", { type: "button", class: "icon-button plain", "aria-label": `Delete ${name}`, title: "Delete", onclick: () => this.#askToDelete(clip, line) }, icon("trash")),
      ),
    );
    return line;
  }

  #hear(take, button, name) {
    const own = this.#player?.button === button;
    if (own) return void this.#player.toggle();
    this.#player?.pause();
    const player = new Player(new Audio(), { url: new URL(take.audio, location.href).href, duration: take.seconds });
    player.button = button;
    player.addEventListener("state", () => {
      setIcon(button, player.playing ? "pause" : "play");
      button.setAttribute("aria-label", `${player.playing ? "Pause" : "Play"} ${name}`);
    });
    player.addEventListener("error", () => toast("This browser cannot play the sound. The clip’s page offers other formats."));
    this.#player = player;
    player.play(0);
  }

  #showEmptiness() {
    const empty = this.rows.children.length === 0;
    byId("history-none").hidden = !empty;
    if (empty) byId("history-none").textContent = "Nothing yet. What you generate is kept here, with its settings.";
  }

  /** Looks again while something is being made, unless somebody has paged further down. */
  #watch(items) {
    clearTimeout(this.#watching);
    const unfinished = items.some(({ state }) => state === "queued" || state === "running");
    if (unfinished && this.rows.children.length <= PAGE_SIZE) this.#watching = setTimeout(() => this.load(), WATCH_MS);
  }

  async #askToDelete(clip, line) {
    if (!(await deleteClip(clip))) return;
    const next = line.nextElementSibling ?? line.previousElementSibling;
    line.remove();
    toast("Deleted");
    (next?.querySelector("a") ?? byId("submit")).focus();
    this.#showEmptiness();
    this.onDeleted(clip.id);
  }
}
