// @ts-check
// The switch of an arm, for operators.

import { $, h } from "./dom.js";
import { keep, kept } from "./keep.js";

const KEY = "pfr-operator-key";
const PATIENCE = 5000;

/** @type {Map<string, boolean>} */
let off = new Map(); // by arm, whether it is off

const form = () => /** @type {HTMLFormElement} */ ($("switch"));
const field = (name) => /** @type {HTMLInputElement} */ (form().elements.namedItem(name));

const advice = { 401: "Enter an operator key, or sign in again. ", 403: "This key may not do that. ", 503: "Nothing was changed. " };

/** offerArms says which arms there are. @param {any} report @param {any[]} switched */
export function offerArms(report, switched) {
  const names = report.arms.map((a) => a.name).filter((n) => n !== report.control);
  off = new Map(names.map((n) => [n, switched.some((a) => a.arm === `${report.experiment}/${n}` && a.off)]));
  const select = field("arm");
  if ([.../** @type {any} */ (select).options].map((o) => o.value).join() !== names.join()) select.replaceChildren(...names.map((n) => h("option", {}, n)));
  label();
}

const to = () => !off.get(field("arm").value); // what the button switches to: off is true

function label() {
  if (!$("confirm").hidden) return;
  $("set").textContent = to() ? "Switch off…" : "Switch on again…";
}

function asked(on) {
  $("confirm").hidden = !on;
  $("set").hidden = on;
}

/** begin wires the form. @param {string} experiment @param {() => void} changed */
export function begin(experiment, changed) {
  const box = /** @type {HTMLInputElement|null} */ (form().elements.namedItem("key")); // null: who operates signs in
  const authorization = () => /** @type {Record<string, string>} */ (box?.value ? { Authorization: `Bearer ${box.value}` } : {});
  let wanted = { arm: "", off: true };
  if (box) {
    box.value = kept("sessionStorage", KEY) ?? "";
    box.addEventListener("change", () => keep("sessionStorage", KEY, box.value || null));
  }
  field("arm").addEventListener("change", label);
  form().addEventListener("submit", (e) => {
    e.preventDefault();
    wanted = { arm: field("arm").value, off: to() };
    /** @type {HTMLElement} */ ($("confirm").querySelector("span")).textContent = `Switch ${wanted.arm} ${wanted.off ? "off" : "on again"}, on every router?`;
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
    $("told").textContent = await set({ arm: `${experiment}/${wanted.arm}`, off: wanted.off, reason: field("reason").value }, authorization());
    changed();
  });
}

async function set(body, headers) {
  try {
    const answer = await fetch("/v1/operator/arms", {
      method: "POST", headers: { "Content-Type": "application/json", ...headers }, body: JSON.stringify(body), signal: AbortSignal.timeout(PATIENCE),
    });
    if (answer.ok) return `Set: ${body.arm} is ${body.off ? "off" : "on again"}. Routers follow within a moment.`;
    const p = await answer.json().catch(() => ({}));
    return `Not set. ${p.title ?? `Status ${answer.status}`}: ${advice[answer.status] ?? ""}${p.detail ?? ""}`;
  } catch {
    return "Not known whether it is set: no answer came. Look above in a moment.";
  }
}
