// One take of a clip: its sound, waveform and spectrogram, what was measured, stars, and what to do with it.
import { Problem, apiUrl, request } from "./api.js";
import { el, icon, setIcon, toast } from "./dom.js";
import { genreName, percent, sentence, spokenTime } from "./format.js";
import { keyWords, originalityWords, retryWords, sharesOf, tempoWords } from "./generate-words.js";
import { slot } from "./palette.js";
import { Player } from "./player.js";
import { drawAxis, timeAt } from "./timeline.js";
import { drawWave } from "./wave.js";

const FORMATS = [["wav", "WAV"], ["flac", "FLAC"], ["ogg", "OGG"], ["mp3", "MP3"]];
const STARS = [1, 2, 3, 4, 5];
const PICTURE = { width: 900, height: 192 };

export class Take {
  /** `actions` hears what is wanted of it: vary, goOn, keepSeed (take), chosen (this); `onPlay()` that it is heard. */
  constructor(take, { clip, wavesurferUrl, actions, onPlay }) {
    this.take = take;
    this.clip = clip;
    this.path = `clips/${clip.id}/takes/${take.index}`;
    this.genre = Object.keys(sharesOf(take.wish.genre))[0];
    this.audio = el("audio", { preload: "none", class: "native-audio", "aria-label": `Take ${take.index + 1}` });
    this.player = new Player(this.audio, { url: new URL(take.audio, location.href).href, duration: take.seconds });
    this.audio.loop = Boolean(clip.request.loop);
    this.element = this.#build(actions);
    this.player.addEventListener("time", () => this.#showPosition());
    this.player.addEventListener("state", () => {
      this.#showPlaying();
      if (this.player.playing) onPlay();
    });
    this.player.addEventListener("error", () => { this.element.querySelector(".take-error").hidden = false; });
    this.wavesurferUrl = wavesurferUrl;
  }

  /** Draws what needs its place on the page; to be called once it has one. */
  async draw() {
    drawAxis(this.element.querySelector(".time-axis"), this.take.seconds);
    this.#showPosition();
    try {
      if (!this.wavesurferUrl) throw new Error("wavesurfer is not installed");
      const { peaks } = await request(`${this.path}/waveform`);
      const runs = [{ genre: this.genre, start_s: 0, end_s: this.take.seconds }];
      await drawWave(this.lanes.querySelector(".wave"), { wavesurferUrl: this.wavesurferUrl, audio: this.audio, peaks, duration: this.take.seconds, runs });
    } catch (error) {
      console.info("No waveform, so the browser's own player is used:", error);
      this.audio.controls = true;
      this.element.classList.add("native");
    }
  }

  /** Gives it a number of stars. */
  async rate(stars) {
    const before = this.take.rating;
    this.#showStars(stars);
    try {
      await request(`${this.path}/rating`, { method: "PUT", json: { stars } });
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.#showStars(before);
      toast(`${error.title}. ${sentence(error.detail)}`);
    }
  }

  markBest(best) {
    this.element.querySelector(".best").hidden = !best;
  }

  mark(current) {
    this.element.classList.toggle("current", current);
  }

  /** Lets go of its sound. */
  close() {
    this.player.pause();
    this.audio.removeAttribute("src");
    this.element.remove();
  }

  #build(actions) {
    const { take } = this;
    const wished = take.wish;
    const name = `Take ${take.index + 1}`;
    const rating = el("fieldset", { class: "stars" }, el("legend", { class: "visually-hidden" }, `Stars for take ${take.index + 1}`), ...STARS.map((stars) => this.#star(stars)));
    this.lanes = this.#lanes();
    const retried = retryWords(take.retries);
    const fact = (term, words) => el("div", {}, el("dt", {}, term), el("dd", { class: "num" }, words));
    const element = el(
      "li",
      { class: "take", "data-take": take.index, "data-slot": slot(this.genre) },
      el(
        "div",
        { class: "take-head" },
        el("button", { type: "button", class: "icon-button take-play", "aria-label": `Play take ${take.index + 1}`, onclick: () => this.player.toggle() }, icon("play")),
        el("h3", {}, name),
        el("span", { class: "chip best", title: "Agrees most with the wish", hidden: true }, icon("check"), "Best"),
        rating,
      ),
      this.audio,
      el("p", { class: "note bad take-error", role: "alert", hidden: true }, icon("warning"), el("span", {}, "This browser cannot play the sound. Download it as WAV or MP3 instead.")),
      this.lanes,
      el("div", { class: "time-axis num", "aria-hidden": "true" }),
      agreement(take, wished),
      el(
        "dl",
        { class: "take-facts" },
        fact("Tempo", tempoWords(take.tempo_bpm, wished.tempo_bpm)),
        fact("Key", keyWords(take.key, wished.key)),
        fact("Loudness", take.loudness_lufs === null ? "silent" : `${take.loudness_lufs.toFixed(1).replace("-", "−")}\u00a0LUFS`),
        fact("Seed", String(take.seed)),
      ),
      el("p", { class: "small origin num" }, icon("lock"), el("span", {}, originalityWords(take.originality))),
      retried ? el("p", { class: "small retried" }, icon("retry"), el("span", {}, retried)) : null,
      el(
        "div",
        { class: "take-actions" },
        el("button", { type: "button", class: "button small", "data-action": "vary", onclick: () => actions.vary(take) }, icon("shuffle"), "Vary this"),
        el("button", { type: "button", class: "button small", "data-action": "continue", onclick: () => actions.goOn(take) }, icon("skip"), "Continue this"),
        el("button", { type: "button", class: "button small", "data-action": "seed", onclick: () => actions.keepSeed(take) }, icon("lock"), "Keep its seed"),
        this.#downloads(),
      ),
    );
    element.addEventListener("focusin", () => actions.chosen(this));
    element.addEventListener("pointerdown", () => actions.chosen(this));
    this.stars = rating;
    return element;
  }

  #lanes() {
    const source = new URL(this.take.spectrogram, location.href);
    for (const [name, value] of Object.entries(PICTURE)) source.searchParams.set(name, value);
    const lanes = el(
      "div",
      {
        class: "lanes",
        role: "slider",
        tabindex: "0",
        "aria-label": `Position in take ${this.take.index + 1}`,
        "aria-valuemin": "0",
        "aria-valuemax": Math.round(this.take.seconds),
        onclick: (event) => this.player.play(timeAt(event, lanes, this.take.seconds)),
        onkeydown: (event) => this.#moveByKeys(event),
      },
      el("div", { class: "wave" }),
      el("div", { class: "picture-lane" }, el("img", { src: source.href, alt: "", loading: "lazy", draggable: "false" })),
      el("div", { class: "playhead", "aria-hidden": "true" }),
    );
    return lanes;
  }

  #star(stars) {
    const radio = el("input", { type: "radio", name: `stars-${this.clip.id}-${this.take.index}`, value: stars, "aria-label": `${stars} of 5 stars`, class: "visually-hidden", checked: this.take.rating === stars });
    radio.addEventListener("change", () => this.rate(stars));
    const lit = stars <= (this.take.rating ?? 0) ? "lit" : null;
    // After a click the keys are the page's again; who moves by keys stays where they are.
    return el("label", { class: lit, title: `${stars} of 5 stars`, onclick: (event) => { if (event.detail > 0) setTimeout(() => radio.blur()); } }, radio, icon("star"));
  }

