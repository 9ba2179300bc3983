// The light/dark switch: follows the system until somebody chooses, then remembers the choice.
import { remember, remembered } from "./storage.js";

const root = document.documentElement;
const toggle = document.getElementById("theme-toggle");
const system = matchMedia("(prefers-color-scheme: dark)");

function show(theme) {
  root.dataset.theme = theme;
  toggle.setAttribute("aria-pressed", String(theme === "dark"));
  document.dispatchEvent(new CustomEvent("themechange"));
}

toggle.addEventListener("click", () => {
  const next = root.dataset.theme === "dark" ? "light" : "dark";
  remember("theme", next);
  show(next);
});
system.addEventListener("change", () => {
  if (!remembered("theme")) show(system.matches ? "dark" : "light");
});
show(root.dataset.theme);
