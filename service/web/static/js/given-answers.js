// The answers that the server has and that can still be taken back, kept in the tab over a reload.
import { keep, kept } from "./tab-storage.js";

const DEPTH = 50;

export class GivenAnswers {
  #acts;
  #key;

  constructor(key) {
    this.#key = key;
    this.#acts = kept(key, []);
  }

  /** The latest: {id, filename, words, kind, answered}, or undefined. */
  get last() {
    return this.#acts.at(-1);
  }

  add(act) {
    this.#acts = [...this.#acts, act].slice(-DEPTH);
    keep(this.#key, this.#acts);
  }

  dropLast() {
    this.#acts = this.#acts.slice(0, -1);
    keep(this.#key, this.#acts);
  }
}
