// The library page: drop zone, uploads, and the table of recordings.
import { Problem, pageUrl, request } from "./api.js";
import { byId, confirmDelete, el, icon, toast } from "./dom.js";
import { added, duration, either, genreName, keyName, percent, sentence, sound, title, verdict } from "./format.js";
import { showModel } from "./model-chip.js";
import { slot } from "./palette.js";
import { listenForKeys } from "./shortcuts.js";
import { Uploads, filesOfDrop } from "./uploads.js";

const PAGE_SIZE = 50;
const TYPING_MS = 250;
const WATCH_MS = 2000;

const page = byId("library");
const mayDelete = page.dataset.mayDelete === "true";
const rows = byId("rows");
const table = document.querySelector("table.tracks");
let cursor = null;
let asked = 0; // number of the latest list request: answers of older ones are out of date
let watching = null;

const uploads = new Uploads({
  maxUploadMb: Number(page.dataset.maxUploadMb),
  onAccepted: () => load(),
  onTrack: () => load(),
});

// ---------- adding ----------

const dropzone = byId("dropzone");
let depth = 0;

const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");
document.addEventListener("dragenter", (event) => {
  if (!carriesFiles(event)) return;
  depth += 1;
  dropzone.classList.add("over");
});
document.addEventListener("dragleave", (event) => {
  if (!carriesFiles(event)) return;
  depth -= 1;
  if (depth <= 0) dropzone.classList.remove("over");
});
document.addEventListener("dragover", (event) => {
  if (carriesFiles(event)) event.preventDefault();
});
document.addEventListener("drop", async (event) => {
  if (!carriesFiles(event)) return;
  event.preventDefault();
  depth = 0;
  dropzone.classList.remove("over");
  const { files, fromFolder } = await filesOfDrop(event.dataTransfer);
  uploads.add(files, { fromFolder });
});
document.addEventListener("paste", (event) => {
  if (event.clipboardData.files.length) uploads.add([...event.clipboardData.files]);
});
for (const [button, input, fromFolder] of [["choose-files", "file-input", false], ["choose-folder", "folder-input", true]]) {
  byId(button).addEventListener("click", () => byId(input).click());
  byId(input).addEventListener("change", (event) => {
    uploads.add([...event.target.files], { fromFolder });
    event.target.value = "";
  });
}
byId("choose-folder").hidden = !("webkitdirectory" in byId("folder-input")) || matchMedia("(pointer: coarse)").matches;

// ---------- the table ----------

const filters = () => ({ q: byId("search").value.trim(), genre: byId("genre-filter").value });

/** Reads the first page, or the next one with `more`; keeps what is shown until the answer is there. */
async function load({ more = false } = {}) {
  const mine = (asked += 1);
  const { q, genre } = filters();
  const query = new URLSearchParams({ limit: PAGE_SIZE });
  if (q) query.set("q", q);
  if (genre) query.set("genre", genre);
  if (more && cursor) query.set("cursor", cursor);
  table.setAttribute("aria-busy", "true");
  try {
    const { items, next_cursor: next } = await request(`tracks?${query}`);
    if (mine !== asked) return;
    cursor = next;
    if (!more) rows.replaceChildren();
    rows.append(...items.map(row));
    byId("more").hidden = !next;
    showEmptiness({ filtered: Boolean(q || genre) });
    knowGenres(items);
    watch(items);
  } catch (error) {
    if (mine !== asked) return;
    if (!(error instanceof Problem)) throw error;
    showProblem(error);
  } finally {
    if (mine === asked) table.setAttribute("aria-busy", "false");
  }
}

function row(track) {
  const answer = track.classification;
  const cell = (properties, ...children) => el("td", { role: "cell", ...properties }, ...children);
  const facts = [track.format?.toUpperCase(), track.channels ? sound(track.channels) : null].filter(Boolean).join(" · ");
  const remove = el("button", { type: "button", class: "icon-button plain", "aria-label": `Delete ${track.filename}`, title: "Delete", onclick: () => askToDelete(track, line) }, icon("trash"));
  const attributes = answer?.attributes ?? {};
  const line = el(
    "tr",
    { role: "row", "data-track": track.id },
    cell({ class: "title" }, el("a", { href: pageUrl(`tracks/${track.id}`), title: track.filename }, title(track.filename)), el("span", { class: "sub" }, facts)),
    cell({ class: "verdict-cell" }, verdictCell(track)),
    cell({ class: "only-wide hide-phone" }, el("span", { class: "set" }, couldBe(answer))),
    cell({ class: "right num hide-phone nowrap" }, attributes.tempo_bpm ? el("span", {}, `${Math.round(attributes.tempo_bpm)} `, el("span", { class: "muted small" }, "BPM")) : "–"),
    cell({ class: "hide-phone nowrap" }, attributes.key ? keyName(attributes.key) : "–"),
    cell({ class: "right num hide-phone nowrap" }, duration(track.duration_s) || "–"),
    cell({ class: "only-wide hide-phone nowrap muted small" }, el("time", { datetime: track.created_at, title: new Date(track.created_at).toLocaleString() }, added(track.created_at))),
    cell({ class: "delete" }, mayDelete ? remove : null),
  );
  return line;
}

