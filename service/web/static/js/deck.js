// One recording to listen to: sound, waveform and spectrogram, loaded ahead of the moment that it is shown.
import { Problem, apiUrl, request } from "./api.js";
import { el, svg } from "./dom.js";
import { spokenTime } from "./format.js";
import { BARS, barsOf } from "./peaks.js";
import { Player } from "./player.js";
import { drawAxis, timeAt } from "./timeline.js";

export const TELLING_S = 3.0; // what the classifier hears at once
const PICTURE = "width=1200&height=240";

export class Deck {
  /** `sound` is {rate, volume, muted}; `answered` what was said of it before that was taken back. */
  constructor(lease, { sound, answered }) {
    this.lease = lease;
    this.answered = answered;
    const { track, start_s: start } = lease;
    const audio = new Audio();
    audio.preload = "auto";
    this.player = new Player(audio, { url: apiUrl(`tracks/${track.id}/audio`), duration: track.duration_s ?? start + TELLING_S });
    if (track.duration_s === null) audio.addEventListener("loadedmetadata", () => this.#learnDuration());
    audio.currentTime = start;
    this.tune(sound);
    this.element = this.#build();
    this.player.addEventListener("time", () => this.#showPosition());
    this.#drawPeaks();
  }

  get duration() {
    return this.player.duration;
  }

  get telling() {
    const start = this.lease.start_s;
    return { start, end: Math.min(start + TELLING_S, this.duration) };
  }

  get title() {
    return this.lease.track.filename;
  }

  tune({ rate, volume, muted }) {
    Object.assign(this.player.audio, { playbackRate: rate, defaultPlaybackRate: rate, volume, muted });
  }

  /** Makes it the one that is seen and heard. Resolves to whether it plays: a browser may refuse to begin by itself. */
  async show() {
    this.element.classList.add("shown");
    this.element.inert = false;
    this.#place(); // the axis has a width now
    await this.player.play(this.telling.start);
    return this.player.playing;
  }

  hide() {
    this.player.pause();
    this.element.classList.remove("shown");
    this.element.inert = true;
  }

  /** Lets go of everything that it holds; a download that is under way ends. */
  close() {
    const { audio } = this.player;
    audio.pause();
    audio.removeAttribute("src");
    audio.load();
    this.element.remove();
  }

  #build() {
    const { track } = this.lease;
    const lanes = el(
      "div",
      {
        class: "lanes",
        role: "slider",
        tabindex: "0",
        "aria-label": "Position in the recording",
        "aria-valuemin": "0",
        onclick: (event) => this.player.play(timeAt(event, lanes, this.duration)),
        onkeydown: (event) => this.#moveByKeys(event),
      },
      svg("svg", { class: "peaks", viewBox: `0 0 ${BARS} 100`, preserveAspectRatio: "none", "aria-hidden": "true" }, svg("path", {}), svg("path", { class: "played" })),
      el("div", { class: "picture-lane" }, el("img", { src: apiUrl(`tracks/${track.id}/spectrogram.png?${PICTURE}`), alt: "", draggable: "false" })),
      el("div", { class: "telling" }),
      el("div", { class: "playhead", "aria-hidden": "true" }),
    );
    this.lanes = lanes;
    return el("div", { class: "deck", inert: true, "data-lease": this.lease.id }, lanes, el("div", { class: "time-axis num", "aria-hidden": "true" }));
  }

  /** Puts what depends on the duration in its place. */
  #place() {
    const { start, end } = this.telling;
    Object.assign(this.element.querySelector(".telling").style, { left: `${(100 * start) / this.duration}%`, width: `${(100 * (end - start)) / this.duration}%` });
    this.lanes.setAttribute("aria-valuemax", Math.round(this.duration));
    drawAxis(this.element.querySelector(".time-axis"), this.duration);
    this.#showPosition();
  }

  /** A container that does not say how long it is: the browser finds out. */
  #learnDuration() {
    if (!Number.isFinite(this.player.audio.duration)) return;
    this.player.duration = this.player.audio.duration;
    this.#place();
    this.player.dispatchEvent(new Event("state"));
  }

  async #drawPeaks() {
    try {
      const { peaks } = await request(`tracks/${this.lease.track.id}/waveform`);
      const d = barsOf(peaks);
      for (const path of this.element.querySelectorAll(".peaks path")) path.setAttribute("d", d);
    } catch (error) {
      if (!(error instanceof Problem)) throw error; // without a waveform, the spectrogram shows where one is
    }
  }

  #showPosition() {
    const now = this.player.position;
    const left = `${(100 * now) / this.duration}%`;
    this.element.querySelector(".playhead").style.left = left;
    this.element.querySelector(".played").style.clipPath = `inset(0 calc(100% - ${left}) 0 0)`;
    this.lanes.setAttribute("aria-valuenow", Math.round(now));
    this.lanes.setAttribute("aria-valuetext", `${spokenTime(now)} of ${spokenTime(this.duration)}`);
  }

  #moveByKeys(event) {
    const steps = { ArrowRight: 5, ArrowUp: 5, ArrowLeft: -5, ArrowDown: -5, PageUp: 30, PageDown: -30 };
    const far = event.shiftKey ? 3 : 1;
    if (event.key === "Home") this.player.seek(0);
    else if (event.key === "End") this.player.seek(this.duration);
    else if (event.key in steps) this.player.seek(this.player.position + far * steps[event.key]);
    else return;
    event.preventDefault();
  }
}
