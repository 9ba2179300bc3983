// Following a job until it ends.
import { Problem, apiUrl, request } from "./api.js";

const ENDED = new Set(["done", "failed", "cancelled"]);
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Asks again and again: for many jobs at once, where a stream each would use up the browser's connections. */
export async function poll(id, onProgress, { signal } = {}) {
  let wait = 250;
  let silent = 0;
  for (;;) {
    try {
      const job = await request(`jobs/${id}`, { signal });
      silent = 0;
      onProgress(job);
      if (ENDED.has(job.state)) return job;
    } catch (error) {
      // A server that restarts, or asks for patience, deserves some; anything else is final.
      const passing = error instanceof Problem && (error.status === 0 || error.status === 429 || error.status === 503);
      if (!passing || (silent += 1) > 20) throw error;
      wait = Math.max(wait, (error.retryAfter ?? 1) * 1000);
    }
    await pause(wait);
    wait = Math.min(wait * 1.3, 2000);
  }
}

/** Listens to the job's own stream of events, and asks instead where there is no stream to be had. */
export function follow(id, onProgress) {
  return new Promise((resolve, reject) => {
    const events = new EventSource(apiUrl(`jobs/${id}/events`));
    events.addEventListener("job", (message) => {
      const job = JSON.parse(message.data);
      onProgress(job);
      if (!ENDED.has(job.state)) return;
      events.close();
      resolve(job);
    });
    events.addEventListener("error", () => {
      if (events.readyState !== EventSource.CLOSED) return; // the browser comes back by itself
      poll(id, onProgress).then(resolve, reject);
    });
  });
}
