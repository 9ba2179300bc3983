// What the track sounds like when: runs of one genre, probabilities as a river, a table, and exports.
import { byId, el, icon, save, svg } from "./dom.js";
import { clock, genreName, percent, spokenTime, title } from "./format.js";
import { slot } from "./palette.js";

const RIVER_POINTS = 400;
const RIVER_SHARE = 0.04; // of the whole: rarer genres stay blank instead of becoming slivers
const LABEL_PX = 56; // narrower runs show their colour only; the legend and the table name them

const named = (run) => (run.genre === null ? "No music" : genreName(run.genre));
const certainty = (run) => (run.genre === null ? null : run.probabilities[run.genre]);
const share = (time, duration) => `${(100 * time) / duration}%`;

/** Draws all of it and returns {runAt(time), show(time), step(direction)}. */
export function drawTimeline({ answer, player }) {
  const { runs, segments, duration_s: duration } = answer;
  const buttons = runs.map((run, index) => runButton(run, index, { duration, player }));
  const lane = byId("runs");
  lane.replaceChildren(...buttons);
  moveByKeys(lane, buttons);
  new ResizeObserver(() => hideCrampedLabels(buttons)).observe(lane);
  drawRiver(byId("river"), segments, duration);
  byId("river-lane").hidden = segments.length < 3 || segments.every((segment) => segment.genre === null);
  byId("river").addEventListener("click", (event) => player.play(timeAt(event, byId("river"), duration)));
  drawAxis(byId("time-axis"), duration);
  drawLegend(runs);
  drawTable(runs, player);
  byId("export-csv").addEventListener("click", () => exportCsv(answer));
  byId("export-labels").addEventListener("click", () => exportLabels(answer));

  const runAt = (time) => runs.findIndex((run) => time >= run.start_s && time < run.end_s);
  return {
    runAt: (time) => runs[runAt(time)] ?? null,
    show(time) {
      const current = runAt(time);
      buttons.forEach((button, index) => button.classList.toggle("current", index === current));
    },
    step(direction) {
      const here = runAt(player.position);
      const next = direction > 0 ? here + 1 : player.position - (runs[here]?.start_s ?? 0) > 2 ? here : here - 1;
      if (runs[next]) player.play(runs[next].start_s);
    },
  };
}

/** Seconds at which a pointer is, over an element that shows the whole recording. */
export function timeAt(event, element, duration) {
  const box = element.getBoundingClientRect();
  return Math.max(0, Math.min(1, (event.clientX - box.left) / box.width)) * duration;
}

/** Labels at round times, about one every 90 px of a 1000-px axis. */
export function drawAxis(axis, duration) {
  const steps = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600];
  const wanted = axis.clientWidth > 600 ? 10 : 5;
  const step = steps.find((candidate) => duration / candidate <= wanted) ?? 3600;
  const ticks = [];
  for (let time = 0; time <= duration - step * 0.6; time += step) {
    ticks.push(el("span", { style: { left: share(time, duration) } }, step < 1 ? `${time.toFixed(1)} s` : clock(time)));
  }
  const last = step < 1 ? `${duration.toFixed(1)} s` : clock(Math.round(duration));
  axis.replaceChildren(...ticks, el("span", { class: "last", style: { left: "100%" } }, last));
}

function runButton(run, index, { duration, player }) {
  const sure = certainty(run);
  const label = `${spokenTime(run.start_s)} to ${spokenTime(run.end_s)}: ${named(run)}${sure === null ? "" : `, ${percent(sure)}`}. Play from here`;
  return el(
    "button",
    {
      type: "button",
      class: "run",
      "data-slot": slot(run.genre),
      "aria-label": label,
      title: `${clock(run.start_s)}–${clock(run.end_s)} · ${named(run)}${sure === null ? "" : ` · ${percent(sure)}`}`,
      tabindex: index === 0 ? 0 : -1,
      style: { left: share(run.start_s, duration), width: share(run.end_s - run.start_s, duration) },
      onclick: () => player.play(run.start_s),
    },
    el("span", {}, named(run)),
  );
}

