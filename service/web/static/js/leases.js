// Leases of this tab: taken from the queue, kept over a reload, renewed while somebody is there.
import { Problem, request } from "./api.js";
import { keep, kept } from "./tab-storage.js";

const LEAST_RENEWAL_MS = 1000;
const SIGNS_OF_LIFE = ["keydown", "pointerdown", "pointermove"];

export class Leases {
  #held; // ids
  #key;
  #who;
  #project;
  #seen = Date.now();
  #renewing = null;

  /** `key` is where the tab keeps them, `who` what requests carry of the annotator. */
  constructor(key, { project, who }) {
    this.#key = key;
    this.#project = project;
    this.#who = who;
    this.#held = kept(this.#key, []);
    for (const sign of SIGNS_OF_LIFE) {
      document.addEventListener(sign, () => { this.#seen = Date.now(); }, { capture: true, passive: true });
    }
  }

  /** Keeps leases of `leaseS` seconds as long as somebody is there or `listens()`; `onLost(id)` hears of one that the server has taken back. */
  renewWhileUsed({ leaseS, listens, onLost }) {
    clearInterval(this.#renewing);
    this.#renewing = setInterval(() => {
      if (listens() || Date.now() - this.#seen < 1000 * leaseS) this.#renewAll(onLost);
    }, Math.max(LEAST_RENEWAL_MS, (1000 * leaseS) / 3));
  }

  /** The leases that this tab had before a reload and has still, in order. */
  async resume() {
    const found = [];
    for (const id of [...this.#held]) {
      const lease = await this.renew(id);
      if (lease) found.push(lease);
    }
    return found;
  }

  /** The next recording, or null where there is none to be had now. */
  async take() {
    const lease = await request("queue/lease", { method: "POST", json: { project: this.#project, ...this.#who } });
    if (!lease || this.#held.includes(lease.id)) return null;
    this.hold(lease.id);
    return lease;
  }

  /** The lease with a later end, or null where the server gives it no more. */
  async renew(id) {
    try {
      return await request(`queue/${id}/renew`, { method: "POST", json: this.#who });
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      const gone = error.status === 404 || error.status === 409 || error.status === 410;
      if (!gone) throw error;
      this.drop(id);
      return null;
    }
  }

  hold(id) {
    this.#held.push(id);
    keep(this.#key, this.#held);
  }

  drop(id) {
    this.#held = this.#held.filter((other) => other !== id);
    keep(this.#key, this.#held);
  }

  async #renewAll(onLost) {
    for (const id of [...this.#held]) {
      try {
        const held = await this.renew(id);
        if (!held) onLost(id);
      } catch (error) {
        if (!(error instanceof Problem)) throw error; // the server is away: the next turn tries again
      }
    }
  }
}
