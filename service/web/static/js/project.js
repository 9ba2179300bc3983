// The page of a project: how far it is, what the model has learned, and what can be changed.
import { Problem, apiUrl, pageUrl, request } from "./api.js";
import { drawConfusion } from "./confusion.js";
import { drawCurve } from "./curve.js";
import { byId, el, icon, setIcon, toast } from "./dom.js";
import { added, genreName, percent, sentence, title } from "./format.js";
import { follow } from "./jobs.js";
import { connectPool } from "./project-pool.js";
import { connectSettings, showSettings } from "./project-settings.js";
import { accuracyWithin, counted, strengthOfAgreement } from "./project-words.js";
import { listenForKeys } from "./shortcuts.js";
import { hideState, showState, stateButton, stateLink } from "./state-card.js";
import { drawTaxonomy } from "./taxonomy.js";
import { drawVersions } from "./versions.js";

const LOOK_MS = 3000;
const UNFINISHED = new Set(["queued", "running"]);

const page = byId("project");
const projectId = page.dataset.project;
const mayManage = page.dataset.mayManage === "true";
let project = null;
let following = null; // id of the job whose progress is shown

async function load() {
  try {
    const [now, dashboard] = await Promise.all([request(`projects/${projectId}`), request(`projects/${projectId}/dashboard`)]);
    hideState();
    byId("shown").hidden = false;
    showProject(now, dashboard);
    showDashboard(dashboard);
    if (dashboard.job && UNFINISHED.has(dashboard.job.state)) followJob(dashboard.job);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    if (project) return; // what is shown stays; the next look tries again
    showState(error.title, sentence(error.detail), { actions: [stateButton("Try again", "retry", load), stateLink("All projects", pageUrl("projects"))], parts: ["shown"] });
  }
}

function showProject(now, { classes }) {
  project = now;
  const { items, labelled, set_aside: aside } = project.counts;
  document.title = `${project.name} · Genrelab`;
  byId("name").textContent = project.name;
  const facts = [`${labelled} of ${counted(items, "recording")} labelled`, items ? percent(labelled / items) : null, aside ? `${aside} set aside` : null, project.model ? `model ${accuracyWithin(project.model)}` : null, project.closed ? "closed" : null];
  byId("facts").textContent = facts.filter(Boolean).join(" · ");
  byId("go-label").hidden = project.closed || items === 0;
  if (!mayManage) return;
  byId("train").disabled = labelled === 0;
  byId("pool-text").textContent = items ? `${counted(items, "recording")} to label, from the library.` : "There is nothing to label yet: add recordings of the library.";
  if (!byId("settings").contains(document.activeElement)) showSettings(project);
  if (!byId("taxonomy").contains(document.activeElement)) drawTaxonomy(project, { classes, onChange: changed });
}

function showDashboard(dashboard) {
  showCurve(dashboard.curve);
  showBalance(dashboard.classes);
  showPeople(dashboard.annotators);
  showAgreement(dashboard.agreement);
  drawConfusion(dashboard.confusion);
  showSuspicious(dashboard.suspicious);
  drawVersions(dashboard.versions, { project: projectId, mayManage, onChange: load });
}

// ---------- the learning curve and when to stop ----------

function showCurve({ points, advice }) {
  byId("advice").dataset.kind = advice.stop ? "stop" : "go";
  byId("advice-text").textContent = advice.text;
  const enough = points.length > 1;
  byId("curve-table").hidden = !enough;
  document.querySelector(".curve-box").hidden = !enough;
  if (enough) drawCurve(points);
}

// ---------- who and how much ----------

function showBalance(classes) {
  const [most, whole] = [Math.max(1, ...classes.map((each) => each.labels)), classes.reduce((sum, each) => sum + each.predicted, 0)];
  byId("balance").replaceChildren(
    ...classes.map(({ genre, labels, predicted }, index) =>
      el(
        "li",
        { "data-slot": index % 10 },
        el("span", { class: "name" }, genreName(genre)),
        el("span", { class: "bar", "aria-hidden": "true" }, el("i", { style: { width: `${(100 * labels) / most}%` } })),
        el("span", { class: "num" }, counted(labels, "label")),
        el("span", { class: "num muted small", title: "Share of the recordings that the model takes for it" }, whole ? `${percent(predicted / whole)} of all` : ""),
      ),
    ),
  );
}

function showPeople(annotators) {
  byId("people").hidden = annotators.length === 0;
  byId("no-people").hidden = annotators.length > 0;
  byId("people-rows").replaceChildren(
    ...annotators.map((person) =>
      el("tr", {}, el("th", { scope: "row" }, person.name), ...[person.labels, person.skips, person.flags, person.median_s === null ? "–" : `${person.median_s.toFixed(1)} s`, person.last_at ? added(person.last_at) : "–"].map((cell) => el("td", {}, String(cell)))),
    ),
  );
}

