// @ts-check
// Draws one experiment: its arms, and for each metric how the lift came about.

import { bar, h, percent } from "./dom.js";
import { badge, between, finding, p, percents, signed, value, when, words } from "./experiments-words.js";
import { table } from "./operator-tables.js";
import { frame, path, s, ticks } from "./plot.js";

const SPENDING = { "obrien-fleming": "O’Brien and Fleming", pocock: "Pocock" };

const whole = (/** @type {number} */ v) => v.toLocaleString("en-US");

/** numbers draws how far an experiment is. @param {HTMLElement} into @param {any} readout */
export function numbers(into, { report, sampled, moved, stopped_at: over }) {
  const all = [
    ["clients", whole(report.units)], ["planned", whole(report.planned_units)], ["of the plan", percent(report.information)],
    ["next look at", report.next_look && !over ? percent(report.next_look) : "none left"], [`alpha, spent as by ${SPENDING[report.spending] ?? report.spending}`, report.alpha],
    ...(sampled < 1 ? [["are a sample of", percent(sampled)]] : []), ["moved between arms", whole(moved)],
  ];
  into.replaceChildren(...all.map(([name, v]) => h("li", { "data-name": name }, h("b", {}, v), " ", h("span", {}, name))));
}

/**
 * changes says what is not as it was announced, a line each.
 * @param {any} readout @returns {string[]}
 */
export function changes({ stopped = [], stopped_at: over, plan_changed_at: changed }) {
  const arms = stopped.join(", ");
  return [
    over ? `Over since ${when(over)}, when ${arms} was switched off: what is said below is of then.` : "",
    !over && arms ? `Out of the comparison for good, since it was switched off: ${arms}.` : "",
    changed ? `The plan was changed when there were numbers, at ${when(changed)}: a decision may be wrong more often than it says.` : "",
  ].filter((text) => text);
}

/** srm says whether the shares of the arms are what they should be. @param {HTMLElement} into @param {any} report */
export function srm(into, { srm, units }) {
  into.textContent = !units
    ? "No client was counted so far: nobody has asked what the arms differ in, or the pages do not say who asked (privacy.salt_file)."
    : srm.mismatch
    ? `Sample ratio mismatch (p ${p(srm.p)}): chance does not explain the shares of the arms. Nothing is to be read from the metrics until the cause is found.`
    : `The shares of the arms are what they should be (p ${p(srm.p)}).`;
  into.classList.toggle("hot", srm.mismatch);
}

/** arms draws the arms. @param {HTMLElement} into @param {any} readout @param {any[]} switched */
export function arms(into, { report, stopped = [] }, switched) {
  const states = new Map(switched.map((a) => [a.arm.slice(a.arm.indexOf("/") + 1), a]));
  table(into, [
    { head: "Arm", cell: (a) => a.name },
    { head: "Clients", cell: (a) => whole(a.units), number: true },
    { head: "Share", cell: (a) => h("span", { class: "share" }, bar([["k-tool", 0, 100 * a.share]]), h("b", {}, percent(a.share))) },
    { head: "Should be", cell: (a) => percent(a.weight), number: true },
    { head: "Decision", cell: (a) => badge(a.decision) },
    { head: "Served", cell: (a) => served(states.get(a.name)) },
    { head: "Counts", cell: (a) => (stopped.includes(a.name) ? h("span", { class: "hot" }, "no more") : "yes") },
  ], report.arms, (a) => a.name, "It has no arms.");
}

function served(state) {
  if (!state) return "on";
  const by = `by ${state.by}, ${when(state.set_at)}${state.reason ? `: ${state.reason}` : ""}`;
  return h("span", { class: "served" }, h("b", { class: state.off ? "hot" : null }, state.off ? "off" : "on again"), " ", by);
}

/** comparisons lists what two tools in one section came to. @param {HTMLElement} into @param {any[]} list */
export function comparisons(into, list) {
  table(into, [
    { head: "Comparison", cell: (c) => c.name },
    { head: "Where", cell: (c) => `${c.route}, ${c.section}` },
    { head: "Against", cell: (c) => c.rival },
    { head: "Clients for it", cell: (c) => whole(c.preference.b), number: true },
    { head: "Against it", cell: (c) => whole(c.preference.a), number: true },
    { head: "Ties", cell: (c) => whole(c.preference.ties), number: true },
    { head: "Share for it", cell: liking },
    { head: "Preferred", cell: preferred },
  ], list, (c) => c.name, "Nothing is compared.");
}

