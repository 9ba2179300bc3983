// The waveform: drawn by wavesurfer from peaks that the server made; the browser never decodes the whole file.
import { hue, token } from "./palette.js";

/**
 * Draws the waveform into `container`, played part in the colours of the runs.
 * Throws where wavesurfer cannot be loaded; the caller then shows the browser's own player.
 */
export async function drawWave(container, { wavesurferUrl, audio, peaks, duration, runs }) {
  const { default: WaveSurfer } = await import(wavesurferUrl);
  const colours = () => ({
    waveColor: `color-mix(in srgb, ${token("--ink-3")} 55%, ${token("--surface")})`,
    progressColor: played(runs, duration, container.clientWidth * (window.devicePixelRatio || 1)),
  });
  const wave = WaveSurfer.create({
    ...colours(),
    container,
    media: audio,
    peaks: [peaks],
    duration,
    height: container.clientHeight,
    barWidth: 2,
    barGap: 1.5,
    barRadius: 2,
    barMinHeight: 1,
    cursorWidth: 0,
    normalize: true,
    interact: false,
    hideScrollbar: true,
    cspNonce: document.querySelector("link[rel=stylesheet]").nonce,
  });
  wave.on("resize", () => wave.setOptions(colours()));
  document.addEventListener("themechange", () => wave.setOptions(colours()));
  await new Promise((resolve, reject) => {
    wave.once("ready", resolve);
    wave.once("error", reject);
  });
  return wave;
}

/** A gradient along the time axis with a hard edge wherever the genre changes. */
function played(runs, duration, width) {
  const gradient = document.createElement("canvas").getContext("2d").createLinearGradient(0, 0, Math.max(1, width), 0);
  if (runs.length === 0) gradient.addColorStop(0, token("--ink"));
  for (const run of runs) {
    gradient.addColorStop(Math.min(1, run.start_s / duration), hue(run.genre));
    gradient.addColorStop(Math.min(1, run.end_s / duration), hue(run.genre));
  }
  return gradient;
}
