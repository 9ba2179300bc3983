// A listening test as a listener takes it: play, compare, answer, next.
import { Problem, pageUrl, request } from "./api.js";
import { byId, el, setIcon } from "./dom.js";
import { genreName, sentence } from "./format.js";
import { listenForKeys } from "./shortcuts.js";
import { showState, stateButton, stateLink } from "./state-card.js";
import { remember, remembered } from "./storage.js";

const QUALITY = ["Bad", "Poor", "Fair", "Good", "Excellent"]; // ITU-T P.800
const LIKENESS = ["Not at all", "A little", "Somewhat", "Much", "Very much"];
const PAIR = [["a", "A"], ["same", "No difference"], ["b", "B"]];
const PARTS = ["welcome", "question"];

const page = byId("listen");
const testId = page.dataset.test;
const ofGenre = page.dataset.aspect === "genre";
const STARS = ofGenre ? LIKENESS : QUALITY;
const named = page.dataset.named === "true";
const sides = Object.fromEntries(["a", "b"].map((side) => [side, byId(`sound-${side}`)]));
let listener = null;
let question = null;
let plays = 0;
let lastSide = "a";
let sending = false;

const audioOf = (side) => sides[side].querySelector("audio");
const asked = () => Object.keys(question?.sounds ?? {});

// ---------- questions ----------

async function begin() {
  const query = listener === null ? "" : `?listener=${encodeURIComponent(listener)}`;
  try {
    show((await request(`listening-tests/${testId}/next${query}`)).question);
  } catch (error) {
    fail(error, begin);
  }
}

function show(next) {
  question = next;
  if (!question) {
    for (const side of Object.keys(sides)) audioOf(side).pause();
    return showState("Thank you, that was all", "Your answers are kept. You may close this page.", { actions: [stateLink("All listening tests", pageUrl("listening-tests"))], parts: PARTS });
  }
  byId("welcome").hidden = true;
  byId("state").hidden = true;
  byId("question").hidden = false;
  byId("refused").hidden = true;
  byId("far").textContent = `${question.number} of ${question.total}`;
  byId("far-bar").firstElementChild.style.width = `${(100 * (question.number - 1)) / question.total}%`;
  byId("asked").textContent = words(question);
  plays = 0;
  lastSide = "a";
  for (const [side, sound] of Object.entries(sides)) {
    const audio = audioOf(side);
    sound.hidden = !(side in question.sounds);
    delete sound.dataset.heard;
    sound.querySelector(".bar > i").style.width = "0";
    sound.querySelector("b").textContent = question.kind === "pair" ? side.toUpperCase() : "Play";
    if (sound.hidden) audio.removeAttribute("src");
    else audio.src = question.sounds[side];
    showPlaying(side);
  }
  byId("answers").dataset.kind = question.kind;
  byId("answers").replaceChildren(...(question.kind === "pair" ? PAIR.map(([said, label], index) => choice(said, label, index + 1)) : STARS.map((label, index) => choice(index + 1, label, index + 1))));
  allow();
  byId("asked").focus();
}

function words({ kind, topic }) {
  const genre = topic ? genreName(topic, { capital: false }) : "";
  if (kind === "pair") return ofGenre ? `Which is more like ${genre}?` : "Which sounds better?";
  return ofGenre ? `How much like ${genre} is this?` : "How good does this sound?";
}

function choice(said, label, key) {
  const stars = question.kind === "rating" ? el("b", { class: "num" }, String(key)) : null;
  return el("button", { type: "button", class: "button", "data-answer": said, onclick: () => answer(said) }, stars, label, el("kbd", { "aria-hidden": "true" }, String(key)));
}

/** Answers are open once each sound was heard. */
function allow() {
  const unheard = asked().filter((side) => !sides[side].dataset.heard);
  for (const button of byId("answers").children) button.disabled = unheard.length > 0 || sending;
  byId("hint").textContent = unheard.length === 0 ? "" : question.kind === "pair" ? `Listen to ${unheard.map((side) => side.toUpperCase()).join(" and ")} first.` : "Listen first.";
}

async function answer(said) {
  if (sending || asked().some((side) => !sides[side].dataset.heard)) return;
  sending = true;
  allow();
  for (const side of asked()) audioOf(side).pause();
  try {
    const json = { question: question.id, answer: said, plays, ...(listener === null ? {} : { listener }) };
    const { question: next } = await request(`listening-tests/${testId}/answers`, { method: "POST", json });
    sending = false;
    show(next);
  } catch (error) {
    sending = false;
    if (!(error instanceof Problem)) throw error;
    if (error.status === 404 || error.status === 409) return fail(error, begin);
    byId("refused").hidden = false;
    byId("refused").querySelector("span").textContent = `${error.title}. ${sentence(error.detail)}`;
    allow();
  }
}

function fail(error, again) {
  if (!(error instanceof Problem)) throw error;
  showState(error.title, sentence(error.detail), { actions: [stateButton("Try again", "retry", again), stateLink("All listening tests", pageUrl("listening-tests"))], parts: PARTS });
}

// ---------- sounds ----------

function play(side) {
  if (!asked().includes(side)) return;
  const audio = audioOf(side);
  lastSide = side;
  if (!audio.paused) return audio.pause();
  for (const other of asked()) if (other !== side) audioOf(other).pause();
  audio.currentTime = 0; // each time from the beginning: what is compared is the whole
  audio.play().catch((error) => {
    if (error.name === "AbortError") return;
    byId("refused").hidden = false;
    byId("refused").querySelector("span").textContent = "This browser cannot play the sound.";
  });
}

function showPlaying(side) {
  const [sound, audio] = [sides[side], audioOf(side)];
  const playing = !audio.paused && !audio.ended;
  const button = sound.querySelector("button");
  sound.classList.toggle("playing", playing);
  setIcon(button, playing ? "pause" : "play");
  button.setAttribute("aria-label", `${playing ? "Stop" : "Play"}${question?.kind === "pair" ? ` ${side.toUpperCase()}` : ""}`);
}

for (const [side, sound] of Object.entries(sides)) {
  const audio = audioOf(side);
  sound.querySelector("button").addEventListener("click", () => play(side));
  audio.addEventListener("playing", () => {
    plays += 1;
    sound.dataset.heard = "yes";
    allow();
  });
  for (const event of ["play", "pause", "ended"]) audio.addEventListener(event, () => showPlaying(side));
  audio.addEventListener("timeupdate", () => {
    sound.querySelector(".bar > i").style.width = audio.duration ? `${(100 * audio.currentTime) / audio.duration}%` : "0";
  });
}

// ---------- keys and the start ----------

const NUMBERS = Object.fromEntries([1, 2, 3, 4, 5].map((number) => [String(number), () => byId("answers").children[number - 1]?.click()]));
listenForKeys({ ...NUMBERS, a: () => play("a"), b: () => play("b"), " ": () => play(lastSide) });

if (!named) byId("listener").value = remembered("listener") ?? "";
byId("begin").addEventListener("submit", (event) => {
  event.preventDefault();
  if (!named) {
    listener = byId("listener").value.trim();
    if (!listener) return;
    remember("listener", listener);
  }
  begin();
});
