// Building elements. Data from people (file names, tags) only ever becomes text, never markup.

const SVG = "http://www.w3.org/2000/svg";

/** el("p", {class: "small", "data-slot": 3}, "text", child) -> <p>; properties starting with "on" are listeners. */
export function el(name, properties = {}, ...children) {
  return fill(document.createElement(name), properties, children);
}

export function svg(name, properties = {}, ...children) {
  return fill(document.createElementNS(SVG, name), properties, children);
}

function fill(element, properties, children) {
  for (const [key, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (key === "style") Object.assign(element.style, value);
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

export function icon(name) {
  const use = svg("use", { href: `${document.documentElement.dataset.icons}#${name}` });
  return svg("svg", { class: "icon", "aria-hidden": "true" }, use);
}

export function setIcon(element, name) {
  element.querySelector("use").setAttribute("href", `${document.documentElement.dataset.icons}#${name}`);
}

export const byId = (id) => document.getElementById(id);

export function toast(text) {
  const note = el("p", { class: "toast" }, text);
  byId("toasts").append(note);
  setTimeout(() => note.remove(), 6000);
}

/** Asks in the dialog of the page; resolves to whether the answer was yes. */
export function confirmDelete(text) {
  return confirmThat({ text });
}

/** The same about anything: a question, what a yes does, and the words on the two buttons. */
export function confirmThat({ question, text, yes, no }) {
  const dialog = byId("confirm");
  const words = { "confirm-title": question, "confirm-text": text, "confirm-yes": yes, "confirm-no": no };
  for (const [id, said] of Object.entries(words)) if (said) byId(id).textContent = said;
  dialog.returnValue = "cancel";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}

/** Saves text as a file of the visitor's. */
export function save(name, text, type) {
  const url = URL.createObjectURL(new Blob([text], { type }));
  el("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}
