// Which of the ten hues a genre gets; the hues themselves are in the style sheet.

const USUAL = ["blues", "classical", "country", "disco", "hiphop", "jazz", "metal", "pop", "reggae", "rock"];

const NICHE = { bossa_nova: "4", cumbia: "2", drum_and_bass: "3", waltz: "1" }; // of the generator: apart from each other

/** Slot "0" to "9": fixed for the usual genres, by name for those of a user's own model, "none" for no music. */
export function slot(genre) {
  if (genre === null || genre === undefined) return "none";
  const usual = USUAL.indexOf(genre);
  if (usual >= 0) return String(usual);
  if (genre in NICHE) return NICHE[genre];
  let hash = 0;
  for (const character of genre) hash = (hash * 31 + character.codePointAt(0)) % 9973;
  return String(hash % 10);
}

/** The hue of a genre as the style sheet has it now, for drawing on a canvas. */
export function hue(genre) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--slot-${slot(genre)}`).trim();
}

export function token(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}
