// The learning curve: accuracy over labels with its band, values under the pointer, and the same as a table.
import { byId, el, svg } from "./dom.js";
import { percent } from "./format.js";
import { counted } from "./project-words.js";

const HEIGHT = 260;
const MARGIN = { top: 12, right: 16, bottom: 40, left: 48 };
const TICKS = 5;

let points = [];
let chosen = -1; // index of the point whose values are read out

/** Draws [{labels, accuracy, low, high}]; the readout begins with the last of them. */
export function drawCurve(measured) {
  points = measured;
  chosen = points.length - 1;
  byId("curve-rows").replaceChildren(...points.map((point) => el("tr", {}, ...[point.labels, percent(point.accuracy), percent(point.low), percent(point.high)].map((cell) => el("td", {}, String(cell))))));
  draw();
}

function draw() {
  const chart = byId("curve");
  const width = chart.clientWidth;
  if (!points.length || !width) return;
  const { x, y, low, high, most } = scales(width);
  const line = points.map((point) => `${x(point.labels).toFixed(1)},${y(point.accuracy).toFixed(1)}`);
  const above = points.map((point) => `${x(point.labels).toFixed(1)},${y(point.high).toFixed(1)}`);
  const below = points.map((point) => `${x(point.labels).toFixed(1)},${y(point.low).toFixed(1)}`).reverse();
  const floor = HEIGHT - MARGIN.bottom;
  chart.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
  chart.setAttribute("aria-label", summary());
  chart.replaceChildren(
    ...steps(low, high).map((share) => svg("g", { class: "grid" }, svg("line", { x1: MARGIN.left, x2: width - MARGIN.right, y1: y(share), y2: y(share) }), svg("text", { x: MARGIN.left - 8, y: y(share) + 4, "text-anchor": "end" }, percent(share)))),
    ...labelTicks(most).map((labels) => svg("text", { x: x(labels), y: floor + 18, "text-anchor": "middle" }, String(labels))),
    svg("text", { x: (MARGIN.left + width - MARGIN.right) / 2, y: HEIGHT - 4, "text-anchor": "middle" }, "labels"),
    svg("path", { class: "band", d: `M${above.join("L")}L${below.join("L")}Z` }),
    svg("path", { class: "line", d: `M${line.join("L")}` }),
    ...points.map((point, index) => svg("circle", { class: index === chosen ? "point chosen" : "point", cx: x(point.labels), cy: y(point.accuracy), r: index === chosen ? 6 : 4 })),
    svg("line", { class: "rule", x1: x(points[chosen].labels), x2: x(points[chosen].labels), y1: MARGIN.top, y2: floor }),
  );
  byId("readout").textContent = spoken(points[chosen]);
}

function scales(width) {
  const low = Math.max(0, Math.floor(10 * Math.min(...points.map((point) => point.low))) / 10);
  const high = Math.min(1, Math.ceil(10 * Math.max(...points.map((point) => point.high))) / 10);
  const most = points.at(-1).labels;
  const floor = HEIGHT - MARGIN.bottom;
  return {
    low,
    high,
    most,
    x: (labels) => MARGIN.left + (labels / most) * (width - MARGIN.left - MARGIN.right),
    y: (share) => floor - ((share - low) / Math.max(high - low, 0.1)) * (floor - MARGIN.top),
  };
}

/** Round shares from `low` to `high`, which are tenths. */
function steps(low, high) {
  const [first, last] = [Math.round(10 * low), Math.round(10 * high)];
  const step = last - first > 5 ? 2 : 1;
  const ticks = [];
  for (let tenth = Math.ceil(first / step) * step; tenth <= last; tenth += step) ticks.push(tenth / 10);
  return ticks;
}

/** Round numbers of labels from 0 to the most there are. */
function labelTicks(most) {
  const round = [1, 2, 5, 10, 20, 25, 50, 100, 200, 250, 500, 1000, 2000, 5000, 10_000];
  const step = round.find((candidate) => most / candidate <= TICKS) ?? 10_000 * Math.ceil(most / TICKS / 10_000);
  return Array.from({ length: Math.floor(most / step) + 1 }, (_, index) => index * step);
}

const spoken = ({ labels, accuracy, low, high }) => `${counted(labels, "label")}: ${percent(accuracy)} (${percent(low)} to ${percent(high)})`;

function summary() {
  const [first, last] = [points[0], points.at(-1)];
  return `Learning curve: from ${percent(first.accuracy)} with ${counted(first.labels, "label")} to ${percent(last.accuracy)} with ${last.labels}. Arrow keys read out each point.`;
}

function choose(index) {
  const next = Math.max(0, Math.min(points.length - 1, index));
  if (next === chosen || !points.length) return;
  chosen = next;
  draw();
}

byId("curve").addEventListener("pointermove", (event) => {
  if (!points.length) return;
  const { x } = scales(byId("curve").clientWidth);
  const at = event.clientX - byId("curve").getBoundingClientRect().left;
  const distances = points.map((point) => Math.abs(x(point.labels) - at));
  choose(distances.indexOf(Math.min(...distances)));
});
byId("curve").addEventListener("keydown", (event) => {
  const moves = { ArrowRight: chosen + 1, ArrowLeft: chosen - 1, Home: 0, End: points.length - 1 };
  if (!(event.key in moves)) return;
  event.preventDefault();
  choose(moves[event.key]);
});
new ResizeObserver(draw).observe(byId("curve"));
