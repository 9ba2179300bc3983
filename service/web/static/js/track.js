// The page of one recording: progress while it is being heard, then the answer, the player, and why.
import { Problem, apiUrl, pageUrl, request } from "./api.js";
import { charts, factCards } from "./attributes.js";
import { byId, confirmDelete, el, icon, save, setIcon, toast } from "./dom.js";
import { bytes, clock, duration, genreName, hertz, percent, sentence, sound, spokenTime, title, verdict } from "./format.js";
import { follow } from "./jobs.js";
import { showModel } from "./model-chip.js";
import { slot } from "./palette.js";
import { preparePictures, showPictures } from "./pictures.js";
import { Player } from "./player.js";
import { listenForKeys } from "./shortcuts.js";
import { drawTimeline, timeAt } from "./timeline.js";
import { drawWave } from "./wave.js";

const page = byId("track");
const trackPath = `tracks/${page.dataset.track}`;
const TAGS_SHOWN = 10;
const EVIDENCE_SHOWN = 4;

// ---------- states: loading, running, failed ----------

const working = {
  show(title, text, share = null, actions = []) {
    byId("state").hidden = false;
    byId("working-title").textContent = title;
    byId("working-text").textContent = text;
    const bar = byId("working-bar");
    bar.hidden = share === "none";
    bar.classList.toggle("unknown", share === null);
    bar.firstElementChild.style.width = typeof share === "number" ? `${100 * share}%` : "";
    if (typeof share === "number") bar.setAttribute("aria-valuenow", Math.round(100 * share));
    else bar.removeAttribute("aria-valuenow");
    byId("working-actions").replaceChildren(...actions);
    byId("working-actions").hidden = actions.length === 0;
  },
  hide() {
    byId("state").hidden = true;
    byId("state").setAttribute("aria-busy", "false");
  },
};

const action = (label, symbol, run) => el("button", { type: "button", class: "button", onclick: run }, icon(symbol), label);

async function begin() {
  let track = await attempt(() => request(trackPath), "This recording cannot be shown");
  if (!track) return;
  byId("title").textContent = title(track.filename);
  showFactsLine(track);
  if (track.state === "queued" || track.state === "running") {
    if (!(await hear(track))) return;
    track = await attempt(() => request(trackPath), "This recording cannot be shown");
    if (!track) return;
  }
  if (track.state === "failed" || track.state === "cancelled" || !track.classification) {
    showFailure(track);
    return;
  }
  working.hide();
  showAnswer(track);
}

/** Runs something that may fail; a failure is shown with a button that begins again. */
async function attempt(run, whatFailed) {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    working.show(whatFailed, `${error.title}. ${sentence(error.detail)}`, "none", [action("Try again", "retry", begin)]);
    return null;
  }
}

async function hear(track) {
  const stop = action("Stop", "close", () => request(`jobs/${track.job}`, { method: "DELETE" }).catch((error) => toast(error.title)));
  const show = ({ state, progress }) => {
    if (state === "queued") working.show("In the queue", "Another recording is being heard first. You can leave this page; the work goes on.", null, [stop]);
    else working.show(`Listening, ${percent(progress)}`, "You can leave this page; the work goes on.", progress, [stop]);
  };
  show({ state: track.state, progress: 0 });
  if (!track.job) return true;
  return attempt(() => follow(track.job, show), "The progress cannot be followed");
}

function showFailure(track) {
  const cancelled = track.state === "cancelled";
  const heading = cancelled ? "Stopped before it was heard" : (track.problem?.title ?? "This recording could not be heard");
  const text = cancelled ? "It is still in the library and can be heard at any time." : sentence(track.problem?.detail ?? "please try again");
  working.show(heading, text, "none", [action("Try again", "retry", classifyAgain)]);
}

async function classifyAgain() {
  const job = await attempt(() => request(`${trackPath}/classifications`, { method: "POST" }), "It cannot be heard again now");
  if (!job) return;
  for (const part of document.querySelectorAll(".stack > .card, #why-and-tags > .card")) part.hidden = true;
  player?.pause();
  if (await hear({ job: job.id, state: job.state })) location.reload();
}

// ---------- the answer ----------

function showFactsLine(track) {
  const facts = [
    duration(track.duration_s),
    track.format?.toUpperCase(),
    track.sample_rate ? `${(track.sample_rate / 1000).toFixed(1).replace(/\.0$/, "")}\u00a0kHz` : null,
    track.channels ? sound(track.channels) : null,
    bytes(track.size_bytes),
  ];
  byId("facts-line").textContent = facts.filter(Boolean).join(" · ");
}

