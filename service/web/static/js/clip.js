// The page of one clip: its takes, how each was made, and the ways on from it.
import { pageUrl } from "./api.js";
import { byId, el } from "./dom.js";
import { percent } from "./format.js";
import { ClipView, genreOf, wishOf } from "./generate-clip.js";
import { mixWords, wishWords } from "./generate-words.js";
import { showModel } from "./model-chip.js";
import { listenForKeys } from "./shortcuts.js";

const page = byId("clip-page");

/** The page that makes clips, with the settings of one in its form. */
const settingsOf = (clip, parts = {}) => `${pageUrl("generate")}?${new URLSearchParams({ of: clip.id, ...parts })}`;

const view = new ClipView({
  wavesurferUrl: page.dataset.wavesurfer ? new URL(page.dataset.wavesurfer, location.href).href : "",
  actions: {
    goOn: (clip, { index: take }) => location.assign(settingsOf(clip, { clip: clip.id, take, use: "continue" })),
    keepSeed: (clip, { seed }) => location.assign(settingsOf(clip, { seed, takes: 1 })),
    use: (clip) => location.assign(settingsOf(clip)),
    deleted: () => location.assign(pageUrl("generate")),
  },
  onKnown: (clip) => {
    if (clip.id === page.dataset.clip) show(clip);
    else location.assign(pageUrl(`clips/${clip.id}`));
  },
  onEnd: show,
});

function show(clip) {
  const name = mixWords(genreOf(clip));
  byId("title").textContent = name;
  document.title = `${name} · Genrelab`;
  byId("facts-line").textContent = `${wishWords(wishOf(clip))} · ${new Date(clip.created_at).toLocaleString()}`;
  byId("technical").hidden = clip.takes.length === 0;
  if (clip.takes.length) showTechnical(clip.takes.map(({ report }) => report));
}

function showTechnical(reports) {
  const [{ model, generator, wish }] = reports;
  const facts = [
    ["Model", model],
    ["Weights (SHA-256)", el("code", {}, generator)],
    ["Temperature", String(wish.temperature)],
    ["Drawn from", wish.top_k ? `the ${wish.top_k} likeliest codes, as far as they make up ${percent(wish.top_p)}` : `the likeliest codes that make up ${percent(wish.top_p)}`],
    ["Guidance", String(wish.guidance)],
  ];
  byId("details").replaceChildren(...facts.flatMap(([term, value]) => [el("dt", {}, term), el("dd", { class: "num" }, value)]));
  byId("take-rows").replaceChildren(...reports.map((report, index) => el("tr", {}, el("th", { scope: "row" }, `Take ${index + 1}`), ...cellsOf(report).map((words) => el("td", { class: "num" }, words)))));
}

function cellsOf({ seed, originality, cost, codes_sha256: codes }) {
  return [
    String(seed),
    originality.longest_run_of ?? "none",
    percent(originality.shared_ngrams),
    `${cost.wall_s.toFixed(1)}\u00a0s`,
    el("code", { title: codes }, codes.slice(0, 16)),
  ];
}

const star = (stars) => () => view.rate(stars);
listenForKeys({
  " ": () => view.toggle(),
  n: () => view.step(1),
  p: () => view.step(-1),
  1: star(1),
  2: star(2),
  3: star(3),
  4: star(4),
  5: star(5),
  v: () => view.vary(),
});
view.open(page.dataset.clip);
showModel();