  #showStars(stars) {
    this.take.rating = stars;
    this.stars.querySelectorAll("label").forEach((label, index) => {
      label.classList.toggle("lit", index < (stars ?? 0));
      label.querySelector("input").checked = index + 1 === stars;
    });
    this.element.dispatchEvent(new Event("rated", { bubbles: true }));
  }

  #downloads() {
    const links = FORMATS.map(([format, words]) => {
      const url = new URL(this.take.audio, location.href);
      url.searchParams.set("format", format);
      return el("a", { class: "button small", href: url.href, download: true }, words);
    });
    return el("span", { class: "downloads", role: "group", "aria-label": `Download take ${this.take.index + 1}` }, icon("download"), ...links);
  }

  #showPosition() {
    const now = this.player.position;
    this.element.querySelector(".playhead").style.left = `${(100 * now) / this.take.seconds}%`;
    this.lanes.setAttribute("aria-valuenow", Math.round(now));
    this.lanes.setAttribute("aria-valuetext", `${spokenTime(now)} of ${spokenTime(this.take.seconds)}`);
  }

  #showPlaying() {
    const button = this.element.querySelector(".take-play");
    setIcon(button, this.player.playing ? "pause" : "play");
    button.setAttribute("aria-label", `${this.player.playing ? "Pause" : "Play"} take ${this.take.index + 1}`);
  }

  #moveByKeys(event) {
    const steps = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 5, PageDown: -5 };
    if (event.key === "Home") this.player.seek(0);
    else if (event.key === "End") this.player.seek(this.take.seconds);
    else if (event.key in steps) this.player.seek(this.player.position + (event.shiftKey ? 5 : 1) * steps[event.key]);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}

/** How surely the classifier hears the genres that were wished for; nothing where it was not asked. */
function agreement(take, wished) {
  if (take.genre_agreement === null || take.genre_agreement === undefined) return null;
  const genres = Object.keys(sharesOf(wished.genre)).map((genre) => genreName(genre, { capital: false }));
  const words = genres.length === 1 ? `Sounds like ${genres[0]}` : "Sounds like the mix";
  return el(
    "div",
    { class: "agreement" },
    el("span", {}, words),
    el("span", { class: "bar", "aria-hidden": "true" }, el("i", { style: { width: `${100 * take.genre_agreement}%` } })),
    el("b", { class: "num" }, percent(take.genre_agreement)),
  );
}