/** One stop for the Tab key; the arrow keys move inside, as in a toolbar. */
function moveByKeys(lane, buttons) {
  lane.addEventListener("keydown", (event) => {
    const here = buttons.indexOf(document.activeElement);
    const moves = { ArrowRight: here + 1, ArrowLeft: here - 1, Home: 0, End: buttons.length - 1 };
    if (!(event.key in moves)) return;
    event.preventDefault();
    event.stopPropagation();
    const next = buttons[Math.max(0, Math.min(buttons.length - 1, moves[event.key]))];
    for (const button of buttons) button.tabIndex = button === next ? 0 : -1;
    next.focus();
  });
}

function hideCrampedLabels(buttons) {
  for (const button of buttons) button.classList.toggle("narrow", button.clientWidth < LABEL_PX);
}

/** Stacked probabilities of the genres over time, most present genre at the bottom; what stays blank is the rest. */
function drawRiver(river, segments, duration) {
  if (segments.length < 3) return;
  const every = Math.max(1, Math.ceil(segments.length / RIVER_POINTS));
  const points = [];
  for (let i = 0; i < segments.length; i += every) {
    const block = segments.slice(i, i + every).filter((segment) => segment.genre !== null);
    const middle = (segments[i].start_s + segments[Math.min(i + every, segments.length) - 1].end_s) / 2;
    points.push({ x: (1000 * middle) / duration, block });
  }
  points[0].x = 0;
  points.at(-1).x = 1000;
  const genres = Object.keys(segments[0].probabilities);
  const mean = (block, genre) => (block.length ? block.reduce((sum, s) => sum + (s.probabilities[genre] ?? 0), 0) / block.length : 0);
  const heights = new Map(genres.map((genre) => [genre, points.map(({ block }) => 100 * mean(block, genre))]));
  const total = (genre) => heights.get(genre).reduce((a, b) => a + b, 0);
  const floor = points.map(() => 100);
  const present = genres.filter((genre) => total(genre) > 100 * RIVER_SHARE * points.length);
  const layers = present.sort((a, b) => total(b) - total(a)).map((genre) => {
    const lower = floor.slice();
    heights.get(genre).forEach((height, i) => { floor[i] -= height; });
    const there = points.map(({ x }, i) => `${x.toFixed(1)},${floor[i].toFixed(2)}`);
    const back = points.map(({ x }, i) => `${x.toFixed(1)},${lower[i].toFixed(2)}`).reverse();
    return svg("path", { d: `M${there.join("L")}L${back.join("L")}Z`, "data-slot": slot(genre) });
  });
  river.replaceChildren(...layers);
}

function drawLegend(runs) {
  const seconds = new Map();
  for (const run of runs) seconds.set(run.genre, (seconds.get(run.genre) ?? 0) + run.end_s - run.start_s);
  const whole = [...seconds.values()].reduce((a, b) => a + b, 0);
  const entries = [...seconds].sort((a, b) => b[1] - a[1]).map(([genre, spent]) =>
    el("li", { "data-slot": slot(genre) }, el("span", { class: "dot" }), `${named({ genre })} `, el("span", { class: "num muted" }, percent(spent / whole))),
  );
  byId("legend").replaceChildren(...entries);
}

function drawTable(runs, player) {
  byId("run-rows").replaceChildren(
    ...runs.map((run) =>
      el(
        "tr",
        {},
        el("td", { class: "num" }, clock(run.start_s)),
        el("td", { class: "num" }, clock(run.end_s)),
        el("td", {}, named(run)),
        el("td", { class: "num" }, certainty(run) === null ? "–" : percent(certainty(run))),
        el("td", {}, el("button", { type: "button", class: "button small", "aria-label": `Play from ${spokenTime(run.start_s)}`, onclick: () => player.play(run.start_s) }, icon("play"), "Play")),
      ),
    ),
  );
}

function exportCsv(answer) {
  const genres = Object.keys(answer.probabilities);
  const quote = (text) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const lines = answer.segments.map((s) => [s.start_s, s.end_s, s.genre ?? "", ...genres.map((g) => s.probabilities[g])]);
  const table = [["start_s", "end_s", "genre", ...genres], ...lines].map((row) => row.map((cell) => quote(String(cell))).join(","));
  save(`${title(answer.path)}.segments.csv`, `${table.join("\n")}\n`, "text/csv");
}

function exportLabels(answer) {
  const lines = answer.runs.map((run) => `${run.start_s}\t${run.end_s}\t${named(run)}`);
  save(`${title(answer.path)}.labels.txt`, `${lines.join("\n")}\n`, "text/plain");
}
