// What the pages of generated clips say: wishes, measurements, tries and times in words. Pure functions, no markup.
import { genreName, keyName, percent, sentence } from "./format.js";

const NBSP = "\u00a0";
const TEMPO_NEAR = 0.04; // as near as a tempo counts as met
const lower = (genre) => genreName(genre, { capital: false });
const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);
const tidy = (number) => String(Number(number.toFixed(2)));

/** "jazz" or {jazz: 2, blues: 1} -> {jazz: 0.67, blues: 0.33}, largest first; null -> {}. */
export function sharesOf(genre) {
  const given = typeof genre === "string" ? { [genre]: 1 } : (genre ?? {});
  const total = Object.values(given).reduce((sum, weight) => sum + weight, 0);
  const present = Object.entries(given).filter(([, weight]) => weight > 0).sort((a, b) => b[1] - a[1]);
  return Object.fromEntries(present.map(([name, weight]) => [name, weight / total]));
}

/** {jazz: 0.7, blues: 0.3} -> "Jazz 70 %, blues 30 %"; one genre is only named. */
export function mixWords(genre) {
  const shares = Object.entries(sharesOf(genre));
  if (shares.length === 0) return "As in the recording";
  if (shares.length === 1) return genreName(shares[0][0]);
  return capital(shares.map(([name, share]) => `${lower(name)}${NBSP}${percent(share)}`).join(", "));
}

const USES = { continue: "continues", restyle: "restyles", inpaint: "fills in" };

/** What a clip started from, such as "continues a recording"; null where it started from nothing. */
export function startWords({ like, source, vary, follow }) {
  if (vary) return `varies a take by ${percent(vary.strength ?? 0.5)}`;
  if (source) return `${USES[source.use]} ${source.track ? "a recording" : "a take"}`;
  if (follow) return "follows ratings";
  return like ? "like a recording" : null;
}

/** The rest of a wish: "10 s · 76 BPM · A minor · 3 takes". */
export function wishWords(request) {
  const facts = [
    `${tidy(request.seconds ?? 10)}${NBSP}s`,
    request.tempo_bpm ? `${tidy(request.tempo_bpm)}${NBSP}BPM` : null,
    request.key ? keyName(request.key) : null,
    typeof request.energy === "number" ? `energy ${percent(request.energy)}` : null,
    request.loop ? "loop" : null,
    startWords(request),
    request.takes > 1 ? `${request.takes}${NBSP}takes` : null,
  ];
  return facts.filter(Boolean).join(" · ");
}

/** Measured against wished: "76 BPM, as wished", "152 BPM, twice the wish", "80 BPM, wished 76". */
export function tempoWords(measured, wished) {
  if (!measured) return "not clear";
  const said = `${Math.round(measured)}${NBSP}BPM`;
  if (!wished) return said;
  const near = (tempo) => Math.abs(measured / tempo - 1) <= TEMPO_NEAR;
  if (near(wished)) return `${said}, as wished`;
  if (near(2 * wished)) return `${said}, twice the wish`;
  if (near(wished / 2)) return `${said}, half the wish`;
  return `${said}, wished ${tidy(wished)}`;
}

export function keyWords(measured, wished) {
  if (!measured) return "not clear";
  if (!wished) return keyName(measured);
  return measured === wished ? `${keyName(measured)}, as wished` : `${keyName(measured)}, wished ${keyName(wished)}`;
}

/** How much a take shares with what the model learned from. */
export function originalityWords({ longest_run_s: run, limit_s: limit }) {
  const least = run > 0 && run < 0.05 ? "<0.1" : run.toFixed(1);
  return `Longest run shared with training material: ${least}${NBSP}s of ${tidy(limit)}${NBSP}s allowed`;
}

/** Takes that were given up before this one, and why; empty where there were none. */
export function retryWords(retries) {
  if (!retries?.length) return "";
  const reasons = [...new Set(retries.map(({ reason }) => reason.replace(/[.\s]+$/, "")))].join("; ");
  return `${retries.length === 1 ? "One try was" : `${retries.length} tries were`} given up before this one: ${reasons}.`;
}

/** Seconds of waiting, as roughly as they are known. */
export function waitWords(seconds) {
  if (seconds < 4) return "a few seconds";
  if (seconds < 55) return `about ${5 * Math.ceil(seconds / 5)}${NBSP}s`;
  return `about ${Math.ceil(seconds / 60 - 0.1)}${NBSP}min`;
}

/** Seconds until a job is done that came from one share to another in a time; null where that says little yet. */
export function remaining(elapsedS, { from, to }) {
  return to - from < 0.05 ? null : (elapsedS * (1 - to)) / (to - from);
}

const NAMED = /^(?:(?:source|vary)\.)?(genre|seconds|seed|tempo_bpm|key|energy|temperature|top_k|top_p|guidance|loop|takes|like|source|vary|strength|start_s|end_s)\b/;

/** {field: words} of a refused wish: which value was not taken, and what is. Empty where it names no field. */
export function refusedFields({ detail, errors }) {
  const listed = leaves(errors?.json ?? {});
  if (listed.length) return Object.fromEntries(listed.map(([name, words]) => [name, sentence(words)]));
  const named = NAMED.exec(detail ?? "");
  return named ? { [named[1]]: sentence(detail.replace(/^[\w.]+(?:=[^:]*)?: /, "")) } : {};
}

/** [field, first words] of every leaf of a tree of messages. */
function leaves(tree) {
  return Object.entries(tree).flatMap(([name, below]) => (Array.isArray(below) ? [[name, below[0]]] : leaves(below)));
}
