// What a clip starts from: nothing, a recording of the library, or a take that was made; and which stretch of it.
import { Problem, apiUrl, request } from "./api.js";
import { byId, el, setIcon, toast } from "./dom.js";
import { clock, percent, sentence, title } from "./format.js";
import { barsOf } from "./peaks.js";
import { Player } from "./player.js";
import { timeAt } from "./timeline.js";

const TYPING_MS = 250;
const LISTED = 50;
const HEARD_SHARE = 0.05; // a genre that was heard with less is left out of the mix
const LEAST_S = 0.5; // of a stretch
const PROMPT_S = 7; // of a recording that is continued, at its end
const MORE_S = 10; // that a continuation adds, unless another length was chosen
const SPANNED = new Set(["continue", "restyle", "inpaint"]);
const EXPLAINED = {
  like: "Genre, tempo and key are set as they were heard. Move the sliders for another mix, such as half jazz.",
  continue: "The clip begins with the marked stretch and goes on until it has the length above.",
  restyle: "Rhythm and harmony of the marked stretch stay; the genre changes.",
  inpaint: "The marked stretch is made anew, the rest stays.",
  vary: "Part of the take is made anew, the rest stays.",
};

export class Start {
  #thing = null; // {kind: "track" or "clip", id, take, name, duration, heard}
  #use = "like";
  #player = null;
  #asked = 0;

