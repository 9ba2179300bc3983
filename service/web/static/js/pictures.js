// Spectrogram and scalogram with axes: fetched when they come into view, drawn by the server.
import { byId, el, icon } from "./dom.js";
import { hertz } from "./format.js";
import { drawAxis, timeAt } from "./timeline.js";

const KINDS = {
  spectrogram: {
    name: "Mel spectrogram",
    caption: "Which pitches sound when, spaced as the ear hears them: close to what the classifier sees.",
    position: melPosition,
  },
  scalogram: {
    name: "Wavelet scalogram",
    caption: "The same by wavelets: every octave gets the same height, so bass and rhythm show.",
    position: octavePosition,
  },
};

const mel = (hz) => (hz < 1000 ? (3 * hz) / 200 : 15 + Math.log(hz / 1000) / (Math.log(6.4) / 27)); // Slaney's scale

function melPosition(hz, { low, high }) {
  return (mel(hz) - mel(low)) / (mel(high) - mel(low));
}

function octavePosition(hz, { low, high }) {
  return Math.log(hz / low) / Math.log(high / low);
}

/** Prepares both figures; they load when scrolled to. `scales` gives the frequencies at the edges of each. */
export function preparePictures({ player, duration, scales }) {
  for (const figure of document.querySelectorAll(".picture")) prepare(figure, { player, duration, scale: scales[figure.dataset.kind] });
}

function prepare(figure, { player, duration, scale }) {
  const { name, caption, position } = KINDS[figure.dataset.kind];
  const ticks = scale.ticks.map((hz) => el("span", { style: { bottom: `${100 * position(hz, scale)}%` } }, hertz(hz)));
  const canvas = el("div", { class: "canvas", onclick: (event) => player.play(timeAt(event, canvas, duration)) }, el("p", { class: "loading" }, "Drawing…"));
  const axis = el("div", { class: "time-axis num", "aria-hidden": "true" });
  figure.replaceChildren(
    el("figcaption", {}, el("h3", {}, name), el("p", {}, caption)),
    el("div", { class: "y-axis num", "aria-hidden": "true" }, ...ticks),
    canvas,
    axis,
  );
  drawAxis(axis, duration);
  const alt = `${name}: time from 0 to ${duration.toFixed(0)} s to the right, frequency from ${hertz(scale.low)} to ${hertz(scale.high)} upwards`;
  const seen = new IntersectionObserver(
    (changes) => {
      if (!changes.some((change) => change.isIntersecting)) return;
      seen.disconnect();
      show(canvas, { source: figure.dataset.src, alt, player });
    },
    { rootMargin: "400px" },
  );
  seen.observe(figure);
}

function show(canvas, { source, alt, player }) {
  const wanted = new URL(source, location.href);
  wanted.searchParams.set("width", Math.min(2400, Math.max(600, Math.round((canvas.clientWidth * devicePixelRatio) / 100) * 100)));
  wanted.searchParams.set("height", 384);
  const picture = el("img", { alt, draggable: "false" });
  picture.addEventListener("load", () => {
    canvas.replaceChildren(picture, el("div", { class: "playhead", "aria-hidden": "true" }));
    player.dispatchEvent(new Event("time")); // puts the new playhead where the others are
  });
  picture.addEventListener("error", () => {
    const again = el("button", { type: "button", class: "button small", onclick: (event) => { event.stopPropagation(); show(canvas, { source, alt, player }); } }, icon("retry"), "Try again");
    canvas.replaceChildren(el("div", { class: "failed", role: "alert" }, el("p", {}, "This picture could not be drawn."), again));
  });
  picture.src = wanted.href;
}

export function showPictures() {
  byId("pictures").hidden = false;
}
