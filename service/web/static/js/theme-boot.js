// Runs before the first paint, so that a remembered dark theme never flashes white.
(() => {
  let wanted = null;
  try {
    wanted = localStorage.getItem("genrelab.theme");
  } catch {
    // Storage can be switched off; then the system's choice holds.
  }
  const dark = wanted ? wanted === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.dataset.theme = dark ? "dark" : "light";
})();
