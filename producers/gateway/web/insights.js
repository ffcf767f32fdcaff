// @ts-check
// The page of online metrics: what came of searches, while somebody looks.

import { $, h } from "./dom.js";
import { offer } from "./enter.js";
import * as draw from "./insights-draw.js";
import { byValue, METRICS, metric, share, total, whole } from "./insights-metrics.js";
import { onWidth } from "./plot.js";
import { begin as beginShell } from "./shell.js";

const EVERY = 10_000; // milliseconds
const PATIENCE = 8000;

const form = /** @type {HTMLFormElement} */ ($("choose"));
const field = (name) => /** @type {HTMLSelectElement} */ (form.elements.namedItem(name));
const route = /** @type {HTMLSelectElement} */ ($("route"));
const slider = /** @type {HTMLInputElement} */ ($("cursor").querySelector("input"));

let timer = 0;
let asked = 0; // counts what was asked for: a late answer to an old question is dropped
/** @type {{window: string, cut: string, series: Record<string, any[]>}|null} */
let shown = null;
/** @type {number|null} */
let looked = null; // the start that is looked at; null: the last one
let byHand = false; // somebody has chosen the windows

function showProblem(title, detail, status = 0) {
  const el = $("problem");
  el.hidden = !title;
  /** @type {HTMLElement} */ (el.querySelector("h2")).textContent = title;
  /** @type {HTMLElement} */ (el.querySelector("p")).textContent = offer(el, status) ? "What came of searches needs a key here." : detail;
}

class Refused extends Error {
  constructor(title, detail, status) {
    super(detail);
    this.title = title;
    this.status = status;
  }
}

async function series(window, cut, rates) {
  const params = new URLSearchParams({ window, cut, rates: rates.join(",") });
  const answer = await fetch(`/v1/metrics/online?${params}`, { headers: { Accept: "application/json" }, signal: AbortSignal.timeout(PATIENCE) });
  const body = await answer.json();
  if (!answer.ok) throw new Refused(body.title ?? "No answer", body.detail ?? "", answer.status);
  return body;
}

const QUANTILES = [50, 75, 95, 99].map((p) => `latency_total_p${p}_ms`);

async function look() {
  clearTimeout(timer);
  if (document.hidden) return;
  const mine = ++asked;
  const [window, cut, name] = ["window", "cut", "metric"].map((n) => field(n).value);
  try {
    const [all, chosen, routes, sections, tiers] = await Promise.all([
      series(window, "all", ["-"]), series(window, cut, [name]), series(window, "route", ["-"]), series(window, "route+section", ["-"]), series(window, "tier", QUANTILES),
    ]);
    if (mine !== asked) return;
    if (!byHand && window === "1h" && startsOf(chosen.series).length === 1) { // one hour is no line: minutes may be
      byHand = true;
      field("window").value = "1m";
      return look();
    }
    shown = { window, cut, series: { all: all.series, chosen: chosen.series, routes: routes.series, sections: sections.series, tiers: tiers.series } };
    const cutShort = [all, chosen, sections, tiers].some((a) => a.truncated) ? " Some of the oldest windows are left out." : "";
    $("fresh").textContent = `As of ${new Date(chosen.as_of).toLocaleTimeString()}.${cutShort}`;
    showProblem("", "");
    show();
  } catch (e) {
    if (mine !== asked) return;
    if (e instanceof Refused) showProblem(e.title, e.message, e.status);
    else showProblem("No answer", "The gateway is away or too busy. What is shown below is from before; the next try is in ten seconds.");
  }
  timer = setTimeout(look, EVERY);
}

const startsOf = (points) => [...new Set(points.filter((p) => p.start).map((p) => Date.parse(p.start)))].sort((a, b) => a - b);

// at returns the start that is looked at.
function at(starts) {
  if (looked !== null && starts.includes(looked)) return looked;
  return starts[starts.length - 1];
}

function show() {
  if (!shown) return;
  const { all, chosen, tiers } = shown.series;
  draw.numbers($("numbers"), total(all));
  const starts = startsOf(chosen);
  $("none").hidden = chosen.length > 0;
  $("cursor").hidden = starts.length < 2;
  slider.max = String(Math.max(starts.length - 1, 0));
  slider.value = String(starts.indexOf(at(starts)));
  slider.setAttribute("aria-valuetext", starts.length ? draw.moment(shown.window, at(starts)) : "");
  redraw();
  draw.values($("lines-table"), { window: shown.window, metric: metric(field("metric").value), groups: byValue(chosen), at: at(starts), cut: shown.cut });
  showRoute();
  const last = startsOf(tiers).at(-1);
  $("guard-window").textContent = last ? `Times are of the window of ${draw.moment(shown.window, last)}, which may still grow; all else is of all windows together.` : "";
  draw.guardrails($("guard-table"), byValue(tiers), last);
}

const redraw = onWidth($("plot"), (width) => {
  const starts = shown ? startsOf(shown.series.chosen) : [];
  if (!shown || !starts.length) return $("plot").replaceChildren();
  draw.lines($("plot"), width, {
    window: shown.window, metric: metric(field("metric").value), groups: byValue(shown.series.chosen).slice(0, draw.LINES), starts, at: looked === null ? undefined : at(starts),
  });
});

function showRoute() {
  if (!shown) return;
  const names = byValue(shown.series.routes).map((g) => g.name);
  if (names.join() !== [...route.options].map((o) => o.value).join()) {
    const kept = route.value;
    route.replaceChildren(...names.map((n) => h("option", {}, n)));
    if (names.includes(kept)) route.value = kept;
  }
  const sum = total(shown.series.routes.filter((p) => p.cut.route === route.value));
  $("rescue").textContent = sum.successes
    ? `Of ${whole(sum.successes)} successes ${whole(sum.rescues)} began below the first section: a rescue rate of ${share(sum.rescues / sum.successes)}.`
    : "No success yet.";
  draw.sections($("sections-table"), byValue(shown.series.sections.filter((p) => p.cut.route === route.value)), sum);
}

// --- what is chosen

function fillForm() {
  for (const group of new Set(METRICS.map((m) => m.group))) {
    field("metric").append(h("optgroup", { label: group }, ...METRICS.filter((m) => m.group === group).map((m) => h("option", { value: m.name }, m.label))));
  }
  const params = new URLSearchParams(location.search);
  byHand = params.has("window");
  for (const name of ["window", "cut", "metric"]) {
    const value = params.get(name);
    if (value && [...field(name).options].some((o) => o.value === value)) field(name).value = value;
  }
}

form.addEventListener("change", () => {
  looked = null;
  byHand = true;
  const params = new URLSearchParams(["window", "cut", "metric"].map((n) => [n, field(n).value]));
  history.replaceState(null, "", `/insights?${params}`);
  look();
});
form.addEventListener("submit", (e) => e.preventDefault());
slider.addEventListener("input", () => {
  const starts = startsOf(shown?.series.chosen ?? []);
  looked = starts[Number(slider.value)] ?? null;
  show();
});
route.addEventListener("change", showRoute);
document.addEventListener("visibilitychange", look);
addEventListener("pagehide", () => clearTimeout(timer));

beginShell();
fillForm();
look();
