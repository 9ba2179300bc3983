// Which model names genres, and whether it is warm yet.
import { request } from "./api.js";
import { byId } from "./dom.js";

const FIRST_PAUSE_MS = 1500;
const LAST_PAUSE_MS = 30_000;

export async function showModel() {
  const chip = byId("model-chip");
  const dot = chip.querySelector(".dot");
  const name = chip.querySelector("b");
  try {
    const { items } = await request("models");
    const active = items.find((model) => model.kind === "genre" && model.active);
    name.textContent = active ? active.id : "none";
    chip.hidden = false;
  } catch {
    return; // the page works without the chip, and whatever is wrong shows where it matters
  }
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 1.5, LAST_PAUSE_MS)) {
    const ready = await isReady();
    dot.className = `dot ${ready ? "good" : "wait"}`;
    chip.title = ready ? "The model that answers: ready" : "The model is warming up; the first answer takes a little longer";
    if (ready) return;
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

async function isReady() {
  try {
    await request("../readyz");
    return true;
  } catch {
    return false;
  }
}
