// @ts-check
// The tables of operators. A table keeps its rows while the numbers change, so that nothing
// jumps and a screen reader does not start anew.

import { bar, h, millis, percent } from "./dom.js";

/** @typedef {{head: string, cell: (row: any) => string|Node, number?: boolean}} Column */

/**
 * table draws rows by their keys.
 * @param {HTMLElement} into @param {Column[]} columns @param {any[]} rows @param {(row: any) => string} key @param {string} none
 */
export function table(into, columns, rows, key, none) {
  if (!rows.length) {
    if (into.dataset.none !== none) into.replaceChildren(h("p", { class: "remark" }, none));
    into.dataset.none = none;
    return;
  }
  delete into.dataset.none;
  let body = into.querySelector("tbody");
  if (!body) {
    body = document.createElement("tbody");
    const head = h("tr", {}, ...columns.map((c) => h("th", { scope: "col", class: c.number ? "number" : null }, c.head)));
    into.replaceChildren(h("table", {}, h("thead", {}, head), body));
  }
  const old = new Map([...body.children].map((tr) => [/** @type {HTMLElement} */ (tr).dataset.key, tr]));
  body.replaceChildren(...rows.map((row) => {
    const tr = old.get(key(row)) ?? h("tr", { "data-key": key(row) }, ...columns.map((c, i) => h(i ? "td" : "th", { scope: i ? null : "row", class: c.number ? "number" : null })));
    columns.forEach((c, i) => tr.children[i].replaceChildren(c.cell(row)));
    return tr;
  }));
}

const ms = (name) => (row) => (row[name] === undefined ? "–" : millis(row[name]));
const count = (name) => (row) => String(row[name] ?? 0);

/** @param {HTMLElement} into @param {any[]} rows */
export function tiers(into, rows) {
  const widest = Math.max(...rows.map((r) => r.p99_ms ?? 0), 1e-6);
  table(into, [
    { head: "Tier", cell: (r) => r.source },
    { head: "Share", cell: (r) => h("span", { class: "share" }, bar([["k-tool", 0, 100 * (r.share ?? 0)]]), h("b", {}, percent(r.share ?? 0))) },
    { head: "Pages", cell: count("pages"), number: true },
    { head: "p50", cell: ms("p50_ms"), number: true },
    { head: "p95", cell: ms("p95_ms"), number: true },
    { head: "p99", cell: ms("p99_ms"), number: true },
    { head: "p50 to p99", cell: (r) => spread(r, widest) },
  ], rows, (r) => r.source, "No page was made in this time.");
}

// spread draws from the median to the 99th percentile.
function spread(row, widest) {
  const at = (name) => (100 * (row[name] ?? 0)) / widest;
  const from = Math.min(at("p50_ms"), 99);
  return bar([["k-wait", from, Math.max(at("p99_ms") - from, 1)], ["k-tool", from, Math.max(at("p95_ms") - from, 1)]]);
}

/** @param {HTMLElement} into @param {any[]} rows */
export function lag(into, rows) {
  table(into, [
    { head: "Topic", cell: (r) => r.topic },
    { head: "Group", cell: (r) => r.group },
    { head: "Records behind", cell: (r) => h("b", { class: r.lag > 1000 ? "hot" : null }, r.lag), number: true },
  ], rows, (r) => `${r.topic} ${r.group}`, "The lag is not known.");
}

const bad = (status) => status !== "ok" && status !== "empty";

/** @param {HTMLElement} into @param {any[]} rows */
export function tools(into, rows) {
  table(into, [
    { head: "Tool", cell: (r) => r.tool },
    { head: "Calls", cell: count("calls"), number: true },
    { head: "What became of them", cell: statuses },
    { head: "p50", cell: ms("p50_ms"), number: true },
    { head: "p95", cell: ms("p95_ms"), number: true },
    { head: "Cached", cell: count("cached"), number: true },
    { head: "Second try", cell: count("repeated"), number: true },
  ], rows, (r) => r.tool, "No tool was called in this time.");
}

// statuses draws the shares of statuses, and names all that are not fine.
function statuses(row) {
  let at = 0;
  const total = Math.max(row.calls ?? 0, 1);
  const names = Object.keys(row.by_status ?? {}).sort((a, b) => Number(bad(a)) - Number(bad(b)) || b.localeCompare(a));
  const parts = /** @type {[string, number, number][]} */ (names.map((name) => {
    const width = (100 * row.by_status[name]) / total;
    at += width;
    return [bad(name) ? "k-bad" : name === "ok" ? "k-good" : "k-wait", at - width, width];
  }));
  const said = names.map((name) => `${row.by_status[name]} ${name.replaceAll("_", " ")}`).join(", ");
  return h("span", { class: "share" }, bar(parts), h("span", { class: names.some(bad) ? "hot" : null }, said));
}

/** @param {HTMLElement} into @param {Record<string, any>} routes */
export function online(into, routes) {
  const rows = Object.keys(routes).sort().map((route) => ({ route, ...routes[route] }));
  table(into, [
    { head: "Route", cell: (r) => r.route },
    { head: "Searches", cell: count("searches"), number: true },
    { head: "Clicks", cell: count("clicks"), number: true },
    { head: "Streams", cell: count("streams"), number: true },
    { head: "Successes", cell: count("successes"), number: true },
    { head: "Success rate", cell: (r) => h("span", { class: "share" }, bar([["k-good", 0, 100 * (r.success_rate ?? 0)]]), h("b", {}, percent(r.success_rate ?? 0))) },
  ], rows, (r) => r.route, "Nobody has searched in this time.");
}
