// The page that makes clips: the form, the clip that is being made or was made last, and the ones before.
import { Problem, request } from "./api.js";
import { byId, toast } from "./dom.js";
import { sentence } from "./format.js";
import { ClipView, bestOf } from "./generate-clip.js";
import { WishForm } from "./generate-form.js";
import { History } from "./generate-history.js";
import { Start } from "./generate-start.js";
import { refusedFields, waitWords } from "./generate-words.js";
import { showModel } from "./model-chip.js";
import { listenForKeys } from "./shortcuts.js";
import { remember, remembered } from "./storage.js";
import { keep, kept } from "./tab-storage.js";

const page = byId("generate");

const start = new Start({
  onChange: () => {
    explainMix();
    form.changed();
  },
  onHeard: (heard) => form.write({ ...form.read(), ...heard }),
  onLength: (least) => { if (Number(byId("seconds").value) < least) byId("seconds").value = Math.min(Number(byId("seconds").max), Math.round(least)); },
});
const form = new WishForm({ start, onChange: showEstimate });

const view = new ClipView({
  wavesurferUrl: page.dataset.wavesurfer ? new URL(page.dataset.wavesurfer, location.href).href : "",
  actions: {
    goOn: async (clip, { index: take }) => {
      await useSettings(clip, { source: { clip: clip.id, take, use: "continue" } });
      byId("start").scrollIntoView({ block: "center" });
    },
    keepSeed: async (clip, { seed }) => {
      await useSettings(clip, { seed, takes: 1 });
      toast(`Seed ${seed} is in the form: with the same settings it gives this take again.`);
    },
    deleted: () => {
      toast("Deleted");
      forget();
      history.load();
    },
  },
  onKnown: (clip) => {
    keep("clip", clip.id);
    history.load();
  },
  onEnd: (clip) => {
    rememberSpeed(clip);
    history.load();
  },
});

const history = new History({
  onUse: async (clip) => {
    await useSettings(clip);
    toast("The settings are in the form.");
    byId("wish").scrollIntoView();
  },
  onDeleted: (id) => { if (view.clip?.id === id) forget(); },
});

async function submit() {
  if (!form.check()) return;
  history.pause();
  byId("clip").scrollIntoView({ block: "nearest" });
  await view.make(form.read(), { refused: (problem) => form.refuse(refusedFields(problem)) });
}

/** Takes the settings of a clip over; what was left open in them is as in its best take, and the seed stays free. */
async function useSettings(clip, changes = {}) {
  const { genre, ...asked } = clip.request;
  const given = Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== null));
  const beginning = changes.source ? {} : { source: given.source, vary: given.vary, like: given.like };
  form.write({ ...given, genre: genre ?? bestOf(clip.takes)?.wish.genre, seed: null, ...changes });
  await start.write({ ...beginning, ...changes });
  explainMix();
  form.changed();
}

function forget() {
  keep("clip", null);
  view.hide();
}

function explainMix() {
  form.mix.explainEmpty(start.givesGenre ? "As it is heard in the recording, or choose here." : null);
}

// ---------- how long it takes ----------

/** Seconds of work per second of music, as the last clips here took. */
function rememberSpeed(clip) {
  const costs = clip.takes.map(({ report }) => report.cost.wall_s / report.seconds);
  if (costs.length) remember("work-per-second", Math.max(...costs));
  showEstimate();
}

function showEstimate() {
  const perSecond = Number(remembered("work-per-second"));
  const { seconds, takes } = form.read();
  byId("estimate").textContent = perSecond ? `Takes ${waitWords(perSecond * seconds * takes)} on this machine.` : "";
}

async function showGenerator() {
  try {
    const { model } = await request("generator");
    byId("generator-name").textContent = model;
    byId("generator-line").hidden = false;
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    byId("no-generator").hidden = false;
    byId("no-generator").lastElementChild.textContent = `${error.title}. ${sentence(error.detail)}`;
  }
}

// ---------- beginning ----------

/** Shows what the address asks for, which may begin from the settings of a clip: `of` is its id. */
async function readAddress() {
  const address = new URLSearchParams(location.search);
  const [asked, beginning] = [WishForm.ofAddress(address), Start.ofAddress(address)];
  try {
    if (address.has("of")) return await useSettings(await request(`clips/${address.get("of")}`), { ...asked, ...beginning });
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    toast(`${error.title}. ${sentence(error.detail)}`);
  }
  form.write(asked);
  await start.write(beginning, { heard: !address.has("genre") });
  explainMix();
  form.changed();
  return null;
}

byId("wish").addEventListener("submit", (event) => {
  event.preventDefault();
  submit();
});
const star = (stars) => () => view.rate(stars);
listenForKeys({
  g: submit,
  " ": () => view.toggle(),
  n: () => view.step(1),
  p: () => view.step(-1),
  1: star(1),
  2: star(2),
  3: star(3),
  4: star(4),
  5: star(5),
  v: () => view.vary(),
});

await readAddress();
showGenerator();
showModel();
history.load();
if (kept("clip", null) && !(await view.open(kept("clip", null)))) forget();
