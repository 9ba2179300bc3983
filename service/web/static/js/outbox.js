// Answers on their way to the server: in order, kept in the tab until the server has them, sent again as long as needed.
import { Problem, request } from "./api.js";
import { keep, kept } from "./tab-storage.js";

const FIRST_PAUSE_MS = 1000;
const LAST_PAUSE_MS = 30_000;
const FINAL = new Set([400, 404, 409, 410, 413, 422]); // sending the same again would be answered the same, unless it says when

/**
 * Events: "sent" (detail {entry, answer}), "refused" (detail {entry, problem}) and "change".
 * An entry is {path, json} and whatever else its owner wants to find in it again.
 */
export class Outbox extends EventTarget {
  #entries;
  #key;
  #pause = FIRST_PAUSE_MS;
  #sending = false;
  #wake = () => {};

  constructor(key) {
    super();
    this.#key = key;
    this.#entries = kept(key, []);
    this.problem = null; // why the first entry could not be sent the last time
    addEventListener("online", () => this.sendNow());
    addEventListener("beforeunload", (event) => {
      if (this.problem) event.preventDefault();
    });
  }

  /** The entry that was added last and is not sent yet, or undefined. */
  get last() {
    return this.#entries.at(-1);
  }

  get waiting() {
    return this.#entries.length;
  }

  add(entry) {
    this.#entries.push({ ...entry, key: randomKey() });
    this.#changed();
    this.send();
  }

  sendNow() {
    this.#pause = FIRST_PAUSE_MS;
    this.#wake();
  }

  /** Sends what waits, one after the other; calls while it does so change nothing. */
  async send() {
    if (this.#sending) return;
    this.#sending = true;
    while (this.#entries.length) {
      const entry = this.#entries[0];
      try {
        const answer = await request(entry.path, { method: "POST", headers: { "Idempotency-Key": entry.key }, json: entry.json, keepalive: true });
        this.#took(entry);
        this.dispatchEvent(new CustomEvent("sent", { detail: { entry, answer } }));
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        if (FINAL.has(error.status) && !error.retryAfter) {
          this.#took(entry);
          this.dispatchEvent(new CustomEvent("refused", { detail: { entry, problem: error } }));
        } else {
          await this.#wait(error);
        }
      }
    }
    this.#sending = false;
    this.#changed();
  }

  /** Resolves once nothing is on its way, to whether the server has everything; an answer that is stuck is not waited for. */
  settled() {
    return new Promise((resolve) => {
      const look = () => {
        if (this.#entries.length && !this.problem) return;
        this.removeEventListener("change", look);
        resolve(this.#entries.length === 0);
      };
      this.addEventListener("change", look);
      look();
    });
  }

  #took(entry) {
    this.problem = null;
    this.#pause = FIRST_PAUSE_MS;
    this.#entries = this.#entries.filter((other) => other !== entry);
    this.#changed();
  }

  async #wait(problem) {
    this.problem = problem;
    this.#changed();
    const pause = Math.max(this.#pause, 1000 * (problem.retryAfter ?? 0));
    this.#pause = Math.min(2 * this.#pause, LAST_PAUSE_MS);
    await new Promise((resolve) => {
      this.#wake = resolve;
      setTimeout(resolve, pause);
    });
  }

  #changed() {
    keep(this.#key, this.#entries);
    this.dispatchEvent(new Event("change"));
  }
}

/** What tells an answer that is sent again from another one; crypto.randomUUID is missing where the page has no HTTPS. */
function randomKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
