// Musical attributes as cards: a value, its unit, and what it means in one line.
import { el } from "./dom.js";
import { hertz, keyName, percent, trim } from "./format.js";

const NOTES = ["C", "C♯", "D", "D♯", "E", "F", "F♯", "G", "G♯", "A", "A♯", "B"];

const level = (value, ...steps) => steps.find(([limit]) => value < limit)[1];
const ALL = Infinity;

/** Each: [label, value of the attributes or null, words for it]. */
const CARDS = [
  ["Tempo", ({ tempo_bpm: v }) => v && [Math.round(v), "BPM"],
    ({ tempo_bpm: v, beat_strength: b }) => `${level(v, [76, "Slow"], [108, "Moderate"], [140, "Lively"], [ALL, "Fast"])}${b === null || b === undefined ? "" : `, beat strength ${percent(b)}`}`],
  ["Key", ({ key: v }) => v && [keyName(v), ""],
    ({ key_strength: s }) => (s === null || s === undefined ? "The scale that fits the notes best" : level(s, [0.5, "A weak fit: the notes leave other keys open"], [0.75, "A fair fit to the notes heard"], [ALL, "A clear fit to the notes heard"]))],
  ["Loudness", ({ loudness_lufs: v }) => finite(v) && [minus(v.toFixed(1)), "LUFS"],
    ({ loudness_lufs: v }) => level(v, [-23, "Quiet: below broadcast level (−23)"], [-16, "Moderate"], [-11, "About as loud as streaming plays (−14)"], [ALL, "Very loud"])],
  ["Loudness range", ({ dynamic_range_db: v }) => finite(v) && [trim(v), "dB"],
    ({ dynamic_range_db: v }) => level(v, [4, "Even: loud and soft are close"], [10, "Some contrast between loud and soft"], [ALL, "Great contrast between loud and soft"])],
  ["Brightness", ({ spectral_centroid_hz: v }) => finite(v) && unit(v),
    ({ spectral_centroid_hz: v }) => `${level(v, [1000, "Dark"], [1800, "Warm"], [2600, "Bright"], [ALL, "Very bright"])}: the centre of the spectrum`],
  ["Events", ({ onset_rate_hz: v }) => finite(v) && [trim(v), "per second"],
    ({ onset_rate_hz: v }) => `${level(v, [1.5, "Sparse"], [4, "Steady"], [ALL, "Busy"])}: notes and strokes that begin`],
  ["Roll-off", ({ spectral_rolloff_hz: v }) => finite(v) && unit(v), () => "85 % of the energy lies below"],
  ["Noisiness", ({ spectral_flatness: v }) => finite(v) && [percent(v), ""],
    ({ spectral_flatness: v }) => level(v, [0.03, "Tonal: clear notes stand out"], [0.15, "Notes and noise mixed"], [ALL, "Noisy: little stands out"])],
];

const finite = (value) => typeof value === "number" && Number.isFinite(value);
const minus = (text) => text.replace("-", "−");
const unit = (value) => hertz(value).split("\u00a0");

export function factCards(attributes) {
  return CARDS.filter(([, value]) => value(attributes)).map(([label, value, means]) => {
    const [number, unitName] = value(attributes);
    return el(
      "div",
      { class: "fact" },
      el("dt", {}, label),
      el("dd", { class: "value num" }, String(number), unitName ? el("small", {}, ` ${unitName}`) : null),
      el("dd", { class: "means" }, means(attributes)),
    );
  });
}

/** Bar charts of the notes and of the octave bands, where they were measured. */
export function charts({ chroma, wavelet_energy: energy, wavelet_bands_hz: bands }) {
  const drawn = [];
  if (chroma?.length === 12) {
    drawn.push(columns("Notes", "How much each note sounds, over all octaves", chroma, NOTES, NOTES));
  }
  if (energy?.length && bands?.length) {
    const [labels, spoken] = bandNames(energy.length, bands);
    drawn.push(columns("Energy by octave", "Share of the energy in each band of the wavelet transform", energy, labels, spoken));
  }
  return drawn;
}

/** Band edges come as pairs [low, high] or as one list of edges. */
function bandNames(count, bands) {
  const pairs = bands.slice(0, count).map((band, i) => (Array.isArray(band) ? band : [band, bands[i + 1] ?? null]));
  const short = (value) => (value >= 1000 ? `${trim(value / 1000)}k` : String(Math.round(value)));
  return [pairs.map(([low]) => short(low)), pairs.map(([low, high]) => (high ? `${hertz(low)} to ${hertz(high)}` : hertz(low)))];
}

function columns(heading, caption, values, labels, spoken) {
  const top = Math.max(...values, 1e-9);
  const whole = values.reduce((a, b) => a + b, 0) || 1;
  const best = values.indexOf(Math.max(...values));
  return el(
    "div",
    {},
    el("h3", {}, heading),
    el("p", { class: "small muted" }, caption),
    el(
      "ul",
      { class: "columns", "aria-label": heading },
      ...values.map((value, i) =>
        el(
          "li",
          { class: i === best ? "top" : null, "aria-label": `${spoken[i]}: ${percent(value / whole)}`, title: `${spoken[i]}: ${percent(value / whole)}` },
          el("i", { style: { height: `${(82 * value) / top}%` } }),
          labels[i],
        ),
      ),
    ),
  );
}
