// @ts-check
// What can be shown of searches, how it is written, and how it adds up.

import { dollars, millis } from "./dom.js";

const share = (/** @type {number} */ v) => `${(100 * v).toFixed(v < 0.0995 && v > 0 ? 1 : 0)} %`;
const whole = (/** @type {number} */ v) => Math.round(v).toLocaleString("en-US");

/** @typedef {{name: string, label: string, group: string, text: (v: number) => string}} Metric */

/** @type {Metric[]} */
export const METRICS = [
  ["Listeners", share, ["success_rate", "Success rate"], ["click_through_rate", "Click-through rate"], ["stream_rate", "Stream rate"],
    ["viewed_rate", "Came into view"], ["abandonment_rate", "Abandonment"], ["bad_abandonment_rate", "Bad abandonment"],
    ["reformulation_rate", "Reformulation"], ["rescue_rate", "Rescue rate"]],
  ["Listeners", (v) => v.toFixed(2), ["mrr", "Reciprocal rank of the first success"]],
  ["Listeners", millis, ["time_to_success_p50_ms", "Time to success, median"]],
  ["Traffic", whole, ["searches", "Searches"]],
  ["Time", millis, ["latency_total_p50_ms", "Time of a page, p50"], ["latency_total_p75_ms", "Time of a page, p75"],
    ["latency_total_p95_ms", "Time of a page, p95"], ["latency_total_p99_ms", "Time of a page, p99"]],
  ["Quality", share, ["hit_ratio", "Decided beforehand"], ["fallback_rate", "Fallback"], ["invalid_rate", "Invalid answers of the model"],
    ["empty_rate", "Empty sections"], ["failed_rate", "Failed sections"], ["zero_result_rate", "Pages without a result"],
    ["degraded_rate", "Degraded pages"], ["partial_rate", "Partial pages"], ["expired_rate", "Expired pages"]],
  ["Cost", dollars, ["cost_per_1000_usd", "Cost of 1,000 searches"]],
].flatMap(([group, text, ...list]) => /** @type {any} */ (list).map(([name, label]) => ({ group, text, name, label })));

/** metric returns one by name, or the first. @param {string|null} name */
export const metric = (name) => METRICS.find((m) => m.name === name) ?? METRICS[0];

/** valueOf returns a metric of a point, or undefined. @param {Metric} m @param {any} p */
export const valueOf = (m, p) => (m.name === "searches" ? p.counts.searches : p.rates[m.name]);

/** asShare writes a ratio of two counts; one of nothing is a dash. @param {number} a @param {number} b */
export const asShare = (a, b) => (b > 0 ? share(a / b) : "–");

export { whole, share };

/** valueName returns what a cut is about, in words. @param {Record<string, string>} cut */
export const valueName = (cut) => Object.values(cut).join(" · ") || "all traffic";

/** total adds the counts of points up. @param {any[]} points */
export function total(points) {
  /** @type {Record<string, number>} */
  const sum = {};
  for (const p of points) {
    for (const [name, n] of Object.entries(p.counts)) if (name !== "success_rate" && typeof n === "number") sum[name] = (sum[name] ?? 0) + n;
  }
  return /** @type {Record<string, number>} */ (new Proxy(sum, { get: (o, k) => o[/** @type {string} */ (k)] ?? 0 }));
}

/** byValue groups points by what they are about, the most searched first. @param {any[]} points */
export function byValue(points) {
  /** @type {Map<string, any[]>} */
  const groups = new Map();
  for (const p of points) {
    const name = valueName(p.cut);
    groups.set(name, [...(groups.get(name) ?? []), p]);
  }
  return [...groups].map(([name, list]) => ({ name, points: list, sum: total(list) })).sort((a, b) => b.sum.searches - a.sum.searches || a.name.localeCompare(b.name));
}
