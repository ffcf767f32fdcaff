// @ts-check
// What readouts of experiments say, in words.

import { h } from "./dom.js";

/** percents writes a relative difference with its sign. @param {number|undefined} v */
export const percents = (v) => (v === undefined ? "–" : `${v < 0 ? "−" : "+"}${Math.abs(100 * v).toFixed(Math.abs(v) < 0.0995 ? 2 : 1)} %`);

/** signed writes a number with a sign that is as wide as a digit. @param {number} v */
export const signed = (v) => `${v < 0 ? "−" : "+"}${Math.abs(v).toFixed(2)}`;

/** between writes an interval. @param {{low: number, high: number}|undefined} i */
export const between = (i) => (i ? `${percents(i.low)} to ${percents(i.high)}` : "not bounded");

/** value writes a value of a metric: a rate as a share, a sum as a number. @param {any} m */
export function value(m) {
  if (m.name.endsWith("_rate") || (m.value >= 0 && m.value <= 1 && !m.name.includes("per"))) return `${(100 * m.value).toFixed(2)} %`;
  return m.value >= 100 ? Math.round(m.value).toLocaleString("en-US") : m.value.toPrecision(3);
}

/** words makes a name readable. @param {string} name */
export const words = (name) => name.replaceAll("_", " ");

export const DECISIONS = {
  ship: "A success metric is better, and nothing that must hold is worse.",
  hold: "Nothing can be decided yet, or nothing was shown.",
  rollback: "A guardrail is broken.",
  invalid: "The arms have shares that chance does not explain: find the bug before you read on.",
};

/** badge draws a decision. @param {string|undefined} decision */
export const badge = (decision) => (decision ? h("span", { class: `badge d-${decision}` }, decision) : h("span", { class: "badge" }, "control"));

/** p writes a probability. @param {number} v */
export const p = (v) => (v >= 1 ? "1" : v < 0.0001 ? "< 0.0001" : v.toFixed(4));

/** finding says what an interval says, and for a guardrail whether it holds. @param {any} m */
export function finding(m) {
  const e = m.effect;
  if (!e) return ["", "nothing to compare yet"];
  if (m.kind !== "guardrail") return [{ better: "good", worse: "hot" }[e.finding] ?? "", e.finding];
  if (e.margin_broken) return ["hot", "margin broken"];
  return e.margin_held ? ["good", "within its margin"] : ["", "not shown to be within its margin"];
}

const STALE = 10 * 60_000; // a readout that is older is of an experiment that has ended, or nobody reads out

/** stale says whether a readout is of the past. @param {string} asOf */
export const stale = (asOf) => Date.now() - Date.parse(asOf) > STALE;

/** when writes a moment; one of another day has its day. @param {string} time */
export function when(time) {
  const at = new Date(time);
  return at.toDateString() === new Date().toDateString() ? at.toLocaleTimeString() : at.toLocaleString();
}
