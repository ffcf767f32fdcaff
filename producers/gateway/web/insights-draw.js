// @ts-check
// Draws online metrics: lines over time, and tables.

import { bar, h, millis, dollars } from "./dom.js";
import { asShare, share, valueOf, whole } from "./insights-metrics.js";
import { table } from "./operator-tables.js";
import { frame, path, runs, s, ticks, upTo } from "./plot.js";

/** LINES is how many are told apart in a plot: as many as there are routes. */
export const LINES = 7;

const STEPS = { "1m": 60_000, "1h": 3_600_000, "1d": 86_400_000 };

const clock = (/** @type {number} */ ms) => new Date(ms).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
const day = (/** @type {number} */ ms) => new Date(ms).toLocaleDateString([], { day: "numeric", month: "short" });

/** moment writes the start of a window. @param {string} window @param {number} ms */
export function moment(window, ms) {
  if (window === "1d") return new Date(ms).toLocaleDateString([], { day: "numeric", month: "short", timeZone: "UTC" }); // days are of UTC
  return window === "1m" ? clock(ms) : `${day(ms)}, ${clock(ms)}`;
}

/**
 * lines draws a metric of groups over time. at is a start that is looked at, or undefined.
 * @param {HTMLElement} into @param {number} width
 * @param {{window: string, metric: import("./insights-metrics.js").Metric, groups: any[], starts: number[], at?: number}} o
 */
export function lines(into, width, { window, metric, groups, starts, at }) {
  const step = STEPS[/** @type {keyof typeof STEPS} */ (window)];
  const all = groups.map((g) => ({ ...g, line: g.points.map((p) => [Date.parse(p.start), valueOf(metric, p)]).filter(([, v]) => v !== undefined) }));
  const top = upTo(Math.max(...all.flatMap((g) => g.line.map(([, v]) => v)), 0));
  const from = Math.min(starts[0], starts[starts.length - 1] - step);
  const f = frame({
    width, height: width < 500 ? 200 : 260, label: `${metric.label} of ${groups.map((g) => g.name).join(", ")}, over time. The table below has the numbers.`,
    x: [from, starts[starts.length - 1]], y: [0, top], yTicks: ticks(0, top, 4), yText: metric.text,
    xTicks: timeTicks(from, starts[starts.length - 1], width), xText: (v) => (starts[starts.length - 1] - from > 1.5 * STEPS["1d"] ? day(v) : clock(v)),
  });
  all.forEach((g, i) => {
    for (const run of runs(g.line, 3.5 * step)) {
      const points = /** @type {[number, number][]} */ (run.map(([x, y]) => [f.x(x), f.y(y)]));
      if (points.length > 1) f.svg.append(s("path", { class: `line c${i}`, d: path(points) }));
      if (points.length === 1 || points.length < 30) f.svg.append(...points.map(([x, y]) => s("circle", { class: `dot c${i}`, cx: x, cy: y, r: 2.6 })));
    }
  });
  if (at !== undefined) f.svg.append(s("line", { class: "now", x1: f.x(at), x2: f.x(at), y1: f.box.top, y2: f.box.bottom }));
  into.replaceChildren(f.svg);
}

// timeTicks returns round times: hours or days of the reader, else equal parts.
function timeTicks(from, to, width) {
  const most = Math.max(2, Math.floor(width / 90));
  const minutes = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 7200, 10080].map((m) => m * 60_000);
  const least = to - from > 1.5 * STEPS["1d"] ? STEPS["1d"] : 0; // then ticks are days
  const step = minutes.find((m) => m >= least && (to - from) / m <= most) ?? to - from;
  const offset = new Date(from).getTimezoneOffset() * 60_000;
  const out = [];
  for (let v = Math.ceil((from - offset) / step) * step + offset; v <= to; v += step) out.push(v);
  return out;
}

/**
 * values draws the table below the lines: what each was in the window that is looked at, and
 * in all that are shown.
 */
export function values(into, { window, metric, groups, at, cut }) {
  const rows = groups.map((g, i) => ({ ...g, i, point: g.points.find((p) => !p.start || Date.parse(p.start) === at) }));
  const mark = (r) => h("span", { class: "of-line" }, r.i < LINES && window !== "all" ? swatch(r.i) : null, r.name);
  const head = window === "all" ? metric.label : `${metric.label}, ${moment(window, at)}`;
  // Another window or metric is another table.
  const kind = `${window} ${metric.name} ${cut} ${head}`;
  if (into.dataset.kind !== kind) into.replaceChildren();
  into.dataset.kind = kind;
  table(into, [
    { head: cut === "all" ? "Traffic" : cut[0].toUpperCase() + cut.slice(1), cell: mark },
    { head, cell: (r) => h("b", {}, written(metric, r.point)), number: true },
    { head: "Searches in all", cell: (r) => whole(r.sum.searches), number: true },
    { head: "Clicks", cell: (r) => whole(r.sum.clicks), number: true },
    { head: "Streams", cell: (r) => whole(r.sum.streams), number: true },
    { head: "Success in all", cell: (r) => h("span", { class: "share" }, bar([["k-good", 0, (100 * r.sum.successes) / Math.max(r.sum.searches, 1)]]), h("b", {}, asShare(r.sum.successes, r.sum.searches))) },
  ], rows, (r) => r.name, "No searches yet.");
}

