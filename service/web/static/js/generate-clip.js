// A clip from its job to its takes: progress, stop, what went wrong, and the takes side by side.
import { Problem, pageUrl, request } from "./api.js";
import { byId, confirmThat, el, icon, save, toast } from "./dom.js";
import { percent, sentence } from "./format.js";
import { Take } from "./generate-take.js";
import { mixWords, remaining, waitWords, wishWords } from "./generate-words.js";
import { follow } from "./jobs.js";

const ENDED = new Set(["done", "failed", "cancelled"]);
const VARIED = 0.5; // share of a take that a variation makes anew

export class ClipView {
  #clip = null;
  #takes = [];
  #current = null;
  #shown = 0; // number of the latest clip: what comes for an older one is not shown

  /**
   * `actions`: goOn(clip, take), keepSeed(clip, take), use(clip), deleted(clip); `onKnown(clip)` hears of each clip that was
   * asked for or opened, `onEnd(clip)` of one whose job has ended.
   */
  constructor({ wavesurferUrl, actions, onKnown, onEnd }) {
    Object.assign(this, { wavesurferUrl, actions, onKnown, onEnd });
    byId("again").addEventListener("click", () => this.#again());
    byId("follow-ratings").addEventListener("click", () => this.#followRatings());
    byId("use-settings")?.addEventListener("click", () => actions.use(this.#clip));
    byId("provenance").addEventListener("click", () => this.#saveProvenance());
    byId("delete-clip")?.addEventListener("click", () => this.#askToDelete());
    byId("take-list").addEventListener("rated", () => this.#showRated());
  }

  get clip() {
    return this.#clip;
  }

  /** Asks for a clip, with a way to ask the same again where the server was away. `refused(problem)` says whether it shows a problem elsewhere. */
  async make(wish, { refused = () => false } = {}) {
    const mine = this.#begin();
    const key = newKey();
    const send = async () => {
      this.#say("Asking…", "", null);
      try {
        const clip = await request("clips", { method: "POST", headers: { "Idempotency-Key": key }, json: wish });
        if (mine === this.#shown) await this.#listenTo(clip, mine);
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        if (mine !== this.#shown) return;
        if (refused(error)) this.hide();
        else this.#say(error.title, sentence(error.detail), "none", [button("Try again", "retry", send)]);
      }
    };
    await send();
  }

  /** Shows a clip that was asked for before, and follows its job; resolves to whether it is there. */
  async open(id) {
    const mine = this.#begin();
    this.#say("Loading…", "", null);
    try {
      const clip = await request(`clips/${id}`);
      if (mine === this.#shown) await this.#listenTo(clip, mine);
      return true;
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (mine !== this.#shown) return true;
      this.#say(error.title, sentence(error.detail), "none", [button("Try again", "retry", () => this.open(id))]);
      return false;
    }
  }

  hide() {
    this.#begin();
    byId("working").hidden = true;
  }

  // ---------- by keys ----------

  toggle() {
    (this.#current ?? this.#takes[0])?.player.toggle();
  }

  rate(stars) {
    (this.#current ?? this.#takes[0])?.rate(stars);
  }

  vary() {
    const take = this.#current ?? this.#takes[0];
    if (take) this.#vary(take.take);
  }

  /** Goes to the next take (1) or to the one before (-1), and plays it. */
  step(by) {
    if (this.#takes.length === 0) return;
    const here = this.#takes.indexOf(this.#current);
    const next = this.#takes[here < 0 ? 0 : (here + by + this.#takes.length) % this.#takes.length];
    for (const take of this.#takes) if (take !== next) take.player.pause();
    this.#choose(next); // at once: the sound takes a while to begin
    next.element.scrollIntoView({ block: "nearest" });
    next.player.play(0);
  }

  // ---------- another one ----------

  /** The same wish with another seed. */
  #again() {
    return this.make({ ...this.#clip.request, seed: null });
  }

  #vary({ index }) {
    return this.make({ vary: { clip: this.#clip.id, take: index, strength: VARIED }, takes: this.#clip.request.takes });
  }

  /** Takes as the ratings would have them: genre, tempo, key and energy are theirs to say. */
  #followRatings() {
    const { id, request: wish } = this.#clip;
    return this.make({ follow: id, seconds: wish.seconds, takes: wish.takes });
  }

  // ---------- the job ----------

  #begin() {
    for (const take of this.#takes) take.close();
    byId("take-list").replaceChildren();
    this.#takes = [];
    this.#current = null;
    this.#clip = null;
    byId("takes-card").hidden = true;
    return (this.#shown += 1);
  }

  async #listenTo(clip, mine) {
    this.onKnown(clip);
    this.#showTakes(clip);
    if (!ENDED.has(clip.state)) {
      const stop = button("Stop", "close", () => this.#stop(clip));
      const watch = { stop, seen: null };
      await follow(clip.job, (job) => { if (mine === this.#shown) this.#showProgress(job, watch); });
      const present = await request(`clips/${clip.id}`);
      if (mine !== this.#shown) return;
      this.#showTakes(present);
      this.onEnd(present);
    }
    if (this.#clip.state === "done") byId("working").hidden = true;
    else this.#showFailure(this.#clip);
  }

  #showProgress({ state, progress }, watch) {
    if (ENDED.has(state)) return;
    if (state === "queued") {
      this.#say("In the queue", "Other work comes first. You can leave this page; the work goes on.", null, [watch.stop]);
      return;
    }
    watch.seen ??= { at: Date.now(), progress };
    const left = remaining((Date.now() - watch.seen.at) / 1000, { from: watch.seen.progress, to: progress });
    const n = this.#clip.request.takes ?? 1;
    const what = n > 1 ? `Making ${n} takes` : "Making the take";
    this.#say(`${what}, ${percent(progress)}`, `${left === null ? "" : `Done in ${waitWords(left)}. `}You can leave this page; the work goes on.`, progress, [watch.stop]);
    if (Math.floor(n * progress + 1e-6) > this.#takes.length) this.#showNewTakes();
  }

  /** Shows takes as soon as they are made, while the others still are. */
  async #showNewTakes() {
    const mine = this.#shown;
    try {
      const present = await request(`clips/${this.#clip.id}`);
      if (mine === this.#shown && present.takes.length > this.#takes.length) this.#showTakes(present);
    } catch (error) {
      if (!(error instanceof Problem)) throw error; // whoever follows the job will tell
    }
  }

  async #stop(clip) {
    try {
      await request(`jobs/${clip.job}`, { method: "DELETE" });
      byId("working-text").textContent = "Stopping…";
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      toast(`${error.title}. ${sentence(error.detail)}`);
    }
  }

  #showFailure({ state, problem, takes }) {
    const again = button("Try again", "retry", () => this.#again());
    const kept = takes.length ? " The takes that were done are kept." : "";
    if (state === "cancelled") this.#say("Stopped", `Nothing more is made.${kept}`, "none", [again]);
    else this.#say(problem?.title ?? "The clip could not be made", `${sentence(problem?.detail ?? "please try again")}${kept}`, "none", [again]);
  }

  /** `share`: how far it is, null where that is not known, "none" for no bar. */
  #say(heading, text, share, actions = []) {
    byId("working").hidden = false;
    byId("working-title").textContent = heading;
    byId("working-text").textContent = text;
    const bar = byId("working-bar");
    bar.hidden = share === "none";
    bar.classList.toggle("unknown", share === null);
    bar.firstElementChild.style.width = typeof share === "number" ? `${100 * share}%` : "";
    if (typeof share === "number") bar.setAttribute("aria-valuenow", Math.round(100 * share));
    else bar.removeAttribute("aria-valuenow");
    if (byId("working-actions").firstElementChild !== actions[0]) byId("working-actions").replaceChildren(...actions);
    byId("working-actions").hidden = actions.length === 0;
  }

  // ---------- the takes ----------

  /** Shows a clip with the takes that are there by now; those that are shown already stay as they are. */
  #showTakes(clip) {
    this.#clip = clip;
    const known = this.#takes.length;
    const actions = {
      vary: (take) => this.#vary(take),
      goOn: (take) => this.actions.goOn(clip, take),
      keepSeed: (take) => this.actions.keepSeed(clip, take),
      chosen: (take) => this.#choose(take),
    };
    const fresh = clip.takes.slice(known).map((take) => {
      const view = new Take(take, { clip, wavesurferUrl: this.wavesurferUrl, actions, onPlay: () => this.#onlyHear(view) });
      return view;
    });
    this.#takes.push(...fresh);
    byId("takes-card").hidden = this.#takes.length === 0;
    if (this.#takes.length === 0) return;
    byId("takes-title").textContent = mixWords(genreOf(clip));
    byId("takes-text").textContent = wishWords(wishOf(clip));
    byId("take-list").dataset.count = clip.request.takes ?? 1;
    byId("take-list").append(...fresh.map(({ element }) => element));
    if (byId("clip-link")) byId("clip-link").href = pageUrl(`clips/${clip.id}`);
    for (const take of fresh) take.draw();
    this.#showBest(clip);
    this.#showRated();
  }

  /** Marks the take that agrees most with the wish, once all of them are there. */
  #showBest({ state, takes }) {
    const told = ENDED.has(state) && takes.length > 1 && takes.every((take) => take.genre_agreement !== null);
    this.#takes.forEach((view, index) => view.markBest(told && takes[index].rank === 1));
  }

  #onlyHear(heard) {
    if (heard.audio.paused) return; // another one was chosen before it began
    for (const take of this.#takes) if (take !== heard) take.player.pause();
    this.#choose(heard);
  }

  #choose(take) {
    this.#current = take;
    for (const other of this.#takes) other.mark(other === take && this.#takes.length > 1);
  }

  #showRated() {
    byId("follow-ratings").disabled = !this.#takes.some(({ take }) => take.rating !== null);
  }

  #saveProvenance() {
    const { id, takes } = this.#clip;
    const reports = takes.map(({ report }) => ({ generated: true, ...report }));
    save(`clip-${id}.json`, `${JSON.stringify(reports.length === 1 ? reports[0] : reports, null, 2)}\n`, "application/json");
  }

  async #askToDelete() {
    if (await deleteClip(this.#clip)) this.actions.deleted(this.#clip);
  }
}

/** The genres of a clip: those that were asked for, or else those of its best take. */
export function genreOf({ request: { genre }, takes }) {
  return genre ?? bestOf(takes)?.wish.genre ?? null;
}

/** What was asked for; the length, where it was left open, is that of the best take. */
export function wishOf({ request: wish, takes }) {
  return { ...wish, seconds: wish.seconds ?? bestOf(takes)?.wish.seconds };
}

/** The take that agrees most with the wish, or undefined. */
export function bestOf(takes) {
  return [...takes].sort((a, b) => a.rank - b.rank)[0];
}

/** Asks, then takes a clip away; resolves to whether it is gone. */
export async function deleteClip(clip) {
  const text = `“${mixWords(genreOf(clip))}, ${wishWords(wishOf(clip))}” and its sound are removed from this machine. The same settings and seed make it again.`;
  if (!(await confirmThat({ question: "Delete this clip?", text }))) return false;
  try {
    await request(`clips/${clip.id}`, { method: "DELETE" });
    return true;
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    toast(`${error.title}. ${sentence(error.detail)}`);
    return false;
  }
}

const button = (label, symbol, run) => el("button", { type: "button", class: "button", onclick: run }, icon(symbol), label);

/** Marks a request, so that one that was sent twice is done once. */
const newKey = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
