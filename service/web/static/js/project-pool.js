// What a project labels, and labels that come from elsewhere: adding recordings of the library, importing a file.
import { Problem, request } from "./api.js";
import { byId } from "./dom.js";
import { sentence } from "./format.js";
import { counted } from "./project-words.js";

const PAGE = 200;
const UNKNOWN_SHOWN = 3;

/** `onChange` is told when the project has more recordings or labels. */
export function connectPool(project, { onChange }) {
  const add = async (json) => {
    const { added, items } = await request(`projects/${project}/items`, { method: "POST", json });
    byId("pool-said").textContent = added ? `${counted(added, "recording")} added; there are ${items} now.` : "All of these are here already.";
    onChange();
  };
  byId("add-all").addEventListener("click", () => attempt("pool-said", "Adding…", () => add({ all: true })));
  byId("add-some").addEventListener("submit", (event) => {
    event.preventDefault();
    attempt("pool-said", "Looking…", async () => {
      const tracks = await tracksNamed(byId("add-query").value.trim());
      if (tracks.length) await add({ tracks });
      else byId("pool-said").textContent = "No recording of the library is called like this.";
    });
  });
  byId("import").addEventListener("submit", (event) => {
    event.preventDefault();
    attempt("import-said", "Reading…", async () => {
      const form = new FormData();
      form.append("file", byId("import-file").files[0]);
      form.append("format", byId("import-format").value);
      form.append("add_genres", byId("import-genres").checked);
      const said = await request(`projects/${project}/import`, { method: "POST", form });
      byId("import-said").textContent = importWords(said);
      byId("import").reset();
      onChange();
    });
  });
}

function importWords({ added, known, unknown, n_unknown: elsewhere }) {
  const missing = elsewhere ? `${counted(elsewhere, "recording")} of the file not in this project (${unknown.slice(0, UNKNOWN_SHOWN).join(", ")}${elsewhere > UNKNOWN_SHOWN ? ", …" : ""})` : null;
  return `${[`${counted(added, "label")} imported`, known ? `${known} there already` : null, missing].filter(Boolean).join("; ")}.`;
}

async function tracksNamed(text) {
  const found = [];
  let cursor = null;
  do {
    const query = new URLSearchParams({ q: text, limit: PAGE });
    if (cursor) query.set("cursor", cursor);
    const page = await request(`tracks?${query}`);
    found.push(...page.items.map((track) => track.id));
    cursor = page.next_cursor;
  } while (cursor);
  return found;
}

async function attempt(said, meanwhile, run) {
  byId(said).textContent = meanwhile;
  try {
    await run();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    byId(said).textContent = `${error.title}. ${sentence(error.detail)}`;
  }
}