let player = null;
let evidenceTurn = 0;

function showAnswer(track) {
  const answer = track.classification;
  showVerdict(answer);
  showPlayer(track, answer);
  showEvidence(answer);
  showTags(answer);
  showAttributes(answer);
  preparePicturesOf(answer);
  showTechnical(track, answer);
  const json = byId("download-json");
  json.href = apiUrl(trackPath);
  json.hidden = false;
  json.addEventListener("click", (event) => {
    event.preventDefault();
    save(`${title(track.filename)}.genrelab.json`, `${JSON.stringify(answer, null, 2)}\n`, "application/json");
  });
  byId("reclassify").hidden = false;
  byId("generate-like").hidden = !answer.genre; // of what is no music, none can be like it
  document.title = `${title(track.filename)} · Genrelab`;
}

function showVerdict(answer) {
  const card = byId("verdict");
  const said = verdict(answer);
  const none = said.kind === "not-music";
  card.hidden = false;
  card.dataset.kind = said.kind;
  card.dataset.slot = said.kind === "sure" || said.kind === "between" ? slot(answer.genre) : "none";
  byId("sentence").textContent = said.sentence;
  byId("because").textContent = said.because;
  byId("set-chips").hidden = said.kind !== "unsure";
  byId("set-chips").replaceChildren(...(said.kind === "unsure" ? answer.set.map((genre) => genreChip(genre)) : []));
  byId("short-note").hidden = !answer.short;
  byId("short-note").lastElementChild.textContent = `Only ${answer.duration_s.toFixed(1)} s of sound: it was repeated to fill one window of 3 s, so take the answer with care.`;
  byId("genres-side").hidden = none;
  card.classList.toggle("alone", none);
  const ranked = Object.entries(answer.probabilities).sort((a, b) => b[1] - a[1]);
  byId("genres").replaceChildren(...ranked.map(([genre, share]) => genreBar(genre, share, answer.set.includes(genre))));
  if (!none) byId("genres").append(el("li", { class: "legend" }, `Bold: the genres that it could be. In ${percent(answer.coverage)} of recordings the truth is among them.`));
}

function genreBar(genre, share, inSet) {
  return el(
    "li",
    { class: inSet ? "in-set" : null, "data-slot": slot(genre), "data-genre": genre },
    el("span", { class: "name" }, genreName(genre), inSet ? el("span", { class: "visually-hidden" }, " (possible)") : null),
    el("span", { class: "bar", "aria-hidden": "true" }, el("i", { style: { width: `${100 * share}%` } })),
    el("span", { class: "value num" }, percent(share)),
  );
}

function genreChip(genre) {
  return el("span", { class: "chip", "data-slot": slot(genre) }, el("span", { class: "dot" }), genreName(genre));
}

// ---------- player ----------

async function showPlayer(track, answer) {
  byId("player").hidden = false;
  const audio = byId("audio");
  const length = answer.duration_s;
  player = new Player(audio, { url: apiUrl(`${trackPath}/audio`), duration: length });
  byId("duration").textContent = clock(Math.round(length));
  const timeline = drawTimeline({ answer, player });
  connectTransport();
  player.addEventListener("time", () => showPosition(timeline, length));
  player.addEventListener("state", () => showState());
  player.addEventListener("error", showAudioError);
  connectKeys(timeline, answer);
  miniPlayer(timeline);
  showPosition(timeline, length);
  try {
    await prepareWave(audio, answer);
  } catch (error) {
    console.info("No waveform, so the browser's own player is used:", error);
    useNativePlayer(audio);
  }
}

async function prepareWave(audio, answer) {
  if (!page.dataset.wavesurfer) throw new Error("wavesurfer is not installed");
  const { peaks, duration_s: length } = await request(`${trackPath}/waveform`);
  const wave = byId("wave");
  wave.hidden = false;
  await drawWave(wave, { wavesurferUrl: new URL(page.dataset.wavesurfer, location.href).href, audio, peaks, duration: length, runs: answer.runs });
  wave.setAttribute("aria-valuemax", Math.round(length));
  wave.addEventListener("click", (event) => player.seek(timeAt(event, wave, length)));
  wave.addEventListener("keydown", (event) => {
    const steps = { ArrowRight: 5, ArrowUp: 5, ArrowLeft: -5, ArrowDown: -5, PageUp: 30, PageDown: -30 };
    if (event.key === "Home") player.seek(0);
    else if (event.key === "End") player.seek(length);
    else if (event.key in steps) player.seek(player.position + steps[event.key]);
    else return;
    event.preventDefault();
  });
}