  /** `onChange()` hears every change; `onHeard({genre, tempo_bpm, key})` what "like" finds in a recording; `onLength(s)` the least length of a continuation. */
  constructor({ onChange, onHeard, onLength }) {
    this.onChange = onChange;
    this.onHeard = onHeard;
    this.onLength = onLength;
    let typing = null;
    byId("start-search").addEventListener("input", () => {
      clearTimeout(typing);
      typing = setTimeout(() => this.#list(), TYPING_MS);
    });
    byId("start").addEventListener("toggle", () => { if (byId("start").open && byId("start-track").options.length < 2) this.#list(); });
    byId("start-track").addEventListener("change", (event) => this.#choose(event.target.value));
    byId("start-none").addEventListener("click", () => this.#choose(""));
    for (const radio of document.querySelectorAll("[name=use]")) radio.addEventListener("change", () => this.#useAs(radio.value));
    for (const id of ["start_s", "end_s"]) byId(id).addEventListener("input", () => this.#typed());
    byId("strength").addEventListener("input", () => {
      this.#showStrength();
      onChange();
    });
    byId("span-play").addEventListener("click", () => this.#hear());
    this.#connectLane();
    this.#show();
  }

  /** The parts of a request that say what the clip starts from. */
  read() {
    const { kind, id, take } = this.#thing ?? {};
    if (!kind) return {};
    if (this.#use === "vary") return { vary: { clip: id, take, strength: Number(byId("strength").value) / 100 } };
    if (this.#use === "like") return { like: id };
    const span = { use: this.#use, start_s: Number(byId("start_s").value), end_s: Number(byId("end_s").value) };
    return kind === "track" ? { like: id, source: { track: id, ...span } } : { source: { clip: id, take, ...span } };
  }

  /** The same as parts of the page's address. */
  address() {
    const { like, source, vary } = this.read();
    const from = source ?? vary;
    const parts = {
      like: source ? undefined : like,
      track: source?.track,
      clip: from?.clip,
      take: from?.take,
      use: source?.use ?? (vary ? "vary" : undefined),
      start_s: source?.start_s,
      end_s: source?.end_s,
      strength: vary?.strength,
    };
    return Object.entries(parts).filter(([, value]) => value !== undefined && value !== null);
  }

  /** Whether the genre may be left to what the clip starts from. */
  get givesGenre() {
    return this.#thing !== null;
  }

  /** Starts as a request says; `heard` is whether "like" sets the form to what is heard in the recording. */
  async write({ like, source, vary }, { heard = false } = {}) {
    const from = source ?? vary;
    this.#use = source?.use ?? (vary ? "vary" : "like");
    if (vary) byId("strength").value = Math.round(100 * (vary.strength ?? 0.5));
    if (from?.clip) await this.#startFromTake(from.clip, from.take ?? 0, from);
    else if (like || from?.track) await this.#startFromTrack(like ?? from.track, from ?? {}, { heard });
    else this.#clear();
  }

  /** What the address of the page says about it. */
  static ofAddress(address) {
    const value = (name) => address.get(name) ?? undefined;
    const number = (name) => (address.has(name) ? Number(address.get(name)) : undefined);
    const [clip, track, use] = [value("clip"), value("track"), value("use")];
    const span = { start_s: number("start_s"), end_s: number("end_s") };
    const asked = { like: value("like") };
    if (clip && use === "vary") asked.vary = { clip, take: number("take") ?? 0, strength: number("strength") };
    else if ((clip || track) && SPANNED.has(use)) asked.source = { ...(clip ? { clip, take: number("take") ?? 0 } : { track }), use, ...span };
    return asked;
  }

  // ---------- choosing ----------

  async #list() {
    const mine = (this.#asked += 1);
    const query = new URLSearchParams({ limit: LISTED });
    const wanted = byId("start-search").value.trim();
    if (wanted) query.set("q", wanted);
    try {
      const { items } = await request(`tracks?${query}`);
      if (mine !== this.#asked) return;
      const heard = items.filter((track) => track.classification);
      this.tracks = heard.map((track) => ({ id: track.id, name: title(track.filename) }));
      byId("start-found").textContent = heard.length ? "" : wanted ? "No recording matches." : "The library is empty: add a recording there first.";
      this.#showList();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      byId("start-found").textContent = `${error.title}. ${sentence(error.detail)}`;
    }
  }

  #choose(id) {
    if (!id) {
      this.#clear();
      this.onChange();
    } else if (id !== this.#value()) {
      if (this.#use === "vary") this.#use = "like";
      this.#startFromTrack(id, {}, { heard: true });
    }
  }

  #clear() {
    this.#silence();
    this.#thing = null;
    this.#show();
  }

  async #startFromTrack(id, span, { heard }) {
    await this.#begin(async () => {
      const track = await request(`tracks/${id}`);
      return {
        thing: { kind: "track", id, name: title(track.filename), duration: track.duration_s, heard: track.classification, sound: `tracks/${id}/audio`, wave: `tracks/${id}/waveform` },
        span,
      };
    });
    if (this.#thing?.id === id && heard && this.#use === "like") this.#applyHeard();
    this.onChange();
  }

  async #startFromTake(id, take, span) {
    await this.#begin(async () => {
      const { seconds } = (await request(`clips/${id}`)).takes.find(({ index }) => index === take);
      return { thing: { kind: "clip", id, take, name: `Take ${take + 1}`, duration: seconds, sound: `clips/${id}/takes/${take}/audio`, wave: `clips/${id}/takes/${take}/waveform` }, span };
    });
    this.onChange();
  }

  async #begin(find) {
    this.#silence();
    try {
      const { thing, span } = await find();
      this.#thing = thing;
      this.#place(span);
      byId("start").open = true;
      this.#show();
      this.#draw();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.#clear();
      toast(`${error.title}. ${sentence(error.detail)}`);
    }
  }

  /** Sets the form to what was heard in the recording. */
  #applyHeard() {
    const { heard } = this.#thing;
    if (!heard?.genre) return;
    const mix = Object.fromEntries(Object.entries(heard.probabilities).filter(([, share]) => share >= HEARD_SHARE));
    this.onHeard({ genre: mix, tempo_bpm: heard.attributes?.tempo_bpm ? Math.round(heard.attributes.tempo_bpm) : null, key: heard.attributes?.key ?? null });
  }

  #useAs(use) {
    this.#use = use;
    this.#place({});
    this.#show();
    if (use === "like") this.#applyHeard();
    this.onChange();
  }

  // ---------- the stretch ----------

  /** Marks the stretch of a request, or one that the use suggests. */
  #place({ start_s: start, end_s: end }) {
    const { duration } = this.#thing;
    const suggested = {
      continue: this.#thing.kind === "clip" ? [0, duration] : [duration - PROMPT_S, duration],
      restyle: [0, Number(byId("seconds").value)],
      inpaint: [duration / 3, (2 * duration) / 3],
    }[this.#use] ?? [0, duration];
    this.#mark(start ?? suggested[0], end ?? suggested[1]);
    if (this.#use === "continue") this.onLength(Number(byId("end_s").value) - Number(byId("start_s").value) + MORE_S);
  }

  #mark(from, to) {
    const { duration } = this.#thing;
    const tenths = (time) => Math.floor(10 * time + 1e-6) / 10;
    const start = Math.max(0, Math.min(from, to, duration - LEAST_S));
    const end = Math.min(duration, Math.max(from, to, start + LEAST_S));
    byId("start_s").value = tenths(start);
    byId("end_s").value = tenths(end);
    for (const id of ["start_s", "end_s"]) byId(id).max = tenths(duration);
    this.#showSpan();
  }

  #typed() {
    this.#showSpan();
    this.onChange();
  }

  #connectLane() {
    const lane = byId("span-lane");
    let from = null;
    lane.addEventListener("pointerdown", (event) => {
      from = timeAt(event, lane, this.#thing.duration);
      lane.setPointerCapture(event.pointerId);
    });
    lane.addEventListener("pointermove", (event) => {
      if (from !== null) this.#mark(from, timeAt(event, lane, this.#thing.duration));
    });
    lane.addEventListener("pointerup", (event) => {
      const to = timeAt(event, lane, this.#thing.duration);
      if (Math.abs(to - from) < LEAST_S) this.#moveNearestEnd(to);
      from = null;
      this.onChange();
    });
  }

  /** A click without a drag moves the nearer end of the stretch. */
  #moveNearestEnd(time) {
    const [start, end] = [Number(byId("start_s").value), Number(byId("end_s").value)];
    if (Math.abs(time - start) < Math.abs(time - end)) this.#mark(time, end);
    else this.#mark(start, time);
  }

  #hear() {
    if (this.#player?.playing) return void this.#player.pause();
    const { sound, duration } = this.#thing;
    if (!this.#player) {
      this.#player = new Player(new Audio(), { url: apiUrl(sound), duration });
      this.#player.addEventListener("state", () => this.#showHearing());
    }
    this.#player.play(Number(byId("start_s").value), { until: Number(byId("end_s").value) });
  }

  #silence() {
    this.#player?.pause();
    this.#player = null;
    this.#showHearing();
  }

  async #draw() {
    const thing = this.#thing;
    const path = byId("span-lane").querySelector("path");
    path.setAttribute("d", "");
    try {
      const { peaks } = await request(thing.wave);
      if (thing === this.#thing) path.setAttribute("d", barsOf(peaks));
    } catch (error) {
      if (!(error instanceof Problem)) throw error; // the fields mark the stretch as well
    }
  }

  // ---------- showing ----------

  #value() {
    return this.#thing ? (this.#thing.kind === "track" ? this.#thing.id : `take ${this.#thing.id}`) : "";
  }

