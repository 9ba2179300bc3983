// What the answers of a listening test say, as tables with intervals drawn beside the numbers.
import { el } from "./dom.js";
import { percent } from "./format.js";
import { counted } from "./project-words.js";

const STARS = [1, 5];

export function drawResults(found, exports) {
  const { began, finished, n_answers: answers } = found;
  const facts = `${counted(began, "listener")} began, ${finished} finished, ${counted(answers, "answer")}. Lines are 95 % intervals.`;
  if (answers === 0) return [el("p", { class: "small" }, "Nobody has answered yet.")];
  const tables = [opinions(found), preferences(found), strengths(found)].filter(Boolean);
  return [el("p", { class: "small muted num" }, facts), ...tables, el("p", { class: "small" }, reliability(found)), exports];
}

function opinions({ opinions: rows }) {
  const rated = rows.filter(({ mean }) => mean !== null);
  if (!rated.length) return null;
  return table("Mean opinion, 1 to 5 stars", ["System", "Mean", "", "Ratings"], rated.map(({ system, mean, low, high, n_ratings: n }) => [system, mean.toFixed(2) + within(low, high, (value) => value.toFixed(2)), interval(mean, low, high, STARS), String(n)]));
}

function preferences({ preferences: rows }) {
  if (!rows.length) return null;
  return table("Preferred, of each two systems", ["First", "Second", "First preferred", "", "Wins, ties, losses"], rows.map(({ a, b, share, low, high, wins_a: won, ties, wins_b: lost }) => [a, b, percent(share) + within(low, high, percent), interval(share, low, high, [0, 1]), `${won}, ${ties}, ${lost}`]));
}

function strengths({ strengths: rows }) {
  if (!rows.length) return null;
  const ends = rows.flatMap(({ strength, low, high }) => [strength, low ?? strength, high ?? strength]);
  const most = Math.max(1, ...ends.map(Math.abs));
  return table("Strength (Bradley–Terry): 1 more is to be preferred 73 % of the time", ["System", "Strength", ""], rows.map(({ system, strength, low, high }) => [system, signed(strength) + within(low, high, signed), interval(strength, low, high, [-most, most])]));
}

function reliability({ consistency, agreement }) {
  const words = [];
  if (consistency.n) words.push(`Asked again, listeners said the same in ${consistency.same} of ${counted(consistency.n, "pair")}.`);
  if (agreement.pairs_alpha !== null) words.push(`Agreement between listeners on pairs: Krippendorff’s alpha ${agreement.pairs_alpha.toFixed(2)} over ${counted(agreement.n_pairs, "pair")}.`);
  if (agreement.ratings_alpha !== null) words.push(`On stars: ${agreement.ratings_alpha.toFixed(2)} over ${counted(agreement.n_ratings, "sound")}.`);
  return words.join(" ");
}

function table(caption, head, rows) {
  return el(
    "div",
    { class: "scroll-x" },
    el("table", { class: "plain-table num" }, el("caption", {}, caption), el("thead", {}, el("tr", {}, ...head.map((cell) => el("th", { scope: "col" }, cell)))), el("tbody", {}, ...rows.map(([first, ...cells]) => el("tr", {}, el("th", { scope: "row" }, first), ...cells.map((cell) => el("td", {}, cell)))))),
  );
}

/** A dot with a line through it, on a scale from `from` to `to`. */
function interval(value, low, high, [from, to]) {
  const at = (number) => `${(100 * (number - from)) / (to - from)}%`;
  const line = low === null ? null : el("i", { style: { left: at(low), right: `calc(100% - ${at(high)})` } });
  return el("span", { class: "interval", "aria-hidden": "true" }, line, el("b", { style: { left: at(value) } }));
}

const within = (low, high, words) => (low === null ? "" : ` (${words(low)} to ${words(high)})`);
const signed = (value) => (value < 0 ? `−${(-value).toFixed(2)}` : `+${value.toFixed(2)}`);