/** Where wavesurfer is missing: the element's own controls instead of ours; timeline and keys stay. */
function useNativePlayer(audio) {
  audio.controls = true;
  audio.hidden = false;
  byId("wave").hidden = true;
  byId("transport").hidden = true;
  byId("player").classList.add("native");
}

function showPosition(timeline, length) {
  const now = player.position;
  byId("position").textContent = clock(now);
  const left = `${(100 * now) / length}%`;
  for (const head of document.querySelectorAll(".playhead")) head.style.left = left;
  const run = timeline.runAt(now);
  for (const [chip, text] of [["now", (name) => `Now: ${name}`], ["mini-now", (name) => name]]) {
    byId(chip).hidden = !run;
    if (!run) continue;
    byId(chip).dataset.slot = slot(run.genre);
    byId(chip).lastElementChild.textContent = text(run.genre === null ? "no music" : genreName(run.genre));
  }
  timeline.show(now);
  byId("wave").setAttribute("aria-valuenow", Math.round(now));
  byId("wave").setAttribute("aria-valuetext", `${spokenTime(now)} of ${spokenTime(length)}`);
  byId("mini-time").textContent = `${clock(now)} / ${clock(Math.round(length))}`;
  byId("mini").querySelector(".bar i").style.width = left;
}

function showState() {
  for (const id of ["play", "mini-play"]) {
    setIcon(byId(id), player.playing ? "pause" : "play");
    byId(id).setAttribute("aria-label", player.playing ? "Pause" : "Play");
  }
  for (const button of document.querySelectorAll("[data-stretch]")) {
    const its = player.playing && player.name === button.dataset.stretch;
    button.classList.toggle("playing", its);
    if (button.querySelector("use")) setIcon(button, its ? "pause" : "play");
  }
}

function showAudioError() {
  byId("audio-error").hidden = false;
  byId("audio-error").lastElementChild.textContent =
    "This browser cannot play the recording’s format. The answer and the pictures are not affected; a copy as FLAC, OGG or MP3 would play.";
  byId("transport").classList.add("disabled");
}

function connectTransport() {
  byId("play").addEventListener("click", () => player.toggle());
  byId("mini-play").addEventListener("click", () => player.toggle());
  byId("mute").addEventListener("click", toggleMute);
  byId("loudness").addEventListener("input", (event) => {
    player.audio.volume = Number(event.target.value);
    if (player.audio.muted) toggleMute();
  });
}

function toggleMute() {
  player.audio.muted = !player.audio.muted;
  setIcon(byId("mute"), player.audio.muted ? "muted" : "volume");
  byId("mute").setAttribute("aria-pressed", String(player.audio.muted));
}

function connectKeys(timeline, answer) {
  const jump = (by) => (event) => player.seek(player.position + by * (event.shiftKey ? 3 : 1));
  const digits = Object.fromEntries([...Array(10).keys()].map((n) => [String(n), () => player.seek((answer.duration_s * n) / 10)]));
  listenForKeys({
    " ": () => player.toggle(),
    ArrowRight: jump(5),
    ArrowLeft: jump(-5),
    ...digits,
    n: () => timeline.step(1),
    p: () => timeline.step(-1),
    m: toggleMute,
    e: () => {
      const stretches = shownEvidence(answer);
      if (stretches.length) playStretch(stretches, evidenceTurn++ % stretches.length);
    },
  });
}

/** A short form of the player stays in view when the long one has been scrolled away. */
function miniPlayer() {
  const mini = byId("mini");
  new IntersectionObserver(([change]) => {
    const gone = !change.isIntersecting && change.boundingClientRect.top < 0;
    mini.hidden = !gone;
    document.body.classList.toggle("has-mini", gone);
  }).observe(byId("player"));
}

// ---------- why ----------

const shownEvidence = (answer) =>
  [...answer.evidence].sort((a, b) => Math.abs(b.effect) - Math.abs(a.effect)).slice(0, EVIDENCE_SHOWN);

function playStretch(stretches, index) {
  const name = String(index + 1);
  if (player.playing && player.name === name) player.pause();
  else player.play(stretches[index].start_s, { until: stretches[index].end_s, name });
}

