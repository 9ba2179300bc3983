// The settings of a project as a form: read from the project, sent back where something was changed.
import { Problem, request } from "./api.js";
import { byId } from "./dom.js";
import { sentence } from "./format.js";

/** How each setting is shown in its field, and read from it. */
const FIELDS = {
  strategy: { shown: (value) => value, read: (field) => field.value },
  random_share: { shown: (value) => Math.round(100 * value), read: (field) => Number(field.value) / 100 },
  overlap: { shown: (value) => value, read: (field) => Number(field.value) },
  lease_s: { shown: (value) => Number((value / 60).toFixed(2)), read: (field) => 60 * Number(field.value) },
  retrain_every: { shown: (value) => value, read: (field) => Number(field.value) },
  multi_label: { shown: (value) => value, read: (field) => field.checked },
  none_of_these: { shown: (value) => value, read: (field) => field.checked },
  suggestions: { shown: (value) => value === "shown", read: (field) => (field.checked ? "shown" : "hidden") },
};

export function showSettings(project) {
  for (const [name, { shown }] of Object.entries(FIELDS)) {
    const field = byId(`set-${name}`);
    if (field.type === "checkbox") field.checked = shown(project.settings[name]);
    else field.value = shown(project.settings[name]);
  }
  byId("set-name").value = project.name;
  byId("set-closed").checked = project.closed;
}

/** `present()` gives the project as it is; `onChange(project)` is told the project after a change. */
export function connectSettings({ present, onChange }) {
  byId("settings").addEventListener("submit", async (event) => {
    event.preventDefault();
    const said = byId("settings-said");
    said.textContent = "Saving…";
    try {
      const changes = changesOf(present());
      if (Object.keys(changes).length) onChange(await request(`projects/${present().id}`, { method: "PATCH", json: changes }));
      said.textContent = "Saved.";
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      said.textContent = `${error.title}. ${sentence(error.detail)}`;
    }
  });
}

/** What differs from the project, so that two who change different things do not undo each other's work. */
function changesOf(project) {
  const changes = {};
  const settings = {};
  for (const [name, { read, shown }] of Object.entries(FIELDS)) {
    const field = byId(`set-${name}`);
    const before = shown(project.settings[name]);
    if (String(field.type === "checkbox" ? field.checked : field.value) !== String(before)) settings[name] = read(field);
  }
  if (Object.keys(settings).length) changes.settings = settings;
  if (byId("set-name").value.trim() !== project.name) changes.name = byId("set-name").value.trim();
  if (byId("set-closed").checked !== project.closed) changes.closed = byId("set-closed").checked;
  return changes;
}
