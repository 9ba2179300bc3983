// Adding recordings: several at once, each with its own progress, its own error and a way out.
import { Problem, pageUrl, request, upload } from "./api.js";
import { byId, el, icon } from "./dom.js";
import { bytes, genreName, percent, sentence, verdict } from "./format.js";
import { poll } from "./jobs.js";

const AT_ONCE = 3;
const HEARD_BY_NAME = /\.(wav|wave|flac|mp3|mp2|ogg|oga|opus|m4a|m4b|mp4|aac|wma|aiff?|aifc|au|snd|caf|mka|mkv|webm|mov|w64|rf64)$/i;

/** Whether a file in a dropped folder is worth sending; files chosen one by one are always sent. */
const looksLikeSound = (file) => /^(audio|video)\//.test(file.type) || HEARD_BY_NAME.test(file.name);

export class Uploads {
  #waiting = [];
  #running = 0;
  #entries = new Set();

  /** `onTrack(id)` hears of every recording that was added and heard, `onAccepted(id)` when it has arrived. */
  constructor({ maxUploadMb, onTrack, onAccepted }) {
    this.maxBytes = maxUploadMb * 2 ** 20;
    this.maxUploadMb = maxUploadMb;
    this.onTrack = onTrack;
    this.onAccepted = onAccepted;
    byId("uploads-clear").addEventListener("click", () => this.#clear());
    window.addEventListener("beforeunload", (event) => {
      if ([...this.#entries].some((entry) => entry.state === "sending")) event.preventDefault();
    });
  }

  /** Queues files; `fromFolder` leaves out covers, playlists and the like, and says how many. */
  add(files, { fromFolder = false } = {}) {
    const wanted = fromFolder ? files.filter(looksLikeSound) : files;
    this.skipped = (this.skipped ?? 0) + files.length - wanted.length;
    for (const file of wanted) this.#enqueue(file);
    byId("uploads").hidden = this.#entries.size === 0 && !this.skipped;
    this.#summarise();
    this.#next();
  }

  #enqueue(file) {
    const entry = { file, state: "waiting", cancel: new AbortController() };
    entry.row = this.#row(entry);
    this.#entries.add(entry);
    byId("upload-list").append(entry.row.element);
    this.#waiting.push(entry);
    this.#show(entry, "waiting", `Waiting · ${bytes(file.size)}`);
  }

  #row(entry) {
    const state = el("p", { class: "state num" });
    const fill = el("i");
    const bar = el("div", { class: "bar", role: "progressbar", "aria-label": `Progress of ${entry.file.name}`, "aria-valuemin": 0, "aria-valuemax": 100 }, fill);
    const wayOut = el("p", { class: "way-out", hidden: true });
    const actions = el("div", { class: "actions" });
    const element = el("li", { class: "upload" }, el("div", {}, el("p", { class: "name", title: entry.file.name }, entry.file.name), state), actions, wayOut, bar);
    return { element, state, bar, fill, wayOut, actions };
  }

  #next() {
    while (this.#running < AT_ONCE && this.#waiting.length) {
      this.#running += 1;
      const entry = this.#waiting.shift();
      this.#send(entry).finally(() => {
        this.#running -= 1;
        this.#summarise();
        this.#next();
      });
    }
  }

  async #send(entry) {
    const { file } = entry;
    try {
      if (file.size > this.maxBytes) {
        throw new Problem({ title: "This file is too large", detail: `It has ${bytes(file.size)}; up to ${this.maxUploadMb} MB are taken here. The command line has no such limit: genrelab classify.`, status: 413 });
      }
      this.#show(entry, "sending", "Sending…", 0);
      const sent = await this.#patiently(entry, () =>
        upload(file, {
          signal: entry.cancel.signal,
          onProgress: (share) => this.#show(entry, "sending", share < 1 ? `Sending · ${percent(share)} of ${bytes(file.size)}` : "Checking…", share < 1 ? share : null),
        }),
      );
      entry.job = sent.job;
      entry.track = sent.track;
      this.onAccepted(sent.track);
      if (sent.job) await this.#listenTo(entry);
      await this.#finish(entry);
    } catch (error) {
      this.#fail(entry, error);
    }
  }

  /** A busy server says when to come back; the page does, and says so. */
  async #patiently(entry, action) {
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await action();
      } catch (error) {
        const busy = error instanceof Problem && (error.status === 429 || error.status === 503) && error.retryAfter;
        if (!busy || attempt >= 20) throw error;
        const wait = Math.min(error.retryAfter, 120);
        this.#show(entry, "sending", `The server is busy: trying again in ${wait} s`, null);
        await new Promise((resolve) => setTimeout(resolve, wait * 1000));
      }
    }
  }

  async #listenTo(entry) {
    const job = await poll(
      entry.job,
      ({ state, progress }) => this.#show(entry, "hearing", state === "queued" ? "In the queue" : `Listening · ${percent(progress)}`, state === "queued" ? null : progress),
      { signal: entry.cancel.signal },
    );
    if (job.state === "cancelled") throw new DOMException("cancelled", "AbortError");
    if (job.state === "failed") throw new Problem(job.problem ?? { title: "The analysis failed", detail: "Please try again." });
  }

  async #finish(entry) {
    const track = await request(`tracks/${entry.track}`);
    const answer = track.classification;
    const named = answer.genre !== null && !answer.abstained;
    const heard = named ? `${genreName(answer.genre)}, ${percent(answer.probabilities[answer.genre])}` : verdict(answer).sentence;
    this.#show(entry, "done", heard, 1);
    entry.row.bar.hidden = true;
    entry.row.actions.replaceChildren(el("a", { class: "button small", href: pageUrl(`tracks/${entry.track}`), "aria-label": `Open ${entry.file.name}` }, "Open"));
    this.onTrack(entry.track);
  }

  #fail(entry, error) {
    const cancelled = error.name === "AbortError";
    const known = error instanceof Problem;
    if (!cancelled) byId("upload-list").prepend(entry.row.element); // in sight, whatever the list's length
    this.#show(entry, "failed", cancelled ? "Cancelled" : known ? error.title : "Something went wrong on this page");
    entry.row.bar.hidden = true;
    entry.row.wayOut.hidden = cancelled || !known || !error.detail;
    entry.row.wayOut.textContent = known ? sentence(error.detail) : "";
    const buttons = [this.#button("Retry", "retry", () => this.#retry(entry)), this.#button("Dismiss", "close", () => this.#dismiss(entry))];
    entry.row.actions.replaceChildren(...buttons);
    // A recording that was taken but cannot be heard stays out of the library: its error is shown here.
    if (entry.track) this.onTrack(entry.track);
    if (!known && !cancelled) throw error;
  }

  #button(label, symbol, action) {
    return el("button", { type: "button", class: "icon-button plain", title: label, onclick: action }, icon(symbol), el("span", { class: "visually-hidden" }, label));
  }

  #retry(entry) {
    entry.cancel = new AbortController();
    entry.row.wayOut.hidden = true;
    entry.row.bar.hidden = false;
    this.#waiting.push(entry);
    this.#show(entry, "waiting", "Waiting");
    this.#summarise();
    this.#next();
  }

  #dismiss(entry) {
    this.#entries.delete(entry);
    entry.row.element.remove();
    this.#summarise();
    byId("uploads").hidden = this.#entries.size === 0;
  }

  #clear() {
    for (const entry of [...this.#entries]) {
      if (entry.state === "done" || entry.state === "failed") this.#dismiss(entry);
    }
    this.skipped = 0;
  }

  #cancel(entry) {
    entry.cancel.abort();
    if (entry.job) request(`jobs/${entry.job}`, { method: "DELETE" }).catch(() => {});
    if (entry.state === "waiting") {
      this.#waiting = this.#waiting.filter((other) => other !== entry);
      this.#fail(entry, new DOMException("cancelled", "AbortError"));
    }
  }

  #show(entry, state, words, share = null) {
    const { element, state: line, bar, fill, actions } = entry.row;
    if (entry.state !== state && state !== "failed" && state !== "done") {
      actions.replaceChildren(this.#button(`Cancel ${entry.file.name}`, "close", () => this.#cancel(entry)));
    }
    entry.state = state;
    element.className = `upload ${state}`;
    line.textContent = words;
    bar.classList.toggle("unknown", share === null && (state === "hearing" || state === "sending"));
    fill.style.width = share === null ? "" : `${100 * share}%`;
    if (share === null) bar.removeAttribute("aria-valuenow");
    else bar.setAttribute("aria-valuenow", Math.round(100 * share));
  }

  #summarise() {
    const count = (state) => [...this.#entries].filter((entry) => entry.state === state).length;
    const [done, failed, all] = [count("done"), count("failed"), this.#entries.size];
    const parts = [all ? `${done} of ${all} done` : null, failed ? `${failed} failed` : null, this.skipped ? `${this.skipped} files that are no sound were left out` : null];
    byId("uploads-summary").textContent = parts.filter(Boolean).join(" · ");
    byId("uploads-clear").hidden = done + failed === 0;
  }
}

/** All files of a drop, folders walked through. Resolves to {files, fromFolder}. */
export async function filesOfDrop(transfer) {
  const entries = [...transfer.items].filter((item) => item.kind === "file").map((item) => item.webkitGetAsEntry?.());
  if (!entries.some((entry) => entry?.isDirectory)) return { files: [...transfer.files], fromFolder: false };
  const files = [];
  for (const entry of entries) await walk(entry, files);
  return { files, fromFolder: true };
}

async function walk(entry, files) {
  if (entry?.isFile) files.push(await new Promise((resolve, reject) => entry.file(resolve, reject)));
  if (!entry?.isDirectory) return;
  const reader = entry.createReader();
  for (;;) {
    const batch = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (batch.length === 0) return;
    for (const child of batch) await walk(child, files);
  }
}
