// Numbers and verdicts in words: pure functions, English, no markup.

const NBSP = "\u00a0";

const SPELLED = { hiphop: "hip\u2011hop", rnb: "R&B", edm: "EDM", bossa_nova: "bossa nova", drum_and_bass: "drum and bass" };

/** "hiphop" -> "Hip-hop" (with a hyphen that no line breaks at); a genre of the user's own keeps its spelling, with a capital. */
export function genreName(genre, { capital = true } = {}) {
  const name = SPELLED[genre] ?? genre;
  return capital ? name.charAt(0).toUpperCase() + name.slice(1) : name;
}

/** 0.814 -> "81 %"; what is not quite certain is never rounded to 100 %, nor what is possible to 0 %. */
export function percent(share) {
  if (share > 0.99 && share < 1) return `>99${NBSP}%`;
  if (share > 0 && share < 0.005) return `<1${NBSP}%`;
  return `${Math.round(share * 100)}${NBSP}%`;
}

/** 83.4 -> "1:23"; 3723 -> "1:02:03". */
export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds + 1e-6));
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (n) => String(n).padStart(2, "0");
  return h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** The same for a screen reader: "1 minute 23 seconds". */
export function spokenTime(seconds) {
  const whole = Math.max(0, Math.floor(seconds + 1e-6));
  const parts = [[Math.floor(whole / 3600), "hour"], [Math.floor(whole / 60) % 60, "minute"], [whole % 60, "second"]];
  const said = parts.filter(([n], i) => n || (i === 2 && whole < 60)).map(([n, unit]) => `${n} ${unit}${n === 1 ? "" : "s"}`);
  return said.join(" ");
}

/** Clock with a tenth where a recording is so short that whole seconds say little. */
export function duration(seconds) {
  if (seconds === null || seconds === undefined) return "";
  return seconds < 10 ? `${seconds.toFixed(1)}${NBSP}s` : clock(Math.round(seconds));
}

export function hertz(value) {
  return value >= 1000 ? `${trim(value / 1000)}${NBSP}kHz` : `${Math.round(value)}${NBSP}Hz`;
}

export function bytes(count) {
  if (count < 1e6) return `${Math.max(1, Math.round(count / 1e3))}${NBSP}kB`;
  return `${trim(count / 1e6)}${NBSP}MB`;
}

export const trim = (value) => (Math.abs(value) >= 100 ? value.toFixed(0) : value.toFixed(1).replace(/\.0$/, ""));

/** ["jazz", "blues", "rock"] -> "jazz, blues or rock". */
export function either(genres) {
  const names = genres.map((genre) => genreName(genre, { capital: false }));
  return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} or ${names.at(-1)}`;
}

/** 0.9 -> "9 of 10", 0.95 -> "19 of 20", anything odd as a percentage. */
export function odds(share) {
  for (const whole of [10, 20, 100]) {
    const part = share * whole;
    if (Math.abs(part - Math.round(part)) < 1e-6) return `${Math.round(part)} of ${whole}`;
  }
  return percent(share);
}

const capitalised = (text) => text.charAt(0).toUpperCase() + text.slice(1);

/** "plain text: expected sound" -> "Plain text: expected sound." */
export const sentence = (text) => (text ? capitalised(/[.!?]$/.test(text) ? text : `${text}.`) : "");

/**
 * What a classification says, for somebody who knows no statistics.
 * Returns {kind, sentence, because}: kind is "sure", "between", "unsure" or "not-music".
 */
export function verdict(answer) {
  const set = answer.set ?? [];
  const coverage = odds(answer.coverage);
  if (answer.genre === null || set.length === 0) {
    const silent = /silen/i.test(answer.reason ?? "");
    return {
      kind: "not-music",
      sentence: silent ? "This recording is silent" : "This does not sound like music",
      because: sentence((answer.reason ?? "").replace(/^does not sound like music:?\s*/i, "") || "no genre fits what was heard"),
    };
  }
  const best = answer.probabilities[answer.genre];
  if (answer.abstained) {
    return {
      kind: "unsure",
      sentence: "I can’t tell",
      because: `It could be ${either(set)}: too many to name one. The likeliest is ${genreName(answer.genre, { capital: false })}, at only ${percent(best)}.`,
    };
  }
  if (set.length === 1) {
    return {
      kind: "sure",
      sentence: `${genreName(answer.genre)}, ${percent(best)} sure`,
      because: `No other genre is likely enough to name. In ${coverage} recordings, what is named here holds the truth.`,
    };
  }
  return {
    kind: "between",
    sentence: capitalised(either(set)),
    because: `In ${coverage} such cases the truth is among them. The likeliest is ${genreName(answer.genre, { capital: false })}, at ${percent(best)}.`,
  };
}

/** "2 hours ago" for today, a date otherwise. */
export function added(iso, now = new Date()) {
  const then = new Date(iso);
  const minutes = Math.floor((now - then) / 60000);
  if (minutes < 1) return "just now";
  if (minutes < 60) return `${minutes} min ago`;
  if (minutes < 60 * 24) return `${Math.floor(minutes / 60)} h ago`;
  return then.toLocaleDateString("en", { day: "numeric", month: "short", year: then.getFullYear() === now.getFullYear() ? undefined : "numeric" });
}

/** "song.final.mp3" -> "song.final": what a person calls the recording. */
export function title(filename) {
  return filename.replace(/(?<=.)\.[A-Za-z0-9]{2,5}$/, "");
}

/** "Eb major" -> "E♭ major". */
export function keyName(key) {
  return key.replace("#", "♯").replace(/^([A-G])b/, "$1♭");
}

export function sound(channels) {
  return { 1: "mono", 2: "stereo" }[channels] ?? `${channels} channels`;
}