function verdictCell(track) {
  const answer = track.classification;
  if (track.state === "failed" || track.state === "cancelled") {
    return el("span", { class: "genre-cell unsure failed" }, el("span", { class: "label" }, icon("warning"), track.problem?.title ?? "Not heard to the end"));
  }
  if (!answer) {
    const bar = el("span", { class: "bar unknown" }, el("i"));
    return el("span", { class: "genre-cell" }, el("span", { class: "label muted" }, track.state === "queued" ? "In the queue" : "Listening…"), bar);
  }
  const said = verdict(answer);
  if (said.kind === "not-music" || said.kind === "unsure") {
    return el("span", { class: "genre-cell unsure", "data-slot": "none" }, el("span", { class: "label" }, el("span", { class: "dot" }), said.kind === "unsure" ? "Can’t tell" : /silent/.test(said.sentence) ? "Silent" : "Not music"));
  }
  const best = answer.probabilities[answer.genre];
  return el(
    "span",
    { class: "genre-cell", "data-slot": slot(answer.genre) },
    el("span", { class: "label" }, el("span", { class: "dot" }), genreName(answer.genre)),
    el("span", { class: "num small" }, percent(best)),
    el("span", { class: "bar", "aria-hidden": "true" }, el("i", { style: { width: `${100 * best}%` } })),
  );
}

function couldBe(answer) {
  if (!answer || answer.genre === null) return "–";
  const others = answer.abstained ? answer.set : answer.set.filter((genre) => genre !== answer.genre);
  if (others.length === 0) return "–";
  return others.length > 4 ? `${others.length} genres` : either(others);
}

function showEmptiness({ filtered }) {
  const empty = rows.children.length === 0;
  if (!filtered) {
    page.dataset.empty = String(empty);
    for (const id of ["lead", "promises"]) byId(id).hidden = !empty;
    byId("tracks-section").hidden = empty;
  }
  table.hidden = empty;
  byId("nothing").hidden = !empty;
  byId("table-status").textContent = empty ? "No recording matches" : `${rows.children.length} recordings shown`;
  if (empty && filtered) {
    const reset = el("button", { type: "button", class: "button", onclick: clearFilters }, "Show all recordings");
    byId("nothing").replaceChildren(el("p", {}, "No recording matches this search."), reset);
  }
}

function showProblem(problem) {
  byId("tracks-section").hidden = false;
  table.hidden = rows.children.length === 0;
  byId("nothing").hidden = false;
  const retry = el("button", { type: "button", class: "button", onclick: () => load() }, icon("retry"), "Try again");
  byId("nothing").replaceChildren(el("p", { role: "alert" }, el("b", {}, problem.title), ". ", sentence(problem.detail)), retry);
}

function clearFilters() {
  byId("search").value = "";
  byId("genre-filter").value = "";
  load();
}

/** The filter offers every genre that the models seen here know. */
function knowGenres(items) {
  const select = byId("genre-filter");
  const offered = new Set([...select.options].map((option) => option.value));
  const fresh = new Set(items.flatMap((track) => Object.keys(track.classification?.probabilities ?? {})).filter((genre) => !offered.has(genre)));
  for (const genre of [...fresh].sort()) select.append(el("option", { value: genre }, genreName(genre)));
}

/** Looks again while something shown is still being heard, unless somebody has paged further down. */
function watch(items) {
  clearTimeout(watching);
  const unfinished = items.some((track) => track.state === "queued" || track.state === "running");
  if (unfinished && rows.children.length <= PAGE_SIZE) watching = setTimeout(() => load(), WATCH_MS);
}

async function askToDelete(track, line) {
  if (!(await confirmDelete(`“${track.filename}”, its sound and its answer are removed from this machine. This cannot be undone.`))) return;
  try {
    await request(`tracks/${track.id}`, { method: "DELETE" });
    const next = line.nextElementSibling ?? line.previousElementSibling;
    line.remove();
    toast(`Deleted ${track.filename}`);
    (next?.querySelector("a") ?? byId("choose-files")).focus();
    if (rows.children.length === 0) load();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    toast(`${error.title}. ${sentence(error.detail)}`);
  }
}

let typing = null;
byId("search").addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(() => load(), TYPING_MS);
});
byId("genre-filter").addEventListener("change", () => load());
byId("more-button").addEventListener("click", async () => {
  const last = rows.lastElementChild;
  await load({ more: true });
  last.nextElementSibling?.querySelector("a").focus();
});

listenForKeys({
  "/": () => byId("search").focus(),
  u: () => byId("choose-files").click(),
});
load();
showModel();
