// The labelling page: hear a recording, press a key, hear the next one.
import { Problem, pageUrl, request } from "./api.js";
import { annotator, askName } from "./annotator.js";
import { Choices, NONE } from "./choices.js";
import { Counters } from "./counters.js";
import { Deck } from "./deck.js";
import { byId, toast } from "./dom.js";
import { clock, genreName, sentence, title } from "./format.js";
import { GivenAnswers } from "./given-answers.js";
import { Leases } from "./leases.js";
import { Listening } from "./listening.js";
import { Outbox } from "./outbox.js";
import { counted } from "./project-words.js";
import { listenForKeys } from "./shortcuts.js";
import { hideState, showState, stateButton, stateLink } from "./state-card.js";
import { remember, remembered } from "./storage.js";

const AT_HAND = 2; // recordings: the one that is heard and the next one
const LOOK_AGAIN_MS = 4000;

const page = byId("label");
const projectId = page.dataset.project;

let who = {}; // what requests carry of the annotator
let project = null;
let leases = null;
let outbox = null;
let given = null;
let counters = null;
const listening = new Listening();
const choices = new Choices({ onChoice: choose });

const decks = []; // the one that is heard, then those ahead
let current = null;
let chosen = new Set();
let before = new Set(); // what was answered before it was taken back
let unsure = false;
let note = "";
let filling = null; // the promise of whoever fetches what comes ahead
let looking = null; // the timer of the next look at an empty queue
let undoing = false;

// ---------- beginning ----------

async function begin() {
  show("Loading…", "");
  try {
    if (!outbox) prepare(await annotator(page.dataset.annotator));
    showProject(await request(`projects/${projectId}`));
    if (project.closed) return show("This project is closed", "Its labels are kept; an administrator can open it again.", [toProject()]);
    if (project.counts.items === 0) return show("There is nothing to label yet", "Add recordings of the library to this project first.", [toProject()]);
    outbox.send();
    counters.begin().catch(tell);
    leases.renewWhileUsed({ leaseS: project.settings.lease_s, listens: () => listening.playing, onLost: lostLease });
    if (decks.length === 0) for (const lease of await leases.resume()) decks.push(newDeck(lease));
    showLast();
    await advance();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    show(error.title, sentence(error.detail), [stateButton("Try again", "retry", begin), toProject()]);
  }
}

/** What this tab keeps is kept by project and person: somebody else may use it next. */
function prepare({ name, body }) {
  const own = `${projectId}.${name}`;
  who = body;
  if (byId("who")) byId("who").lastElementChild.textContent = name;
  leases = new Leases(`leases.${own}`, { project: projectId, who });
  given = new GivenAnswers(`given.${own}`);
  counters = new Counters(projectId, { name, onProject: showProject });
  outbox = new Outbox(`unsent.${own}`);
  outbox.addEventListener("sent", ({ detail }) => sent(detail));
  outbox.addEventListener("refused", ({ detail }) => refused(detail));
  outbox.addEventListener("change", showUnsent);
}

function showProject(now) {
  project = now;
  document.title = `Label · ${project.name} · Genrelab`;
  byId("project-name").textContent = project.name;
  const several = project.settings.multi_label;
  byId("question").textContent = several ? "Which genres are they?" : "Which genre is it?";
  byId("save").hidden = !several;
  choices.draw(project.genres, { none: project.settings.none_of_these, several });
  mark();
}

/** A card with a sentence instead of a recording; the last answer can still be taken back. */
const show = (heading, text, actions = []) => showState(heading, text, { actions, parts: ["work"] });
const toProject = () => stateLink("To the project", pageUrl(`projects/${projectId}`));

function tell(error) {
  if (!(error instanceof Problem)) throw error;
  toast(`${error.title}. ${sentence(error.detail)}`);
}

// ---------- the recording at hand and the ones ahead ----------

function newDeck(lease, answered = []) {
  const deck = new Deck(lease, { sound: listening.sound, answered });
  listening.follow(deck);
  byId("decks").prepend(deck.element);
  return deck;
}

/** Shows the first recording at hand, and has another one ready behind it. */
async function advance() {
  clearTimeout(looking);
  if (decks.length === 0) await fill();
  if (decks.length === 0) {
    await explainEmptiness();
    return;
  }
  if (decks[0] !== current) present(decks[0]);
  await fill();
}

async function fill() {
  filling ??= (async () => {
    while (decks.length < AT_HAND) {
      const lease = await leases.take();
      if (!lease) return;
      decks.push(newDeck(lease));
    }
  })().finally(() => { filling = null; });
  await filling;
}

