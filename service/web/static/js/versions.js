// The versions of a project's model: which one answers, how good each is, and the ways to change that.
import { Problem, request } from "./api.js";
import { byId, el, icon, toast } from "./dom.js";
import { added, sentence } from "./format.js";
import { accuracyWithin, counted } from "./project-words.js";

const STATES = { active: "active", superseded: "earlier", refused: "not taken" };

/** `onChange` is told when another version has become active. */
export function drawVersions(versions, { project, mayManage, onChange }) {
  const list = byId("versions");
  if (versions.length === 0) {
    list.replaceChildren(el("li", { class: "muted" }, "The first version follows the first labels."));
    return;
  }
  const change = async (path, done) => {
    try {
      await request(`projects/${project}/${path}`, { method: "POST", json: {} });
      toast(done);
      onChange();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      toast(`${error.title}. ${sentence(error.detail)}`);
    }
  };
  const active = versions.findIndex((version) => version.state === "active");
  if (mayManage && active >= 0) offerPublishing(project, versions[active].version);
  const previous = versions.slice(active + 1).find((version) => version.state === "superseded");
  list.replaceChildren(...versions.map((version, index) => line(version, { mayManage, change, back: index === active && previous !== undefined })));
}

/** A version becomes a model of the server, which the library and the command line can be told to use. */
function offerPublishing(project, version) {
  byId("publish").hidden = false;
  byId("publish").onsubmit = async (event) => {
    event.preventDefault();
    const said = byId("publish-said");
    try {
      const model = await request(`projects/${project}/versions/${version}/publish`, { method: "POST", json: { name: byId("publish-name").value.trim() } });
      said.textContent = `Version ${version} is the model ${model.id} now.`;
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      said.textContent = `${error.title}. ${sentence(error.detail)}`;
    }
  };
}

function line(version, { mayManage, change, back }) {
  const name = `Version ${version.version}`;
  const actions = [];
  if (back) actions.push(button("Roll back", "undo", `Roll back from ${name.toLowerCase()}`, () => change("rollback", "The version before is active again")));
  if (version.state !== "active") actions.push(button("Activate", "check", `Activate ${name.toLowerCase()}`, () => change(`versions/${version.version}/activate`, `${name} is active`)));
  return el(
    "li",
    { class: version.state, "data-version": version.version },
    el("div", {}, el("p", {}, el("b", {}, name), " ", el("span", { class: "chip" }, STATES[version.state] ?? version.state)), el("p", { class: "small muted" }, [counted(version.labels, "label"), added(version.created_at), version.reason].filter(Boolean).join(" · "))),
    el("b", { class: "num" }, accuracyWithin(version)),
    el("div", { class: "actions" }, ...(mayManage ? actions : [])),
  );
}

const button = (text, symbol, label, run) => el("button", { type: "button", class: "button small", "aria-label": label, onclick: run }, icon(symbol), text);
