// The form of a clip: what is asked for, as a request and as the address of the page, so that it can be passed on.
import { byId, el } from "./dom.js";
import { keyName, percent } from "./format.js";
import { Mix } from "./generate-mix.js";

/** How freely notes are drawn and how closely the wish is followed, by name. */
const PRESETS = {
  steady: { temperature: 0.6, top_k: 128, top_p: 0.9, guidance: 2 },
  usual: { temperature: 0.8, top_k: 0, top_p: 0.95, guidance: 2 },
  adventurous: { temperature: 1, top_k: 0, top_p: 1, guidance: 1.5 },
};
const NUMBERS = { seconds: 10, takes: 1, tempo_bpm: null, seed: null, ...PRESETS.usual };
const USUAL = { ...NUMBERS, key: null, energy: null, loop: false };
const WHOLE = new Set(["takes", "seed", "top_k"]);

export class WishForm {
  #energy = null; // null: as usual for the genre

  /** `start` is what the clip starts from (generate-start.js); `onChange()` hears every change of either. */
  constructor({ start, onChange }) {
    this.start = start;
    this.changed = () => {
      this.#showPreset();
      this.#showAddress();
      onChange();
    };
    byId("key").append(...keyOptions());
    this.mix = new Mix({ onChange: () => this.#edited("genre") });
    for (const name of Object.keys(NUMBERS)) byId(name).addEventListener("input", () => this.#edited(name));
    byId("key").addEventListener("change", () => this.#edited("key"));
    byId("loop").addEventListener("change", () => this.#edited("loop"));
    byId("energy").addEventListener("input", () => {
      this.#showEnergy(Number(byId("energy").value) / 100);
      this.#edited("energy");
    });
    byId("energy-usual").addEventListener("click", () => {
      this.#showEnergy(null);
      this.#edited("energy");
    });
    for (const radio of document.querySelectorAll("[name=preset]")) {
      radio.addEventListener("change", () => {
        this.write({ ...this.read(), ...PRESETS[radio.value] });
        this.changed();
      });
    }
    this.write({});
  }

  /** The request as the API takes it. */
  read() {
    const numbers = Object.keys(NUMBERS).map((name) => [name, byId(name).value === "" ? NUMBERS[name] : Number(byId(name).value)]);
    return {
      genre: this.mix.value,
      ...Object.fromEntries(numbers),
      key: byId("key").value || null,
      energy: this.#energy,
      loop: byId("loop").checked,
      like: null,
      source: null,
      vary: null,
      ...this.start.read(),
    };
  }

  /** Shows a request; what it does not name is as usual. Where the clip starts from stays as it is. */
  write(request) {
    const wanted = { ...USUAL, ...Object.fromEntries(Object.entries(request).filter(([, value]) => value !== undefined)) };
    this.mix.set(wanted.genre ?? null);
    for (const name of Object.keys(NUMBERS)) byId(name).value = wanted[name] ?? "";
    if (wanted.key && ![...byId("key").options].some(({ value }) => value === wanted.key)) byId("key").append(el("option", { value: wanted.key }, keyName(wanted.key)));
    byId("key").value = wanted.key ?? "";
    byId("loop").checked = wanted.loop;
    this.#showEnergy(wanted.energy);
    this.clearErrors();
    this.#showPreset();
  }

  /** Whether every value is one that can be sent; says at its field what is wrong with the first that is not. */
  check() {
    this.clearErrors();
    for (const name of Object.keys(NUMBERS)) {
      const field = byId(name);
      if (field.validity.valid) continue;
      this.refuse({ [name]: `Expected ${WHOLE.has(name) ? "a whole number from " : ""}${field.min} to ${field.max}.` });
      return false;
    }
    if (!this.mix.value && !this.start.givesGenre) {
      this.refuse({ genre: "Choose a genre first: click its name, or move its slider." });
      return false;
    }
    return true;
  }

  /** Says at its field what is wrong with each value; returns whether there is such a field. */
  refuse(fields) {
    const at = Object.entries(fields).filter(([name]) => byId(`${name}-error`));
    for (const [name, words] of at) {
      byId(`${name}-error`).textContent = words;
      byId(`${name}-error`).hidden = false;
      byId(name)?.setAttribute("aria-invalid", "true");
    }
    if (at.length === 0) return false;
    const first = at[0][0];
    const folded = byId(`${first}-error`).closest("details");
    if (folded) folded.open = true;
    if (first === "genre") this.mix.focus();
    else (byId(first) ?? byId("start-search")).focus();
    return true;
  }

  clearErrors() {
    for (const note of document.querySelectorAll(".field-error")) note.hidden = true;
    for (const field of document.querySelectorAll("[aria-invalid]")) field.removeAttribute("aria-invalid");
  }

  /** What the address of the page asks for: a request without what it starts from. */
  static ofAddress(address) {
    const asked = {};
    for (const name of [...Object.keys(NUMBERS), "energy"]) {
      const value = address.get(name);
      if (value !== null && value !== "" && Number.isFinite(Number(value))) asked[name] = Number(value);
    }
    if (address.get("key")) asked.key = address.get("key");
    if (address.get("loop")) asked.loop = true;
    const weights = (address.get("genre") ?? "").split(",").map((part) => part.split(":"));
    const mix = weights.filter(([name]) => name).map(([name, weight]) => [name, Math.max(0, Number(weight ?? 1) || 0)]);
    if (mix.length) asked.genre = Object.fromEntries(mix);
    return asked;
  }

  #edited(name) {
    const note = byId(`${name}-error`);
    if (note) note.hidden = true;
    byId(name)?.removeAttribute("aria-invalid");
    this.changed();
  }

  #showEnergy(energy) {
    const slider = byId("energy");
    const usual = energy === null || energy === undefined;
    this.#energy = usual ? null : energy;
    slider.value = Math.round(100 * (energy ?? 0.5));
    slider.classList.toggle("unset", usual);
    slider.style.setProperty("--filled", `${slider.value}%`);
    const said = usual ? "as usual" : percent(energy);
    slider.setAttribute("aria-valuetext", said);
    byId("energy-said").textContent = said;
    byId("energy-usual").hidden = usual;
  }

  #showPreset() {
    const request = this.read();
    for (const radio of document.querySelectorAll("[name=preset]")) {
      radio.checked = Object.entries(PRESETS[radio.value]).every(([name, value]) => request[name] === value);
    }
  }

  #showAddress() {
    const request = this.read();
    const address = new URLSearchParams();
    if (request.genre) address.set("genre", Object.entries(request.genre).map(([name, share]) => `${name}:${share}`).join(","));
    for (const [name, usual] of Object.entries(USUAL)) {
      if (request[name] !== usual && request[name] !== null) address.set(name, request[name] === true ? 1 : request[name]);
    }
    for (const [name, value] of this.start.address()) address.set(name, value);
    const query = address.toString().replaceAll("%3A", ":").replaceAll("%2C", ",");
    history.replaceState(null, "", query ? `?${query}` : location.pathname);
  }
}

/** The keys that may be asked for, as options of a list. */
function keyOptions() {
  const tonics = ["C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B"];
  return ["major", "minor"].map((mode) => el("optgroup", { label: mode === "major" ? "Major" : "Minor" }, ...tonics.map((tonic) => el("option", { value: `${tonic} ${mode}` }, keyName(`${tonic} ${mode}`)))));
}
