// Single-key shortcuts: never while somebody types or a control needs the key, and they can be switched off.
import { byId } from "./dom.js";
import { remember, remembered } from "./storage.js";

const TYPED_INTO = "input:not([type=range]):not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]";
const OWN_KEYS = { " ": "button, a, summary, input, select", Enter: "button, a, summary, input, select", ArrowLeft: "input, select, [role=slider]", ArrowRight: "input, select, [role=slider]" };

/** `actions` maps a key, as KeyboardEvent.key names it, to what it does; "?" is added. */
export function listenForKeys(actions) {
  const dialog = byId("keys");
  const enabled = byId("keys-on");
  enabled.checked = remembered("keys") !== "off";
  enabled.addEventListener("change", () => remember("keys", enabled.checked ? "on" : "off"));
  byId("show-keys").addEventListener("click", () => dialog.showModal());
  const all = { ...actions, "?": () => dialog.showModal() };

  document.addEventListener("keydown", (event) => {
    if (!enabled.checked || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (document.querySelector("dialog[open]") || event.target.closest?.(TYPED_INTO)) return;
    const action = all[event.key];
    if (!action || event.target.closest?.(OWN_KEYS[event.key] ?? ":not(*)")) return;
    event.preventDefault();
    action(event);
  });
}
