// The listening tests: the list, what their answers say, and the form that makes a new one.
import { Problem, apiUrl, pageUrl, request } from "./api.js";
import { byId, confirmThat, el, icon, toast } from "./dom.js";
import { added, sentence } from "./format.js";
import { connectForm, openForm } from "./listening-form.js";
import { drawResults } from "./listening-results.js";
import { counted } from "./project-words.js";
import { listenForKeys } from "./shortcuts.js";
import { hideState, showState, stateButton } from "./state-card.js";

const mayManage = byId("listening").dataset.mayManage === "true";

async function load() {
  try {
    const { items } = await request("listening-tests?limit=200");
    const empty = items.length === 0;
    byId("lead").hidden = !empty;
    byId("list-section").hidden = empty;
    byId("test-list").replaceChildren(...items.map(entry));
    if (empty && mayManage) openForm();
    if (empty && !mayManage) showState("No listening test yet", "An administrator makes one; then you can listen here.");
    else hideState();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    showState(error.title, sentence(error.detail), { actions: [stateButton("Try again", "retry", load)] });
  }
}

function entry(test) {
  const { settings } = test;
  const asked = [settings.n_pairs ? counted(settings.n_pairs + Math.min(settings.n_repeats, settings.n_pairs), "pair") : null, settings.n_ratings ? counted(settings.n_ratings, "rating") : null];
  const facts = [asked.filter(Boolean).join(" and "), counted(test.listeners, "listener"), `made ${added(test.created_at)}`, test.closed ? "closed" : null];
  const results = el("div", { class: "results", hidden: true });
  const listen = el("a", { class: "button primary", href: pageUrl(`listening-tests/${test.id}`), "aria-label": `Listen: ${test.name}` }, icon("play"), "Listen");
  return el(
    "li",
    { class: "card", "data-test": test.id },
    el("div", { class: "test-head" }, el("div", {}, el("h2", {}, test.name), el("p", { class: "small muted num" }, facts.filter(Boolean).join(" · "))), el("div", { class: "actions" }, ...(mayManage ? managing(test, results) : []), test.closed ? null : listen)),
    results,
  );
}

function managing(test, results) {
  const show = el("button", { class: "button", type: "button", "aria-expanded": "false", onclick: () => toggle(test, results, show) }, icon("gauge"), "Results");
  const end = el("button", { class: "button", type: "button", onclick: () => change(test) }, icon(test.closed ? "retry" : "lock"), test.closed ? "Open again" : "Close");
  const remove = el("button", { class: "icon-button", type: "button", "aria-label": `Delete ${test.name}`, title: "Delete", onclick: () => takeAway(test) }, icon("trash"));
  return [show, end, remove];
}

async function toggle(test, results, button) {
  const opens = results.hidden;
  button.setAttribute("aria-expanded", String(opens));
  results.hidden = !opens;
  if (!opens) return;
  try {
    results.replaceChildren(...drawResults(await request(`listening-tests/${test.id}/results`), downloads(test)));
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    results.replaceChildren(el("p", { class: "small", role: "alert" }, `${error.title}. ${sentence(error.detail)}`));
  }
}

const downloads = ({ id }) => el("p", { class: "actions" }, ...["csv", "json"].map((format) => el("a", { class: "button small", href: apiUrl(`listening-tests/${id}/export?format=${format}`), download: true }, icon("download"), `Answers as ${format.toUpperCase()}`)));

async function change(test) {
  await tried(() => request(`listening-tests/${test.id}`, { method: "PATCH", json: { closed: !test.closed } }));
}

async function takeAway(test) {
  const sure = await confirmThat({ question: "Delete this test?", text: `${test.name}: its sounds and ${counted(test.listeners, "listener")}’s answers go for good.`, yes: "Delete", no: "Keep it" });
  if (sure) await tried(() => request(`listening-tests/${test.id}`, { method: "DELETE" }));
}

async function tried(run) {
  try {
    await run();
    await load();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    toast(`${error.title}. ${sentence(error.detail)}`);
  }
}

if (mayManage) {
  byId("new-test").addEventListener("click", openForm);
  connectForm();
}
listenForKeys({ n: () => (mayManage ? openForm() : toast("An administrator makes new tests.")) });
load();