// liking draws the share of the clients with a preference that is for the rival, with its
// interval of 95 %. Those of the readout are of the section's own tool.
function liking({ preference: { a, b, share, interval } }) {
  if (!a && !b) return "–";
  return h("span", { class: "share" }, bar([["k-tool", 0, 100 * (1 - share)]]), h("b", {}, percent(1 - share)), ` ${percent(1 - interval.high)} to ${percent(1 - interval.low)}`);
}

// preferred says what a sign test at 5 % does, of one look.
function preferred({ rival, preference }) {
  if (preference.p >= 0.05) return "no difference was shown";
  return preference.b > preference.a ? rival : "the section's own tool";
}

/** reasons says why each arm is decided so. @param {HTMLElement} into @param {any} report */
export function reasons(into, report) {
  const treated = report.arms.filter((a) => a.name !== report.control);
  into.replaceChildren(...treated.flatMap((a) => [
    h("h3", { class: "arm" }, a.name, " ", badge(a.decision)),
    h("ul", { class: "because-list" }, ...(a.reasons?.length ? a.reasons : ["Nothing was found out so far."]).map((r) => h("li", {}, r))),
  ]));
}

/** metricNames lists the metrics of a report in their order. @param {any} report */
export const metricNames = (report) => report.arms[0]?.metrics.map((m) => m.name) ?? [];

/** metricPanel makes the room of a metric. @param {string} name */
export function metricPanel(name) {
  const id = `metric-${name}`;
  return h("section", { class: "panel metric", "data-metric": name, "aria-labelledby": id },
    h("h2", { id }, words(name), " ", h("span", { class: "role" })), h("div", { class: "plot-room" }), h("p", { class: "key" }),
    h("div", { class: "scroll numbers-of", tabindex: "0", role: "group", "aria-labelledby": id }));
}

/** metricTable fills the numbers of a metric. @param {HTMLElement} el @param {any} report */
export function metricTable(el, report) {
  const name = el.dataset.metric;
  const rows = report.arms.map((a) => ({ arm: a.name, ...a.metrics.find((m) => m.name === name) }));
  const of = rows[0];
  const better = of.direction === "higher" ? "more is better" : "less is better";
  /** @type {HTMLElement} */ (el.querySelector(".role")).textContent =
    of.kind === "guardrail" ? `guardrail, ${better}, may be worse by ${percent(of.margin ?? 0)}` : `success metric, ${better}`;
  const effect = (f) => (r) => (r.effect ? f(r.effect) : "–");
  table(/** @type {HTMLElement} */ (el.querySelector(".numbers-of")), [
    { head: "Arm", cell: (r) => r.arm },
    { head: "Value", cell: (r) => (r.denominator ? value(r) : "–"), number: true },
    { head: "Searches", cell: (r) => whole(r.denominator), number: true },
    { head: "Lift", cell: effect((e) => h("b", {}, percents(e.lift?.value))), number: true },
    { head: "Interval", cell: effect((e) => between(e.lift?.interval)), number: true },
    { head: "p", cell: effect((e) => p(e.p)), number: true },
    { head: "z, of a boundary at", cell: effect((e) => `${signed(e.z)} of ±${e.boundary.toFixed(2)}`), number: true },
    { head: "Sharper by", cell: effect((e) => (e.cuped ? percent(e.variance_cut) : "–")), number: true },
    { head: "Finding", cell: (r) => { const [kind, text] = finding(r); return r.arm === report.control ? "control" : h("span", { class: kind }, text); } },
  ], rows, (r) => r.arm, "");
}

// course returns what was known of a metric at each time: the history, and now.
function course(readout, arm, name) {
  const points = (readout.history ?? []).filter((p) => p.arm === arm && p.metric === name);
  const lift = readout.report.arms.find((a) => a.name === arm)?.metrics.find((m) => m.name === name)?.effect?.lift;
  const last = points.at(-1);
  if (lift?.interval && (!last || last.information < readout.report.information)) {
    points.push({ information: readout.report.information, lift: lift.value, low: lift.interval.low, high: lift.interval.high });
  }
  return points;
}

// bounds returns what the plot spans: the middle of the intervals, so that the first ones,
// which are wide, do not press the others flat.
function bounds(courses, margin) {
  const ends = courses.flatMap((c) => c.points.slice(-Math.max(3, Math.ceil(0.7 * c.points.length))).flatMap((p) => [p.low, p.high]));
  const far = Math.max(0.01, margin * 1.25, ...ends.map(Math.abs));
  return Math.min(far, 2) * 1.08;
}

/**
 * metricPlot draws lift over information, with its interval, the margin of a guardrail and
 * the boundaries of the sequential test.
 * @param {HTMLElement} el @param {number} width @param {any} readout
 */
