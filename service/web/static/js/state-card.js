// The card that stands where a page has nothing to show yet: loading, empty, or what went wrong.
import { byId, el, icon } from "./dom.js";

/** Shows a sentence, a text and what one can do; `parts` are hidden meanwhile. */
export function showState(heading, text, { actions = [], parts = [] } = {}) {
  for (const part of parts) byId(part).hidden = true;
  byId("state").hidden = false;
  byId("state-title").textContent = heading;
  byId("state-text").textContent = text;
  byId("state-actions").replaceChildren(...actions);
  byId("state-actions").hidden = actions.length === 0;
}

export function hideState() {
  byId("state").hidden = true;
}

export const stateButton = (label, symbol, run) => el("button", { type: "button", class: "button", onclick: run }, icon(symbol), label);
export const stateLink = (label, href) => el("a", { class: "button", href }, label);
