// The genres of a project: added, renamed, merged into one another.
import { Problem, request } from "./api.js";
import { byId, confirmThat, el, icon, toast } from "./dom.js";
import { genreName, sentence } from "./format.js";
import { counted } from "./project-words.js";

/** `onChange(project)` is told the project after each change. */
export function drawTaxonomy(project, { classes, onChange }) {
  const labels = new Map(classes.map((each) => [each.genre, each.labels]));
  const change = async (path, json, method = "POST") => {
    try {
      onChange(await request(`projects/${project.id}/genres${path}`, { method, json }));
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      toast(`${error.title}. ${sentence(error.detail)}`);
    }
  };
  byId("taxonomy").replaceChildren(...project.genres.map((genre, index) => line(genre, { index, others: project.genres.filter((other) => other !== genre), labels: labels.get(genre.name) ?? 0, change })));
  byId("add-genre").onsubmit = (event) => {
    event.preventDefault();
    const field = byId("genre-name");
    change("", { name: field.value.trim() });
    field.value = "";
  };
}

function line(genre, { index, others, labels, change }) {
  const name = genreName(genre.name);
  const field = el("input", { class: "field", value: genre.name, maxlength: 100, required: true, "aria-label": `New name of ${name}` });
  const form = el("form", { hidden: true, onsubmit: (event) => { event.preventDefault(); change(`/${genre.id}`, { name: field.value.trim() }, "PATCH"); } }, field, el("button", { class: "button small" }, "Rename"));
  const rename = () => {
    form.hidden = !form.hidden;
    if (!form.hidden) field.select();
  };
  const merge = el(
    "select",
    { class: "select", "aria-label": `Merge ${name} into another genre`, onchange: () => askToMerge() },
    el("option", { value: "" }, "Merge into…"),
    ...others.map((other) => el("option", { value: other.id }, genreName(other.name))),
  );
  const askToMerge = async () => {
    const into = others.find((other) => other.id === merge.value);
    merge.value = "";
    if (!into) return;
    const question = { question: `Merge ${name} into ${genreName(into.name)}?`, text: `${counted(labels, "label")} of ${name} then count as ${genreName(into.name)}. The record keeps what was said.`, yes: "Merge", no: "Keep both" };
    if (await confirmThat(question)) change(`/${genre.id}/merge`, { into: into.id });
  };
  return el(
    "li",
    { "data-slot": index % 10, "data-genre": genre.name },
    el("span", { class: "dot" }),
    el("span", { class: "name" }, name, " ", el("span", { class: "muted small num" }, labels ? counted(labels, "label") : "")),
    el("button", { type: "button", class: "icon-button plain", "aria-label": `Rename ${name}`, title: "Rename", onclick: rename }, icon("pen")),
    others.length ? merge : null,
    form,
  );
}
