// What the page remembers about this browser; a browser that refuses storage only forgets.

export function remembered(key) {
  try {
    return localStorage.getItem(`genrelab.${key}`);
  } catch {
    return null;
  }
}

export function remember(key, value) {
  try {
    localStorage.setItem(`genrelab.${key}`, value);
  } catch {
    // Private windows may refuse; the setting then lasts as long as the page.
  }
}
