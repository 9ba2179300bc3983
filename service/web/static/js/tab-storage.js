// What this tab keeps over a reload: leases, answers on their way, what can be taken back.

export function kept(key, otherwise) {
  try {
    return JSON.parse(sessionStorage.getItem(`genrelab.${key}`)) ?? otherwise;
  } catch {
    return otherwise;
  }
}

export function keep(key, value) {
  try {
    sessionStorage.setItem(`genrelab.${key}`, JSON.stringify(value));
  } catch {
    // A browser that refuses storage keeps it as long as the page is open.
  }
}
