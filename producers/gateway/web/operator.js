// @ts-check
// The page of operators: what goes on, every two seconds while somebody looks, and the
// degradation ladder.

import { $, dollars, h, millis, percent } from "./dom.js";
import { offer } from "./enter.js";
import { keep, kept } from "./keep.js";
import * as tables from "./operator-tables.js";
import { begin as beginShell } from "./shell.js";

const EVERY = 2000; // milliseconds
const PATIENCE = 5000;
const KEY = "pfr-operator-key";

const form = /** @type {HTMLFormElement} */ ($("ladder"));
const field = (name) => /** @type {HTMLInputElement} */ (form.elements.namedItem(name));

let timer = 0;
let asking = false;

const box = /** @type {HTMLInputElement|null} */ (form.elements.namedItem("key")); // null: who operates signs in

/** @returns {Record<string, string>} */
const authorization = () => (box?.value ? { Authorization: `Bearer ${box.value}` } : {});

function showProblem(title, detail, status = 0) {
  const el = $("problem");
  el.hidden = !title;
  /** @type {HTMLElement} */ (el.querySelector("h2")).textContent = title;
  /** @type {HTMLElement} */ (el.querySelector("p")).textContent = detail;
  offer(el, status);
}

// advice says of a status what the operator can do, before the words of the server.
const advice = {
  401: box ? "Enter an operator key below. " : "Sign in again. ",
  403: "This key may not do that. ",
  404: "",
  503: "Nothing was changed. ",
};

async function problemOf(answer) {
  const body = await answer.json().catch(() => ({}));
  return { title: body.title ?? `Status ${answer.status}`, detail: (advice[answer.status] ?? "") + (body.detail ?? ""), status: answer.status };
}

async function look() {
  clearTimeout(timer);
  if (document.hidden || asking) return;
  asking = true;
  try {
    const answer = await fetch("/v1/operator", { headers: { Accept: "application/json", ...authorization() }, signal: AbortSignal.timeout(PATIENCE) });
    if (answer.ok) {
      show(await answer.json());
      showProblem("", "");
    } else {
      const p = await problemOf(answer);
      showProblem(p.title, p.detail, p.status);
    }
  } catch {
    showProblem("No answer", "The gateway is away or too busy. What is shown below is from before; the next try is in two seconds.");
  }
  asking = false;
  timer = setTimeout(look, EVERY);
}

function show(state) {
  $("fresh").textContent = `As of ${new Date(state.as_of).toLocaleTimeString()}, over ${Math.round(state.window_s ?? 0)} s`;
  numbers(state);
  tables.tiers($("tier-table"), state.tiers ?? []);
  tables.lag($("lag-table"), state.lag ?? []);
  tables.tools($("tool-table"), state.tools ?? []);
  tables.online($("online-table"), state.online ?? {});
  ladder(state.ladder ?? {}, state.may_operate);
}

function numbers(state) {
  const pages = state.pages ?? {};
  const share = (status) => (pages.total ? percent((pages.by_status?.[status] ?? 0) / pages.total) : "–");
  const all = [
    ["pages", pages.total ?? 0], ["a second", (pages.per_second ?? 0).toFixed(1)],
    ["complete", share("complete")], ["partial", share("partial")], ["degraded", share("degraded")], ["expired", share("expired")],
    ["half within", millis(pages.p50_ms ?? 0)], ["95 % within", millis(pages.p95_ms ?? 0)], ["spent", dollars(state.cost_usd ?? 0)],
  ];
  $("numbers").replaceChildren(...all.map(([name, value]) => h("li", { "data-name": name }, h("b", {}, value), " ", h("span", {}, name))));
}

const force = { llm: "Everything is on.", student: "The language model is switched off.", search: "Every model is switched off: plain search decides." };

function ladder(state, may) {
  const who = [state.by && `Set by ${state.by}`, state.by && state.set_at && `at ${new Date(state.set_at).toLocaleString()}`, state.reason && `because: ${state.reason}`];
  const text = [`In force: ${state.in_force ?? "not known"}.`, force[state.in_force] ?? "", who.filter(Boolean).join(", ")].filter(Boolean).join(" ");
  if ($("force").textContent !== text) $("force").textContent = text;
  $("force").dataset.ladder = state.in_force ?? "";
  form.dataset.may = String(may ?? "");
  if (!form.querySelector(":checked") && state.in_force) field("ladder").value = state.in_force;
}

// --- setting the ladder

function asked(on) {
  $("confirm").hidden = !on;
  $("set").hidden = on;
}

form.addEventListener("submit", (e) => {
  e.preventDefault();
  const to = field("ladder").value;
  /** @type {HTMLElement} */ ($("confirm").querySelector("span")).textContent = `Let ${to} decide at best, on every router?`;
  $("told").textContent = "";
  asked(true);
  $("sure").focus();
});

$("not").addEventListener("click", () => {
  asked(false);
  $("set").focus();
});

$("sure").addEventListener("click", async () => {
  asked(false);
  $("set").focus();
  $("told").textContent = "Setting…";
  try {
    const answer = await fetch("/v1/operator/ladder", {
      method: "POST", headers: { "Content-Type": "application/json", ...authorization() },
      body: JSON.stringify({ ladder: field("ladder").value, reason: field("reason").value }), signal: AbortSignal.timeout(PATIENCE),
    });
    if (answer.ok) {
      $("told").textContent = "Set. Routers follow within a moment.";
      look();
      return;
    }
    const p = await problemOf(answer);
    $("told").textContent = `Not set. ${p.title}: ${p.detail}`;
  } catch {
    $("told").textContent = "Not known whether it is set: no answer came. Look above in a moment.";
  }
});

if (box) {
  box.value = kept("sessionStorage", KEY) ?? "";
  box.addEventListener("change", () => keep("sessionStorage", KEY, box.value || null));
}
document.addEventListener("visibilitychange", look);
addEventListener("pagehide", () => clearTimeout(timer));

beginShell();
look();