const written = (metric, point) => {
  const v = point && valueOf(metric, point);
  return v === undefined ? "–" : metric.text(v);
};

const swatch = (i) => s("svg", { class: "swatch", viewBox: "0 0 16 8", "aria-hidden": "true" }, s("path", { class: `line c${i}`, d: "M0 4L16 4" }));

/** numbers draws what listeners did, over all that is shown. @param {HTMLElement} into @param {Record<string, number>} sum */
export function numbers(into, sum) {
  const all = [
    ["searches", whole(sum.searches)], ["success", asShare(sum.successes, sum.searches)], ["click-through", asShare(sum.clicked, sum.searches)],
    ["abandoned", asShare(sum.abandoned, sum.searches)], ["worded otherwise", asShare(sum.reformulated, sum.searches)], ["rescued", asShare(sum.rescues, sum.successes)],
    ["no result", asShare(sum.zero_results, sum.searches)], ["spent", dollars(sum.cost_nano_usd / 1e9)],
  ];
  into.replaceChildren(...all.map(([name, value]) => h("li", { "data-name": name }, h("b", {}, value), " ", h("span", {}, name))));
}

/** sections draws where the successes of a route began. @param {HTMLElement} into @param {any[]} groups @param {Record<string, number>} route */
export function sections(into, groups, route) {
  const rows = groups.map((g) => ({ ...g, part: route.successes > 0 ? g.sum.first / route.successes : 0 }));
  table(into, [
    { head: "Section", cell: (r) => r.points[0].cut.section },
    { head: "Share of first successes", cell: (r) => h("span", { class: "share" }, bar([["k-tool", 0, 100 * r.part]]), h("b", {}, route.successes > 0 ? share(r.part) : "–")) },
    { head: "Successes begun here", cell: (r) => whole(r.sum.first), number: true },
    { head: "Searches with it", cell: (r) => whole(r.sum.searches), number: true },
    { head: "Came into view", cell: (r) => asShare(r.sum.viewed, r.sum.searches), number: true },
    { head: "Clicked", cell: (r) => asShare(r.sum.clicked, r.sum.searches), number: true },
    { head: "Empty", cell: (r) => asShare(r.sum.empty, r.sum.sections), number: true },
    { head: "Failed", cell: (r) => asShare(r.sum.failed, r.sum.sections), number: true },
  ], rows, (r) => r.name, "No searches of this route yet.");
}

/** guardrails draws what must not get worse, by tier. Quantiles are of one window: they cannot be added up. */
export function guardrails(into, groups, at) {
  const rows = groups.map((g) => ({ ...g, rates: g.points.find((p) => !p.start || Date.parse(p.start) === at)?.rates ?? {} }));
  const searches = rows.reduce((n, r) => n + r.sum.searches, 0);
  const ms = (p) => ({ head: `p${p}`, number: true, cell: (r) => { const v = r.rates[`latency_total_p${p}_ms`]; return v === undefined ? "–" : millis(v); } });
  table(into, [
    { head: "Tier", cell: (r) => r.name },
    { head: "Share of searches", cell: (r) => h("span", { class: "share" }, bar([["k-tool", 0, (100 * r.sum.searches) / Math.max(searches, 1)]]), h("b", {}, asShare(r.sum.searches, searches))) },
    ms(50), ms(75), ms(95), ms(99),
    { head: "Cost of 1,000", cell: (r) => dollars(r.sum.cost_nano_usd / 1e6 / Math.max(r.sum.searches, 1)), number: true },
    { head: "Success", cell: (r) => asShare(r.sum.successes, r.sum.searches), number: true },
    { head: "No result", cell: (r) => asShare(r.sum.zero_results, r.sum.searches), number: true },
    { head: "Degraded", cell: (r) => asShare(r.sum.degraded, r.sum.searches), number: true },
    { head: "Partial", cell: (r) => asShare(r.sum.partial, r.sum.searches), number: true },
    { head: "Expired", cell: (r) => asShare(r.sum.expired, r.sum.searches), number: true },
  ], rows, (r) => r.name, "No searches yet.");
}
