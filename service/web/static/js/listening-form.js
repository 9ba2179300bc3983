// The form of a new listening test: sounds of the library and of generated clips, under the names of their systems.
import { Problem, request } from "./api.js";
import { byId, el, icon } from "./dom.js";
import { clock, genreName, sentence, title } from "./format.js";
import { counted } from "./project-words.js";

const SHOWN = 100;
const MOST = 100;
const WAIT_MS = 250;
const NUMBERS = ["pairs", "ratings", "repeats", "seconds"];

const chosen = []; // of {system, topic, words, track | clip and take}
let shown = []; // of {words, topic, track | clip and take}
let waiting = 0;

export async function openForm() {
  byId("new-section").hidden = false;
  byId("new-name").focus();
  await find();
}

export function connectForm() {
  byId("new-form").addEventListener("submit", create);
  byId("add-shown").addEventListener("click", () => add(shown));
  byId("pick-query").addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(find, WAIT_MS);
  });
  byId("pick-query").addEventListener("keydown", (event) => {
    if (event.key === "Enter") event.preventDefault(); // it searches by itself, and must not send the form
  });
}

/** Tracks by their names, and takes of clips by their genres. */
async function find() {
  const query = byId("pick-query").value.trim();
  try {
    const [tracks, clips] = await Promise.all([request(`tracks?limit=${SHOWN}&q=${encodeURIComponent(query)}`), request(`clips?limit=${SHOWN}`)]);
    const takes = clips.items.flatMap((clip) => clip.takes.map((take) => takeOf(clip, take))).filter(({ words }) => words.toLowerCase().includes(query.toLowerCase()));
    shown = [...takes, ...tracks.items.map(({ id, filename, duration_s: s }) => ({ track: id, words: title(filename), length: s }))];
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    byId("new-said").textContent = `${error.title}. ${sentence(error.detail)}`;
    return;
  }
  draw();
}

function takeOf(clip, take) {
  const genres = Object.keys(take.wish.genre);
  return { clip: clip.id, take: take.index, words: `Generated: ${genres.map((genre) => genreName(genre)).join(" and ")}, seed ${take.seed}`, topic: genres.length === 1 ? genres[0] : "", length: take.seconds };
}

const same = (one, other) => one.track === other.track && one.clip === other.clip && one.take === other.take;

function draw() {
  const left = shown.filter((sound) => !chosen.some((each) => same(each, sound)));
  shown = left;
  byId("found").replaceChildren(
    ...left.map((sound) => el("li", {}, el("span", { class: "name" }, sound.words), el("span", { class: "muted small num" }, sound.length ? clock(sound.length) : ""), el("button", { type: "button", class: "icon-button", "aria-label": `Add ${sound.words}`, onclick: () => add([sound]) }, icon("plus")))),
  );
  if (!left.length) byId("found").replaceChildren(el("li", { class: "muted small" }, "Nothing here to add: upload recordings to the library, or generate clips."));
  byId("add-shown").disabled = left.length === 0;
  byId("add-shown").querySelector("span").textContent = left.length ? `Add all ${left.length} shown` : "Add all shown";
  const systems = [...new Set(chosen.map(({ system }) => system))];
  byId("chosen").replaceChildren(...systems.map(group));
}

function group(system) {
  const own = chosen.filter((sound) => sound.system === system);
  return el(
    "details",
    { class: "disclosure" },
    el("summary", {}, icon("chevron"), el("b", {}, system), ` ${counted(own.length, "sound")}`),
    el("ul", { class: "found" }, ...own.map((sound) => el("li", {}, el("span", { class: "name" }, sound.words), el("span", { class: "muted small" }, sound.topic), el("button", { type: "button", class: "icon-button", "aria-label": `Leave out ${sound.words}`, onclick: () => leaveOut(sound) }, icon("close"))))),
  );
}

function add(sounds) {
  const said = byId("new-said");
  const system = byId("pick-system").value.trim();
  if (!system) {
    said.textContent = "Say first which system made the sounds.";
    return byId("pick-system").focus();
  }
  const topic = byId("pick-topic").value.trim();
  const room = MOST - chosen.length;
  said.textContent = sounds.length > room ? `A test has ${MOST} sounds at most.` : "";
  for (const sound of sounds.slice(0, room)) chosen.push({ ...sound, system, topic: topic || sound.topic || "" });
  draw();
}

async function leaveOut(sound) {
  chosen.splice(chosen.indexOf(sound), 1);
  await find();
}

async function create(event) {
  event.preventDefault();
  const said = byId("new-said");
  byId("new-submit").disabled = true;
  said.textContent = "Making the sounds equally long and loud…";
  try {
    const items = chosen.map(({ system, topic, track, clip, take }) => ({ system, topic, ...(track ? { track } : { clip, take }) }));
    const numbers = Object.fromEntries(NUMBERS.map((name) => [name, Number(byId(`new-${name}`).value)]));
    await request("listening-tests", { method: "POST", json: { name: byId("new-name").value.trim(), aspect: byId("new-aspect").value, items, ...numbers } });
    location.reload();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    said.textContent = `${error.title}. ${sentence(error.detail)}`;
  } finally {
    byId("new-submit").disabled = false;
  }
}