function showAgreement({ items, cohen, fleiss, krippendorff }) {
  byId("agreement-text").textContent = items ? `${counted(items, "recording")} answered by more than one person; 1 is perfect, 0 is what guessing gives.` : "No recording was answered by more than one person yet.";
  const measures = [["Krippendorff’s alpha", krippendorff], ["Fleiss’ kappa", fleiss]].filter(([, value]) => value !== null && value !== undefined);
  byId("agreement").replaceChildren(...measures.map(([name, value]) => el("div", { class: "fact" }, el("dt", {}, name), el("dd", { class: "value num" }, value.toFixed(2)), el("dd", { class: "means" }, `Agreement: ${strengthOfAgreement(value)}`))));
  byId("pairs").replaceChildren(...cohen.map(({ a, b, n, kappa }) => el("li", {}, el("span", {}, `${a} and ${b}`), el("span", { class: "muted small" }, counted(n, "recording")), el("b", { title: "Cohen’s kappa" }, kappa === null ? "–" : `κ ${kappa.toFixed(2)}`))));
}

// ---------- labels to hear again ----------

function showSuspicious(found) {
  byId("suspicious-card").hidden = found.length === 0;
  byId("suspicious").replaceChildren(
    ...found.map(({ track, filename, label, likely }) =>
      el(
        "li",
        {},
        track ? el("button", { type: "button", class: "icon-button", "data-track": track, "aria-label": `Play ${filename}`, onclick: () => play(track) }, icon("play")) : el("span", {}),
        el("div", {}, track ? el("a", { href: pageUrl(`tracks/${track}`) }, title(filename)) : title(filename), el("p", { class: "small muted" }, `said: ${genreName(label, { capital: false })} · sounds like: ${genreName(likely, { capital: false })}`)),
      ),
    ),
  );
}

function play(track) {
  const audio = byId("audio");
  const same = audio.dataset.track === track;
  if (same && !audio.paused) return audio.pause();
  if (!same) {
    audio.src = apiUrl(`tracks/${track}/audio`);
    audio.dataset.track = track;
  }
  audio.play().catch((error) => {
    if (error.name !== "AbortError") toast("This browser cannot play the recording’s format.");
  });
}

function showPlaying() {
  const audio = byId("audio");
  for (const button of document.querySelectorAll("#suspicious [data-track]")) {
    const plays = button.dataset.track === audio.dataset.track && !audio.paused && !audio.ended;
    button.classList.toggle("playing", plays);
    setIcon(button, plays ? "pause" : "play");
  }
}

// ---------- training ----------

async function train() {
  byId("train").disabled = true;
  try {
    followJob(await request("trainings", { method: "POST", json: { project: projectId } }));
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    toast(`${error.title}. ${sentence(error.detail)}`);
    byId("train").disabled = false;
  }
}

async function followJob(job) {
  if (following === job.id) return;
  following = job.id;
  byId("job").hidden = false;
  byId("job-stop").hidden = !mayManage;
  showJob(job);
  try {
    const ended = await follow(job.id, showJob);
    if (ended.state === "failed") toast(`${ended.problem?.title ?? "The training failed"}. ${sentence(ended.problem?.detail ?? "")}`);
  } catch (error) {
    if (!(error instanceof Problem)) throw error; // the next look finds out
  }
  following = null;
  await load();
  byId("job").hidden = !following; // another one may have begun
}

function showJob({ state, progress }) {
  const waits = state === "queued";
  byId("job-title").textContent = waits ? "The next training waits" : `Listening and learning, ${percent(progress)}`;
  byId("job-text").textContent = waits ? "Other work is being done first." : "Label on meanwhile: what you say now counts for the next one.";
  byId("job-bar").classList.toggle("unknown", waits);
  byId("job-bar").firstElementChild.style.width = waits ? "" : `${100 * progress}%`;
  if (waits) byId("job-bar").removeAttribute("aria-valuenow");
  else byId("job-bar").setAttribute("aria-valuenow", Math.round(100 * progress));
}

// ---------- as others label ----------

let seen = null; // the queue's numbers at the last look

/** Looks at the queue's numbers every few seconds; where somebody has labelled or a training has begun, the page follows. */
async function look() {
  try {
    if (!document.hidden && project) {
      const { leased, ...numbers } = await request(`queue/stats?project=${projectId}`);
      const now = JSON.stringify(numbers);
      if (seen !== null && now !== seen) await load();
      seen = now;
    }
  } catch (error) {
    if (!(error instanceof Problem)) throw error; // the server is away: the next look tries again
  }
  setTimeout(look, LOOK_MS);
}

/** A form of the page that was sent gives its place up to what it has changed. */
function changed() {
  document.activeElement?.blur();
  load();
}

if (mayManage) {
  byId("train").addEventListener("click", train);
  connectPool(projectId, { onChange: load });
  connectSettings({ present: () => project, onChange: changed });
}
byId("job-stop").addEventListener("click", () => request(`jobs/${following}`, { method: "DELETE" }).catch((error) => toast(error.title)));
for (const event of ["play", "pause", "ended"]) byId("audio").addEventListener(event, showPlaying);
listenForKeys({
  l: () => { if (!byId("go-label").hidden) byId("go-label").click(); },
  " ": () => { if (byId("audio").dataset.track) play(byId("audio").dataset.track); },
});
await load();
look();
