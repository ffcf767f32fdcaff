// @ts-check
// The page of all experiments, and that of one, while somebody looks.

import { $, bar, h, percent } from "./dom.js";
import { offer } from "./enter.js";
import * as draw from "./experiments-draw.js";
import { begin as beginSwitch, offerArms } from "./experiments-switch.js";
import { badge, DECISIONS, stale, when } from "./experiments-words.js";
import { onWidth } from "./plot.js";
import { begin as beginShell } from "./shell.js";

const EVERY = 10_000; // milliseconds
const PATIENCE = 8000;

const { name } = $("main").dataset;
let timer = 0;
let drawn = ""; // the answer that is drawn
/** @type {any} */
let readout = null;

function showProblem(title, detail, status = 0) {
  const el = $("problem");
  el.hidden = !title;
  /** @type {HTMLElement} */ (el.querySelector("h2")).textContent = title;
  /** @type {HTMLElement} */ (el.querySelector("p")).textContent = offer(el, status) ? "Experiments need a key here." : detail;
}

async function look() {
  clearTimeout(timer);
  if (document.hidden) return;
  try {
    const answer = await fetch(name ? `/v1/experiments/${encodeURIComponent(name)}` : "/v1/experiments", {
      headers: { Accept: "application/json" }, signal: AbortSignal.timeout(PATIENCE),
    });
    const text = await answer.text();
    const body = JSON.parse(text);
    if (!answer.ok) {
      showProblem(body.title ?? "No answer", body.detail ?? "", answer.status);
    } else {
      showProblem("", "");
      if (text !== drawn) (name ? showOne : showAll)(body);
      drawn = text;
    }
  } catch {
    showProblem("No answer", "The gateway is away or too busy. What is shown below is from before; the next try is in ten seconds.");
  }
  timer = setTimeout(look, EVERY);
}

function showAll({ experiments, comparisons }) {
  $("none").hidden = experiments.length + comparisons.length > 0;
  $("compared").hidden = comparisons.length === 0;
  draw.comparisons($("comparisons"), comparisons);
  $("fresh").textContent = experiments.length === 1 ? "1 experiment" : `${experiments.length} experiments`;
  $("list").replaceChildren(...experiments.map(card));
}

function card({ experiment, as_of: asOf, readout: said, arms }) {
  const { report } = said;
  const off = arms.filter((a) => a.off).map((a) => a.arm.slice(a.arm.indexOf("/") + 1));
  return h("li", { class: "panel trial", "data-name": experiment },
    h("h2", {}, h("a", { href: `/experiments/${encodeURIComponent(experiment)}` }, experiment), " ", badge(report.decision)),
    h("p", { class: "because" }, DECISIONS[report.decision] ?? ""),
    h("p", { class: "share" }, bar([["k-tool", 0, Math.min(100 * report.information, 100)]]),
      h("span", {}, `${report.units.toLocaleString("en-US")} of ${report.planned_units.toLocaleString("en-US")} clients, ${percent(report.information)}`)),
    h("p", { class: "remark" }, `${report.control} against ${report.arms.map((a) => a.name).filter((n) => n !== report.control).join(", ")}`),
    off.length ? h("p", { class: "hot" }, `Off: ${off.join(", ")}`) : null,
    report.srm.mismatch ? h("p", { class: "hot" }, "Sample ratio mismatch") : null,
    said.stopped_at ? h("p", { class: "hot" }, `Over since ${when(said.stopped_at)}`) : null,
    said.plan_changed_at ? h("p", { class: "remark" }, "The plan was changed when there were numbers.") : null,
    h("p", { class: "ident" }, stale(asOf) ? `Last read out ${when(asOf)}: it has ended, or nobody reads it out.` : `Read out ${when(asOf)}`));
}

function showOne(body) {
  ({ readout } = body);
  const { report } = readout;
  const starts = readout.starts ? ` The arms began to differ ${when(readout.starts)}.` : "";
  $("fresh").textContent = (stale(body.as_of) ? `Last read out ${when(body.as_of)}: it has ended, or nobody reads it out.` : `Read out ${when(body.as_of)}.`) + starts;
  $("badge").replaceChildren(badge(report.decision));
  draw.numbers($("numbers"), readout);
  draw.srm($("srm"), report);
  draw.arms($("arms-table"), readout, body.arms);
  $("changes").replaceChildren(...draw.changes(readout).map((text) => h("p", { class: "notice" }, text)));
  draw.reasons($("reasons"), report);
  offerArms(report, body.arms);
  for (const m of draw.metricNames(report)) {
    panel(m).forEach((f) => f());
  }
}

/** @type {Map<string, (() => void)[]>} */
const panels = new Map();

// panel returns what draws a metric. Its room is made once, so that nothing jumps.
function panel(metric) {
  let redraws = panels.get(metric);
  if (!redraws) {
    const el = draw.metricPanel(metric);
    $("metrics").append(el);
    const room = /** @type {HTMLElement} */ (el.querySelector(".plot-room"));
    redraws = [onWidth(room, (width) => draw.metricPlot(el, width, readout)), () => draw.metricTable(el, readout.report)];
    panels.set(metric, redraws);
  }
  return redraws;
}

document.addEventListener("visibilitychange", look);
addEventListener("pagehide", () => clearTimeout(timer));

beginShell();
if (name) beginSwitch(name, look);
look();
