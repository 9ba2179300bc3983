// A waveform as the outline of bars: for an SVG path in a box of `BARS` by 100.

export const BARS = 320;

/** Peaks as bars around the middle line, in a box of `BARS` by 100. */
export function barsOf(peaks) {
  const top = Math.max(...peaks, 1e-6);
  const bars = [];
  for (let bar = 0; bar < BARS; bar += 1) {
    const from = Math.floor((bar * peaks.length) / BARS);
    const to = Math.max(from + 1, Math.floor(((bar + 1) * peaks.length) / BARS));
    const half = Math.max(1, (48 * Math.max(...peaks.slice(from, to))) / top);
    bars.push(`M${bar + 0.2} ${(50 - half).toFixed(1)}h.6v${(2 * half).toFixed(1)}h-.6z`);
  }
  return bars.join("");
}