  #show() {
    const thing = this.#thing;
    byId("start-how").hidden = !thing;
    byId("start-said").textContent = thing ? `${thing.name}: ${this.#use === "inpaint" ? "fill in" : this.#use}` : "";
    for (const radio of document.querySelectorAll("[name=use]")) {
      radio.checked = radio.value === this.#use;
      radio.parentElement.hidden = Boolean(thing) && (thing.kind === "clip" ? radio.value === "like" : radio.value === "vary");
    }
    byId("start-explained").textContent = EXPLAINED[this.#use];
    byId("span").hidden = !thing || !SPANNED.has(this.#use);
    byId("strength-box").hidden = this.#use !== "vary";
    this.#showStrength();
    this.#showList();
  }

  #showList() {
    const options = [["", "Nothing"], ...(this.tracks ?? []).map(({ id, name }) => [id, name])];
    if (this.#thing && !options.some(([value]) => value === this.#value())) options.splice(1, 0, [this.#value(), this.#thing.name]);
    byId("start-track").replaceChildren(...options.map(([value, words]) => el("option", { value }, words)));
    byId("start-track").value = this.#value();
  }

  #showSpan() {
    const [start, end] = [Number(byId("start_s").value), Number(byId("end_s").value)];
    const { duration } = this.#thing;
    Object.assign(byId("span-mark").style, { left: `${(100 * start) / duration}%`, width: `${Math.max(0, (100 * (end - start)) / duration)}%` });
    byId("span-length").textContent = `${(end - start).toFixed(1)} s of ${clock(Math.round(duration))}`;
  }

  #showStrength() {
    const slider = byId("strength");
    const said = percent(Number(slider.value) / 100);
    byId("strength-said").textContent = said;
    slider.setAttribute("aria-valuetext", said);
    slider.style.setProperty("--filled", `${slider.value}%`);
  }

  #showHearing() {
    const playing = this.#player?.playing ?? false;
    setIcon(byId("span-play"), playing ? "pause" : "play");
    byId("span-play").lastElementChild.textContent = playing ? "Pause" : "Listen to it";
  }
}
