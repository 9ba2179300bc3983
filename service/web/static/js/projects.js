// The list of labelling projects, and the form that begins a new one.
import { Problem, pageUrl, request } from "./api.js";
import { byId, el, icon, toast } from "./dom.js";
import { percent, sentence } from "./format.js";
import { accuracyWithin, counted } from "./project-words.js";
import { listenForKeys } from "./shortcuts.js";
import { hideState, showState, stateButton } from "./state-card.js";

const mayCreate = byId("projects").dataset.mayCreate === "true";

async function load() {
  try {
    const { items } = await request("projects");
    const empty = items.length === 0;
    for (const id of ["lead", "promises"]) byId(id).hidden = !empty;
    byId("list-section").hidden = empty;
    byId("project-list").replaceChildren(...items.map(entry));
    if (mayCreate) byId("new-section").hidden = !empty;
    if (empty && !mayCreate) showState("No project yet", "An administrator begins one; then you can label here.");
    else hideState();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    showState(error.title, sentence(error.detail), { actions: [stateButton("Try again", "retry", load)] });
  }
}

function entry(project) {
  const { items, labelled, annotators } = project.counts;
  const share = items ? labelled / items : 0;
  const facts = [counted(project.genres.length, "genre"), counted(items, "recording"), annotators ? counted(annotators, "annotator") : null, project.closed ? "closed" : null];
  return el(
    "li",
    { class: "card project-entry", "data-project": project.id },
    el("div", {}, el("h2", {}, el("a", { href: pageUrl(`projects/${project.id}`) }, project.name)), el("p", { class: "small muted num" }, facts.filter(Boolean).join(" · "))),
    el("div", { class: "share" }, el("p", { class: "small num" }, `${counted(labelled, "recording")} labelled, ${percent(share)}`), el("div", { class: "bar", "aria-hidden": "true" }, el("i", { style: { width: `${100 * share}%` } }))),
    el("p", { class: "accuracy num" }, el("span", { class: "small muted" }, "Accuracy"), el("b", {}, project.model ? accuracyWithin(project.model) : "no model yet")),
    project.closed ? null : el("a", { class: "button primary", href: pageUrl(`projects/${project.id}/label`), "aria-label": `Label ${project.name}` }, icon("play"), "Label"),
  );
}

/** "fado, morna\nchula" -> ["fado", "morna", "chula"] */
const names = (text) => [...new Set(text.split(/[\n,;]/).map((name) => name.trim()).filter(Boolean))];

async function create(event) {
  event.preventDefault();
  const said = byId("new-said");
  byId("new-submit").disabled = true;
  said.textContent = "Creating…";
  try {
    const json = { name: byId("new-name").value.trim(), genres: names(byId("new-genres").value), settings: { multi_label: byId("new-several").checked } };
    const project = await request("projects", { method: "POST", json });
    if (byId("new-library").checked) await request(`projects/${project.id}/items`, { method: "POST", json: { all: true } });
    location.assign(pageUrl(`projects/${project.id}`));
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    said.textContent = `${error.title}. ${sentence(error.detail)}`;
  } finally {
    byId("new-submit").disabled = false;
  }
}

function openForm() {
  if (!mayCreate) return void toast("An administrator begins new projects.");
  byId("new-section").hidden = false;
  byId("new-name").focus();
}

byId("new-project")?.addEventListener("click", openForm);
byId("new-form")?.addEventListener("submit", create);
listenForKeys({ n: openForm });
load();
