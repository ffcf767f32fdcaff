// @ts-check
// One query in two ways, side by side, with what differs marked.

import { $, h } from "./dom.js";
import { drawColumn, differences } from "./compare-draw.js";
import { offer } from "./enter.js";
import { begin as beginShell } from "./shell.js";

const PATIENCE = 20_000; // milliseconds

const form = /** @type {HTMLFormElement} */ ($("compare"));
const field = (name) => /** @type {HTMLInputElement|HTMLSelectElement} */ (form.elements.namedItem(name));
const parts = ["mode", "arm", "peer"];
const sides = ["left", "right"];

/** @type {AbortController|null} */
let asking = null;

function showProblem(title, detail, status = 0) {
  const el = $("problem");
  el.hidden = !title;
  /** @type {HTMLElement} */ (el.querySelector("h2")).textContent = title;
  /** @type {HTMLElement} */ (el.querySelector("p")).textContent = offer(el, status) ? "Comparing needs a key here." : detail;
}

const sideOf = (side) => Object.fromEntries(parts.map((part) => [part, field(`${side}_${part}`).value]).filter(([, v]) => v));

function address() {
  const params = new URLSearchParams({ q: field("q").value.trim() });
  for (const side of sides) {
    for (const [part, value] of Object.entries(sideOf(side))) if (value !== "pre-fusion") params.set(`${side}_${part}`, value);
  }
  return params;
}

async function compare() {
  asking?.abort();
  asking = new AbortController();
  const { signal } = asking;
  const query = field("q").value.trim();
  if (!query) return;
  history.replaceState(null, "", `/compare?${address()}`);
  document.title = `${query} compared · Parallel Fusion`;
  document.body.classList.add("loading");
  $("live").textContent = "Comparing…";
  showProblem("", "");
  $("verdict").hidden = true;
  $("both").replaceChildren(...sides.map((side) => h("section", { class: "column expected", "aria-label": side, "aria-busy": "true" })));
  const end = await ask({ query, market: /** @type {HTMLSelectElement} */ ($("market")).value, left: sideOf("left"), right: sideOf("right") }, signal);
  if (signal.aborted) return;
  document.body.classList.remove("loading");
  if (end.problem) {
    $("both").replaceChildren();
    showProblem(end.problem.title, end.problem.detail, end.problem.status);
    return;
  }
  show(end.body);
}

async function ask(body, signal) {
  try {
    const answer = await fetch("/v1/compare", {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
      signal: AbortSignal.any([signal, AbortSignal.timeout(PATIENCE)]),
    });
    const data = await answer.json();
    return answer.ok ? { body: data } : { problem: { title: data.title ?? "No answer", detail: data.detail ?? "", status: answer.status } };
  } catch {
    return { problem: { title: "No answer", detail: "The gateway is away, or a side took too long. Try it again in a moment." } };
  }
}

function show(data) {
  const differs = differences(data.left?.page, data.right?.page);
  $("both").replaceChildren(...sides.map((side) => drawColumn(side, sideOf(side), data[side] ?? {}, differs)));
  $("verdict").hidden = false;
  /** @type {HTMLElement} */ ($("verdict").querySelector("p")).textContent = verdict(data.verdict);
  $("live").textContent = differs.said;
}

// verdict tells what a judge has said of the two pages.
function verdict(v) {
  if (!v) return "No judge ran on this pair.";
  const won = { left: "The left page is better.", right: "The right page is better.", tie: "Neither page is better." };
  return [won[v.winner] ?? "", v.reason ?? v.text ?? ""].filter(Boolean).join(" ") || JSON.stringify(v);
}

// --- the form

async function offerPeers() {
  try {
    const answer = await fetch("/v1/compare", { headers: { Accept: "application/json" } });
    const { peers = [] } = answer.ok ? await answer.json() : {};
    for (const side of sides) {
      for (const peer of peers) field(`${side}_peer`).append(h("option", { value: peer }, peer));
    }
  } catch {
    // Then there is this gateway alone.
  }
}

form.addEventListener("submit", (e) => {
  e.preventDefault();
  compare();
});

$("swap").addEventListener("click", () => {
  for (const part of parts) {
    const [left, right] = [field(`left_${part}`), field(`right_${part}`)];
    [left.value, right.value] = [right.value, left.value];
  }
  if ($("both").childElementCount) compare();
});

async function start() {
  beginShell();
  const params = new URLSearchParams(location.search);
  await offerPeers();
  for (const side of sides) {
    for (const part of parts) {
      const value = params.get(`${side}_${part}`);
      if (value !== null) field(`${side}_${part}`).value = value;
    }
  }
  if (![...params.keys()].some((k) => k.includes("_"))) field("right_mode").value = "search";
  if (field("q").value) compare();
}

start();