function present(deck) {
  current = deck;
  before = new Set(deck.answered);
  chosen = new Set(project.settings.multi_label ? before : []);
  setUnsure(false);
  setNote("");
  hideState();
  byId("work").hidden = false;
  byId("title").textContent = title(deck.title);
  byId("facts").textContent = `Begins at the most telling stretch, ${clock(deck.telling.start)}`;
  mark();
  listening.present(deck);
}

async function explainEmptiness() {
  await outbox.settled();
  const { leased, open } = await counters.refresh();
  if (current) return; // something has come back meanwhile
  const again = stateButton("Look again", "retry", () => advance().catch(stuck));
  if (leased > 0) show("The others are on the last recordings", "What they leave comes here by itself.", [again, toProject()]);
  else if (open > 0) show("Nothing left for you", "You have answered all that there is; what remains waits for another annotator.", [again, toProject()]);
  else show("Everything is labelled", "The project shows what the model has learned from it, and exports the labels.", [toProject(), again]);
  looking = setTimeout(() => advance().catch(stuck), LOOK_AGAIN_MS);
}

/** There may be nothing to go on with, as the server is away or busy: say so, and keep trying. */
function stuck(error) {
  if (!(error instanceof Problem)) throw error;
  if (!current) show(error.title, sentence(error.detail), [stateButton("Try again", "retry", () => advance().catch(stuck)), toProject()]);
  looking = setTimeout(() => advance().catch(stuck), Math.max(LOOK_AGAIN_MS, 1000 * (error.retryAfter ?? 0)));
}

/** The server took a lease back, for example after this machine slept. What is being heard can still be answered. */
function lostLease(id) {
  const index = decks.findIndex((deck) => deck.lease.id === id && deck !== current);
  if (index >= 0) decks.splice(index, 1)[0].close();
}

// ---------- answering ----------

function choose(choice) {
  if (!current) return;
  if (!project.settings.multi_label) {
    label(choice === NONE ? { none: true } : { genres: [choice] });
    return;
  }
  if (choice === NONE) chosen = new Set(chosen.has(NONE) ? [] : [NONE]);
  else if (!chosen.delete(choice)) chosen.add(choice);
  if (choice !== NONE) chosen.delete(NONE);
  mark();
}

function save() {
  if (!current || !project.settings.multi_label) return;
  if (chosen.size === 0) {
    toast("Choose at least one genre, or none of these.");
    return;
  }
  label(chosen.has(NONE) ? { none: true } : { genres: [...chosen] });
}

function label({ genres = [], none = false }) {
  const words = none ? "none of these" : genres.map((genre) => genreName(genre, { capital: false })).join(", ");
  answer({
    path: "labels",
    json: { ...who, lease: current.lease.id, genres, none, unsure, note: note || null },
    words: `${words}${unsure ? ", unsure" : ""}`,
    kind: "label",
    answered: none ? [NONE] : genres,
  });
}

function skip() {
  if (current) answer({ path: `queue/${current.lease.id}/skip`, json: { ...who, reason: note || null }, words: "skipped", kind: "skip" });
}

function flag(which, words) {
  if (current) answer({ path: `queue/${current.lease.id}/flag`, json: { ...who, flag: which, note: note || null }, words, kind: "flag" });
}

/** Goes on at once; the answer follows, and the recording comes back if the server does not take it. */
function answer(entry) {
  const deck = decks.shift();
  leases.drop(deck.lease.id);
  outbox.add({ ...entry, lease: deck.lease.id, filename: deck.title });
  showLast();
  listening.present(null);
  deck.close();
  current = null;
  advance().catch(stuck);
}

function sent({ entry, answer: said }) {
  const { id } = said.label ?? said;
  given.add({ id, filename: entry.filename, words: entry.words, kind: entry.kind, answered: entry.answered });
  showLast();
  if (entry.kind === "label") counters.count(1);
}

async function refused({ entry, problem }) {
  const lease = await leases.renew(entry.lease).catch(() => null);
  const why = `“${title(entry.filename)}” (${entry.words}) was not saved: ${problem.title}. ${sentence(problem.detail)}`;
  byId("refused").querySelector("span").textContent = lease ? `${why} It is here again.` : `${why} It comes back with the queue.`;
  byId("refused").hidden = false;
  showLast();
  if (lease) comeBack(lease, entry.answered);
}

function showUnsent() {
  byId("unsent").hidden = !outbox.problem;
  if (outbox.problem) byId("unsent").querySelector("span").textContent = `${counted(outbox.waiting, "answer")} not saved yet: ${outbox.problem.title}. Kept in this tab and sent again by itself.`;
}

function showLast() {
  const last = outbox.last ?? given.last;
  byId("last-line").hidden = !last;
  if (last) byId("last").textContent = `${title(last.filename)}: ${last.words}`;
}

// ---------- taking back ----------

