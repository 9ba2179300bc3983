// Numbers of a labelling project in words.
import { percent } from "./format.js";

/** {accuracy, low, high} -> "71 % ± 6"; "–" where it has not been measured. */
export function accuracyWithin({ accuracy, low, high }) {
  if (accuracy === null || accuracy === undefined) return "not measured yet";
  if (low === null || low === undefined) return percent(accuracy);
  return `${percent(accuracy)} ± ${Math.max(1, Math.round(50 * (high - low)))}`;
}

/** 0.62 -> "substantial": the words of Landis and Koch, Biometrics 33(1), 1977. */
export function strengthOfAgreement(kappa) {
  const words = [[0, "none"], [0.2, "slight"], [0.4, "fair"], [0.6, "moderate"], [0.8, "substantial"]];
  return words.find(([limit]) => kappa <= limit)?.[1] ?? "almost perfect";
}

/** 1 -> "1 label", 3 -> "3 labels". */
export function counted(n, noun) {
  return `${n.toLocaleString("en")} ${noun}${n === 1 ? "" : "s"}`;
}