function showEvidence(answer) {
  const stretches = shownEvidence(answer);
  byId("why").hidden = stretches.length === 0;
  byId("lanes").classList.toggle("unmarked", stretches.length === 0);
  if (stretches.length === 0) return;
  const genre = genreName(answer.genre, { capital: false });
  byId("why-text").textContent = `What each stretch adds to the probability of ${genre}, or takes from it: measured by leaving it out.`;
  byId("evidence").replaceChildren(...stretches.map((stretch, index) => evidenceLine(stretch, index, { stretches, genre })));
  byId("markers").replaceChildren(
    ...stretches.map((stretch, index) =>
      el(
        "button",
        {
          type: "button",
          class: "marker",
          "data-stretch": index + 1,
          "aria-label": `Play stretch ${index + 1}, ${spokenTime(stretch.start_s)} to ${spokenTime(stretch.end_s)}`,
          title: `What moved the decision: ${clock(stretch.start_s)}–${clock(stretch.end_s)}`,
          style: { left: `${(50 * (stretch.start_s + stretch.end_s)) / answer.duration_s}%` },
          onclick: () => playStretch(stretches, index),
        },
        String(index + 1),
      ),
    ),
  );
}

function evidenceLine(stretch, index, { stretches, genre }) {
  const points = Math.abs(100 * stretch.effect);
  const amount = points < 0.05 ? "<0.1 points" : points < 10 ? `${points.toFixed(1)} points` : `${Math.round(points)} points`;
  const effect = stretch.effect >= 0 ? `speaks for ${genre}` : `speaks against ${genre}`;
  return el(
    "li",
    {},
    el(
      "button",
      { type: "button", class: "icon-button", "data-stretch": index + 1, "aria-label": `Play ${spokenTime(stretch.start_s)} to ${spokenTime(stretch.end_s)}`, onclick: () => playStretch(stretches, index) },
      icon("play"),
    ),
    el("div", {}, el("p", { class: "when num" }, `${clock(stretch.start_s)} – ${clock(stretch.end_s)}`), el("p", { class: "what" }, `Stretch ${index + 1}, ${effect}`)),
    el("span", { class: "points num" }, `${stretch.effect >= 0 ? "+" : "−"}${amount}`),
  );
}

// ---------- the rest ----------

function showTags(answer) {
  const tags = answer.tags.slice(0, TAGS_SHOWN);
  byId("tags-card").hidden = tags.length === 0;
  byId("tags").replaceChildren(
    ...tags.map(({ tag, activation }) =>
      el("li", { class: "tag" }, el("i", { style: { width: `${100 * Math.min(1, activation)}%` } }), el("span", {}, tag), el("span", { class: "num" }, activation.toFixed(2))),
    ),
  );
}

function showAttributes(answer) {
  const cards = factCards(answer.attributes ?? {});
  byId("attributes").hidden = cards.length === 0;
  byId("facts").replaceChildren(...cards);
  byId("charts").replaceChildren(...charts(answer.attributes ?? {}));
}

function preparePicturesOf(answer) {
  showPictures();
  preparePictures({
    player,
    duration: answer.duration_s,
    scales: {
      spectrogram: { low: 0, high: 8000, ticks: [250, 500, 1000, 2000, 4000] },
      scalogram: { low: 31.25, high: 7750, ticks: [62.5, 125, 250, 500, 1000, 2000, 4000] },
    },
  });
}

function showTechnical(track, answer) {
  byId("technical").hidden = false;
  const facts = [
    ["File", answer.path],
    ["Model", answer.model],
    ["Length", `${answer.duration_s.toFixed(3)}\u00a0s`],
    ["Format", `${answer.format.toUpperCase()}, ${hertz(answer.sample_rate)}, ${sound(answer.channels)}`],
    ["Size", bytes(track.size_bytes)],
    ["Windows heard", `${answer.segments.length} of 3.0\u00a0s, one every 1.5\u00a0s`],
    ["Coverage", `${percent(answer.coverage)} of the sets hold the true genre`],
    ["Added", new Date(track.created_at).toLocaleString()],
  ].map(([term, value]) => [el("dt", {}, term), el("dd", { class: "num" }, value)]);
  byId("details").replaceChildren(...facts.flat(), el("dt", {}, "SHA-256"), el("dd", {}, el("code", {}, answer.sha256)));
}

byId("reclassify").addEventListener("click", classifyAgain);
byId("delete")?.addEventListener("click", async () => {
  const name = byId("title").textContent;
  if (!(await confirmDelete(`“${name}”, its sound and its answer are removed from this machine. This cannot be undone.`))) return;
  try {
    await request(trackPath, { method: "DELETE" });
    location.assign(pageUrl(""));
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    toast(`${error.title}. ${sentence(error.detail)}`);
  }
});
begin();
showModel();
