// How far it is, on the labelling page: labels today, labels until the next retraining, the model's accuracy.
import { Problem, request } from "./api.js";
import { byId, toast } from "./dom.js";
import { accuracyWithin } from "./project-words.js";

const SETTLE_MS = 1000; // after an answer, before the server is asked again
const PAGE = 200;

export class Counters {
  #timer = null;
  #version;

  /** `name` is the annotator's; `onProject(project)` hears of the project as the server has it now. */
  constructor(project, { name, onProject }) {
    this.project = project;
    this.name = name;
    this.onProject = onProject;
    this.today = 0;
    this.until = null;
  }

  /** Counts the labels of today and shows the rest. */
  async begin() {
    this.today = await this.#labelsOfToday();
    await this.refresh();
  }

  /** An answer has been kept (+1) or taken back (-1). */
  count(change) {
    this.today = Math.max(0, this.today + change);
    if (this.until !== null) this.until = Math.max(0, this.until - change);
    this.#show();
    this.refreshSoon();
  }

  refreshSoon() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.refresh().catch(ignoreProblem), SETTLE_MS);
  }

  /** Asks the server; resolves to the queue's numbers. */
  async refresh() {
    const [project, stats] = await Promise.all([request(`projects/${this.project}`), request(`queue/stats?project=${this.project}`)]);
    this.until = stats.labels_until_retraining;
    this.model = project.model;
    this.#show();
    this.#tellNewModel();
    this.onProject(project);
    return stats;
  }

  async #labelsOfToday() {
    const today = new Date().toDateString();
    const query = new URLSearchParams({ project: this.project, annotator: this.name, limit: PAGE });
    const { items } = await request(`labels?${query}`);
    return items.filter((act) => act.kind === "label" && new Date(act.at).toDateString() === today).length;
  }

  #show() {
    byId("today").textContent = this.today;
    byId("until").textContent = this.until === 0 ? "due" : (this.until ?? "–");
    byId("accuracy").textContent = this.model ? accuracyWithin(this.model) : "none yet";
  }

  #tellNewModel() {
    const version = this.model?.version ?? null;
    if (this.#version !== undefined && version !== this.#version && version !== null) toast(`Model ${version} has learned from ${this.model.labels} labels: ${accuracyWithin(this.model)}`);
    this.#version = version;
  }
}

function ignoreProblem(error) {
  if (!(error instanceof Problem)) throw error; // the numbers wait; answers on their way say when the server is away
}