export function metricPlot(el, width, readout) {
  const { report } = readout;
  const name = el.dataset.metric;
  const room = /** @type {HTMLElement} */ (el.querySelector(".plot-room"));
  const of = report.arms[0].metrics.find((m) => m.name === name);
  const courses = report.arms.filter((a) => a.name !== report.control).map((a) => ({ arm: a.name, points: course(readout, a.name, name) })).filter((c) => c.points.length);
  if (!courses.length) {
    room.replaceChildren(h("p", { class: "remark" }, "There are too few clients to compare the arms."));
    /** @type {HTMLElement} */ (el.querySelector(".key")).replaceChildren();
    return;
  }
  const most = bounds(courses, of.margin ?? 0);
  const right = Math.max(1, report.information);
  const f = frame({
    width, height: width < 500 ? 220 : 280, x: [0, right], y: [-most, most], xTicks: ticks(0, right, width < 500 ? 2 : 5), yTicks: ticks(-most, most, 5),
    xText: (v) => `${Math.round(100 * v)} %`, yText: (v) => (v === 0 ? "0 %" : percents(v).replace(/\.0+ %$/, " %")),
    label: `Lift of ${words(name)} over the share of planned clients: ${courses.map((c) => `${c.arm} is at ${percents(c.points.at(-1).lift)}, interval ${percents(c.points.at(-1).low)} to ${percents(c.points.at(-1).high)}`).join("; ")}.`,
  });
  const clip = (v) => Math.min(Math.max(f.y(v), f.box.top), f.box.bottom);
  marks(f, report, of, { most, right });
  courses.forEach((c, i) => {
    const at = (pick) => /** @type {[number, number][]} */ (c.points.map((p) => [f.x(p.information), clip(pick(p))]));
    f.svg.append(s("path", { class: `band c${i}`, d: `${path(at((p) => p.high))}${path(at((p) => p.low).reverse()).replace("M", "L")}Z` }));
    for (const sign of [1, -1]) f.svg.append(s("path", { class: `boundary c${i}`, d: path(at((p) => (sign * (p.high - p.low)) / 2)) }));
    f.svg.append(s("path", { class: `line c${i}`, d: path(at((p) => p.lift)) }));
    const last = c.points[c.points.length - 1];
    const x = f.x(last.information);
    f.svg.append(s("line", { class: `whisker c${i}`, x1: x, x2: x, y1: clip(last.low), y2: clip(last.high) }), s("circle", { class: `dot c${i}`, cx: x, cy: clip(last.lift), r: 4 }));
  });
  room.replaceChildren(f.svg);
  key(/** @type {HTMLElement} */ (el.querySelector(".key")), courses, of.kind === "guardrail");
}

// marks draws what does not depend on the arms: no lift, the margin, and the looks.
function marks(f, report, of, { most, right }) {
  const worse = of.direction === "higher" ? -(of.margin ?? 0) : of.margin ?? 0;
  if (of.kind === "guardrail" && Math.abs(worse) < most) {
    const y = f.y(worse);
    const edge = of.direction === "higher" ? f.box.bottom : f.box.top;
    f.svg.append(s("rect", { class: "beyond", x: f.box.left, width: f.box.right - f.box.left, y: Math.min(y, edge), height: Math.abs(edge - y) }));
    f.svg.append(s("line", { class: "margin", x1: f.box.left, x2: f.box.right, y1: y, y2: y }));
  }
  f.svg.append(s("line", { class: "zero", x1: f.box.left, x2: f.box.right, y1: f.y(0), y2: f.y(0) }));
  for (const look of report.looks ?? []) f.svg.append(s("line", { class: "look", x1: f.x(look.fraction), x2: f.x(look.fraction), y1: f.box.top, y2: f.box.bottom }));
  if (report.next_look && report.next_look <= right) {
    f.svg.append(s("line", { class: "look next", x1: f.x(report.next_look), x2: f.x(report.next_look), y1: f.box.top, y2: f.box.bottom }));
  }
}

function key(into, courses, guardrail) {
  const sign = (kind) => s("svg", { class: "swatch", viewBox: "0 0 16 8", "aria-hidden": "true" }, s("path", { class: kind, d: "M0 4L16 4" }));
  into.replaceChildren(...[
    ...courses.map((c, i) => [`line c${i}`, `${c.arm}, with its interval`]), ["boundary c0", "beyond it the sequential test finds a difference"],
    guardrail ? ["margin", "margin"] : null, ["look", "look taken"], ["look next", "next look"],
  ].filter((x) => x !== null).map(([kind, text]) => h("span", { class: "plain-key" }, sign(kind), text)));
}
