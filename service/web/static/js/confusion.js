// The confusion matrix as a table whose cells are the darker the more of their row they hold.
import { byId, el } from "./dom.js";
import { genreName, percent, trim } from "./format.js";

const DARKEST = 55; // % of the hue: text stays readable on it

export function drawConfusion({ genres, matrix }) {
  byId("confusion-card").hidden = genres.length === 0;
  const head = el("tr", {}, el("td", {}), ...genres.map((genre) => el("th", { scope: "col" }, el("span", {}, genreName(genre)))));
  const rows = matrix.map((row, said) => {
    const whole = row.reduce((sum, count) => sum + count, 0);
    return el("tr", {}, el("th", { scope: "row" }, genreName(genres[said])), ...row.map((count, taken) => cell(count, whole, { said, taken, genres })));
  });
  byId("confusion").replaceChildren(el("thead", {}, head), el("tbody", {}, ...rows));
}

function cell(count, whole, { said, taken, genres }) {
  const share = whole ? count / whole : 0;
  const hue = said === taken ? "--good" : "--bad";
  const words = said === taken ? `${genreName(genres[said])}, recognised` : `${genreName(genres[said])}, taken for ${genreName(genres[taken])}`;
  return el("td", { title: `${words}: ${trim(count)} of ${trim(whole)}, ${percent(share)}`, style: { backgroundColor: `color-mix(in srgb, var(${hue}) ${Math.round(DARKEST * share)}%, var(--surface))` } }, count ? trim(count) : "");
}
