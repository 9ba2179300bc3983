// Whose labels these are: the token's name, or, on a machine without tokens, a name that is asked for once.
import { byId } from "./dom.js";
import { remember, remembered } from "./storage.js";

/** Resolves to {name, body}: what to show, and what requests carry (nothing where the token says who it is). */
export async function annotator(known) {
  if (known) return { name: known, body: {} };
  const name = remembered("annotator") ?? (await askName(""));
  return { name, body: { annotator: name } };
}

/** Asks in the dialog of the page; resolves to the name, which is remembered. Escape keeps the one there was. */
export function askName(present) {
  const dialog = byId("name-dialog");
  const field = byId("name");
  field.value = present;
  dialog.addEventListener("cancel", (event) => {
    if (!present) event.preventDefault();
  });
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      const name = (dialog.returnValue === "name" && field.value.trim()) || present;
      if (!name) {
        askName("").then(resolve);
        return;
      }
      remember("annotator", name);
      resolve(name);
    }, { once: true });
  });
}
