// The HTTP API as the page uses it. Addresses are relative to where the page lives, so a sub-path works.

const ROOT = new URL(document.documentElement.dataset.root, location.href);

export const apiUrl = (path) => new URL(`v1/${path}`, ROOT).href;
export const pageUrl = (path) => new URL(path, ROOT).href;

/** A problem document (RFC 9457) as an error: `title` in plain words, `detail` with the way out, `errors` by field. */
export class Problem extends Error {
  constructor({ title, detail = "", status = 0, errors = null, retryAfter = null }) {
    super(title);
    this.title = title;
    this.detail = detail;
    this.status = status;
    this.errors = errors;
    this.retryAfter = retryAfter;
  }
}

/** Repeated by every request that changes something, so that no other site can make one. */
const SECRET = document.documentElement.dataset.csrf;
const OWN = SECRET ? { "X-CSRF-Token": SECRET } : {};

const OFFLINE = { title: "The server does not answer", detail: "Check that Genrelab is still running, then try again." };

/** Turns what a failed answer holds into a Problem; tolerates bodies that are no problem document. */
export function problemOf(status, body, retryAfter = null) {
  let parsed = {};
  try {
    parsed = JSON.parse(body);
  } catch {
    // A proxy in front may answer with a page of its own.
  }
  return new Problem({
    title: parsed.title ?? (status === 413 ? "This file is too large" : `The server answered with error ${status}`),
    detail: parsed.detail ?? "Please try again.",
    status,
    errors: parsed.errors ?? null,
    retryAfter: retryAfter ? Number(retryAfter) : null,
  });
}

/**
 * Fetches JSON; throws a Problem for every failure. A session that ended leads to the login page.
 * `json` is sent as such, `form` as a form with files; `keepalive` lets a request outlive the page.
 */
export async function request(path, { method = "GET", headers = {}, json, form, keepalive = false, signal } = {}) {
  const sent = json === undefined ? {} : { "Content-Type": "application/json" };
  const body = json === undefined ? form : JSON.stringify(json);
  let answer;
  try {
    answer = await fetch(apiUrl(path), { method, headers: { Accept: "application/json", ...OWN, ...sent, ...headers }, body, keepalive, signal });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(OFFLINE);
  }
  if (answer.status === 401) goToLogin();
  const text = await answer.text();
  if (!answer.ok) throw problemOf(answer.status, text, answer.headers.get("Retry-After"));
  return text ? JSON.parse(text) : null;
}

export function goToLogin() {
  const login = new URL("login", ROOT);
  login.searchParams.set("next", location.pathname + location.search);
  location.assign(login.href);
}

/**
 * Sends one file for classification; the answer is a job, so that progress can be shown.
 * `onProgress` hears the share of bytes sent, 0 to 1. Resolves to {job, track}.
 */
export function upload(file, { onProgress, signal }) {
  return new Promise((resolve, reject) => {
    const sending = new XMLHttpRequest();
    sending.open("POST", apiUrl("classifications"));
    sending.setRequestHeader("Accept", "application/json");
    sending.setRequestHeader("Prefer", "respond-async");
    for (const [name, value] of Object.entries(OWN)) sending.setRequestHeader(name, value);
    sending.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable) onProgress(event.loaded / event.total);
    });
    sending.addEventListener("load", () => {
      if (sending.status === 401) goToLogin();
      if (sending.status >= 400) {
        reject(problemOf(sending.status, sending.responseText, sending.getResponseHeader("Retry-After")));
        return;
      }
      const answer = JSON.parse(sending.responseText);
      resolve(sending.status === 202 ? { job: answer.id, track: answer.track } : { job: null, track: answer.track });
    });
    sending.addEventListener("error", () => reject(new Problem(OFFLINE)));
    sending.addEventListener("abort", () => reject(new DOMException("cancelled", "AbortError")));
    signal?.addEventListener("abort", () => sending.abort());
    const form = new FormData();
    form.append("file", file, file.name);
    sending.send(form);
  });
}
