// @ts-check
// Draws how a query was understood, and why. The words of the reasons are the server's.

import { clone, fill, millis, percent } from "./dom.js";

function drawParams(params) {
  return Object.keys(params ?? {}).sort().map((name) => {
    const v = params[name];
    return fill(clone("t-param"), { name: name.replaceAll("_", " "), value: Array.isArray(v) ? v.join(", ") : String(v) });
  });
}

// stretch puts a bar where it begins, as wide as it lasts.
function stretch(rect, start, took, total) {
  const x = Math.min((100 * start) / total, 99);
  rect.setAttribute("x", x.toFixed(2));
  rect.setAttribute("width", Math.min(Math.max((100 * took) / total, 0.5), 100 - x).toFixed(2));
}

function drawBar(route, confidence, chosen) {
  const el = fill(clone("t-bar"), { name: route, share: percent(confidence) });
  if (chosen) el.className = "chosen";
  el.querySelector("rect")?.setAttribute("width", (100 * confidence).toFixed(2));
  return el;
}

function drawTiers(tiers) {
  const total = Math.max(tiers.reduce((sum, t) => sum + t.took_ms, 0), 1e-6);
  let at = 0;
  return tiers.map((t) => {
    const el = fill(clone("t-tier"), { name: t.name, outcome: t.outcome, took: millis(t.took_ms), text: t.text });
    el.className = `o-${t.outcome}`;
    stretch(el.querySelector("rect"), at, t.took_ms, total);
    at += t.took_ms;
    return el;
  });
}

// drawWhy fills the panel that explains the decision.
export function drawWhy(el, why) {
  el.className = `explained ${why.degraded ? "degraded" : ""}`;
  const { manifest, model, prompt } = why.versions;
  const versions = Object.entries({ arm: why.arm, manifest, model, prompt }).filter(([, v]) => v);
  fill(el, { summary: why.summary, spent: why.spent, versions: versions.map((v) => v.join(" ")).join(" · ") });
  el.querySelector(".bars").replaceChildren(
    drawBar(why.route, why.confidence, true), ...why.alternatives.map((a) => drawBar(a.route, a.confidence, false)));
  el.querySelector(".tiers").replaceChildren(...drawTiers(why.tiers));
}

// drawSummary says how a query was understood. why and page are null until they are known.
export function drawSummary(id, route, why, page) {
  const el = clone("t-summary");
  fillSummary(el, route, page);
  el.querySelector(".params")?.replaceChildren(...drawParams(route.params));
  el.querySelector(".explain")?.setAttribute("href", `/explain/${encodeURIComponent(id)}`);
  fill(el, { source: why?.decided_by ?? route.source });
  if (why) drawWhy(el.querySelector(".explained"), why);
  return el;
}

// fillSummary sets what is known only when the page is finished. Its parts have their room.
export function fillSummary(el, route, page) {
  const status = page?.status ?? "searching";
  fill(el, {
    route: route.name, status, confidence: percent(route.confidence),
    router: page ? millis(page.timings.router_ms) : "…", tools: page ? millis(page.timings.tools_ms) : "…",
    total: page ? millis(page.timings.total_ms) : "…", coverage: page ? percent(page.coverage) : "…",
  });
  el.querySelector(".status").className = `status st-${status}`;
}