async function undo() {
  if (undoing || !outbox) return;
  undoing = true;
  try {
    if (await outbox.settled()) await takeBack(given.last);
    else toast("The last answer is still on its way: it can be taken back once the server has it.");
  } finally {
    undoing = false;
  }
}

async function takeBack(act) {
  if (!act) {
    toast("There is nothing to take back.");
    return;
  }
  try {
    const lease = await request(`labels/${act.id}`, { method: "DELETE", json: who });
    given.dropLast();
    if (act.kind === "label") counters.count(-1);
    comeBack(lease, act.answered);
  } catch (error) {
    tell(error);
    if (error.status === 404 || error.status === 409) given.dropLast(); // it counts no more, whatever one does
  }
  showLast();
}

/** A recording that was answered is at hand again; the one that was heard waits behind it. */
function comeBack(lease, answered) {
  clearTimeout(looking);
  leases.hold(lease.id);
  decks.unshift(newDeck(lease, answered));
  present(decks[0]);
}

// ---------- how the answer is meant ----------

function mark() {
  const suggestion = current?.lease.suggestion ?? null;
  const wanted = remembered("suggestion") !== "off";
  byId("suggestion").hidden = !suggestion;
  byId("suggestion-on").checked = wanted;
  choices.mark({ chosen, before, suggestion: suggestion && wanted ? suggestion.genres : null });
}

function setUnsure(value) {
  unsure = value;
  byId("unsure").setAttribute("aria-pressed", String(unsure));
}

function setNote(text) {
  note = text;
  byId("note").value = text;
  byId("note").blur(); // the next key is an answer again
  byId("note-row").hidden = true;
  byId("write-note").setAttribute("aria-expanded", "false");
  byId("note-words").textContent = text ? "Note written" : "Note";
  byId("write-note").classList.toggle("written", Boolean(text));
}

function writeNote() {
  if (!current) return;
  byId("note-row").hidden = false;
  byId("write-note").setAttribute("aria-expanded", "true");
  byId("note").focus();
}

function setSuggestion(on) {
  remember("suggestion", on ? "on" : "off");
  mark();
}

// ---------- keys and buttons ----------

/** An answer is one press: holding the key down answers nothing more. */
const once = (run) => (event) => { if (!event.repeat) run(); };
const inBothCases = (actions) => Object.fromEntries(Object.entries(actions).flatMap(([key, run]) => [[key, run], [key.toUpperCase(), run]]));

function connect() {
  const none = () => { if (choices.hasNone) choose(NONE); };
  const pick = (digit) => () => { const choice = choices.ofDigit(digit); if (choice !== undefined) choose(choice); };
  const jump = (seconds) => (event) => listening.jump(seconds * (event.shiftKey ? 3 : 1));
  const does = {
    skip,
    undo,
    save,
    broken: () => flag("broken", "broken"),
    several: () => flag("several_genres", "several genres"),
    unsure: () => setUnsure(!unsure),
    "write-note": writeNote,
    play: () => listening.toggle(),
    "press-space": () => listening.toggle(),
    loop: () => listening.loop(),
    slower: () => listening.faster(-1),
    faster: () => listening.faster(1),
    mute: () => listening.mute(),
  };
  listenForKeys({
    ...Object.fromEntries([..."1234567890"].map((digit) => [digit, once(pick(digit))])),
    ...inBothCases({ n: once(none), s: once(does.skip), b: once(does.broken), g: once(does.several), z: once(does.undo), u: once(does.unsure), l: once(does.loop), m: once(does.mute), h: once(() => setSuggestion(!byId("suggestion-on").checked)), t: writeNote }),
    Enter: once(save),
    " ": once(does.play),
    "[": does.slower,
    "]": does.faster,
    "/": () => choices.focusFilter(),
    ArrowRight: jump(5),
    ArrowLeft: jump(-5),
  });
  for (const [id, run] of Object.entries(does)) {
    byId(id).addEventListener("click", (event) => {
      if (event.detail > 0) event.currentTarget.blur(); // after a click the space bar is the player's again
      run();
    });
  }
  byId("suggestion-on").addEventListener("change", (event) => setSuggestion(event.target.checked));
  byId("note").addEventListener("input", () => { note = byId("note").value.trim(); });
  byId("note").addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== "Escape") return;
    event.preventDefault();
    setNote(event.key === "Enter" ? byId("note").value.trim() : "");
  });
  byId("send-now").addEventListener("click", () => outbox.sendNow());
  byId("refused-seen").addEventListener("click", () => { byId("refused").hidden = true; });
  byId("who")?.addEventListener("click", async () => {
    const present = byId("who").lastElementChild.textContent;
    if ((await askName(present)) !== present) location.reload();
  });
}

connect();
begin();
