// @ts-check
// The search box: a combobox of what was searched before and of what others search.

import { $, h } from "./dom.js";
import { forget, searches } from "./keep.js";

const DEBOUNCE = 120; // milliseconds
const SHOWN = 8;
const OWN = 3; // own searches at most, once something is typed

const box = /** @type {HTMLInputElement} */ ($("q"));
const offers = $("offers");
const list = $("suggestions");

/** @typedef {{query: string, source: string}} Offer */
/** @type {Offer[]} */
let shown = [];
let active = -1;
let timer = 0;
/** @type {AbortController|null} */
let asking = null;

const words = { recent: "searched before", popular: "popular", example: "example" };
const fold = (/** @type {string} */ s) => s.normalize("NFKC").toLowerCase().trim();

function own() {
  const typed = fold(box.value);
  const all = searches().filter((q) => fold(q).includes(typed) && fold(q) !== typed);
  return (typed ? all.slice(0, OWN) : all).map((query) => ({ query, source: "recent" }));
}

function examples() {
  const typed = fold(box.value);
  const links = [...document.querySelectorAll(".examples a")].map((a) => a.textContent ?? "");
  return links.filter((q) => fold(q).startsWith(typed)).map((query) => ({ query, source: "example" }));
}

/** @param {Offer[]} others */
function show(others) {
  const seen = new Set();
  const fresh = (/** @type {Offer} */ o) => typeof o.query === "string" && !seen.has(fold(o.query)) && seen.add(fold(o.query));
  const mine = own();
  shown = [...mine, ...others].filter(fresh).slice(0, Math.max(SHOWN, mine.length));
  active = -1;
  list.replaceChildren(...shown.map(option));
  offers.hidden = shown.length === 0;
  $("forget").hidden = mine.length === 0;
  box.setAttribute("aria-expanded", String(!offers.hidden));
  box.removeAttribute("aria-activedescendant");
  $("offered").textContent = shown.length === 1 ? "1 suggestion" : `${shown.length} suggestions`;
}

/** @param {Offer} offer @param {number} i */
function option(offer, i) {
  const at = fold(offer.query).startsWith(fold(box.value)) ? box.value.trim().length : 0;
  return h("li", { role: "option", id: `offer-${i}`, "aria-selected": "false", "data-source": offer.source },
    h("span", { class: "words" }, offer.query.slice(0, at), h("b", {}, offer.query.slice(at))),
    h("span", { class: "source" }, words[offer.source] ?? offer.source));
}

export function close() {
  clearTimeout(timer);
  asking?.abort();
  offers.hidden = true;
  active = -1;
  box.setAttribute("aria-expanded", "false");
  box.removeAttribute("aria-activedescendant");
  $("offered").textContent = "";
}

// ask shows what is at hand, and what the server suggests when it has answered.
function ask() {
  clearTimeout(timer);
  asking?.abort();
  timer = setTimeout(async () => {
    const mine = new AbortController();
    asking = mine;
    const offered = await suggested(mine.signal);
    if (!mine.signal.aborted) show([...offered, ...examples()]);
  }, DEBOUNCE);
}

/** @param {AbortSignal} signal @returns {Promise<Offer[]>} */
async function suggested(signal) {
  const market = /** @type {HTMLSelectElement} */ ($("market")).value;
  try {
    const answer = await fetch(`/v1/suggest?${new URLSearchParams({ q: box.value, market, limit: String(SHOWN) })}`, { signal });
    const body = answer.ok ? await answer.json() : {};
    return Array.isArray(body.suggestions) ? body.suggestions : [];
  } catch {
    return []; // the box works without
  }
}

/** @param {number} to */
function move(to) {
  list.children[active]?.setAttribute("aria-selected", "false");
  active = (to + shown.length) % shown.length;
  const option = list.children[active];
  option.setAttribute("aria-selected", "true");
  option.scrollIntoView({ block: "nearest" });
  box.setAttribute("aria-activedescendant", option.id);
}

/** @param {number} i */
function choose(i) {
  box.value = shown[i].query;
  close();
  /** @type {HTMLFormElement} */ ($("search")).requestSubmit();
}

/** @param {KeyboardEvent} e */
function onKey(e) {
  const open = !offers.hidden;
  const step = { ArrowDown: 1, ArrowUp: -1 }[e.key];
  if (e.isComposing) return;
  if (step && open) {
    e.preventDefault();
    move(active < 0 && step < 0 ? shown.length - 1 : active + step);
  } else if (step) {
    e.preventDefault();
    ask();
  } else if (e.key === "Enter" && open && active >= 0) {
    e.preventDefault();
    choose(active);
  } else if (e.key === "Escape" && open) {
    e.preventDefault(); // or the browser empties the box
    e.stopPropagation();
    close();
  }
}

// begin makes the box of the document a combobox.
export function begin() {
  for (const [name, value] of Object.entries({
    role: "combobox", "aria-expanded": "false", "aria-controls": "suggestions", "aria-autocomplete": "list",
  })) box.setAttribute(name, value);
  box.addEventListener("input", ask);
  box.addEventListener("click", ask);
  box.addEventListener("keydown", onKey);
  $("search").addEventListener("submit", close);
  offers.addEventListener("pointerdown", (e) => e.preventDefault()); // the box keeps the focus
  list.addEventListener("click", (e) => {
    const option = /** @type {Element} */ (e.target).closest("[role=option]");
    if (option) choose([...list.children].indexOf(option));
  });
  $("forget").addEventListener("click", () => {
    forget();
    box.focus();
    show(examples());
  });
  document.querySelector(".box")?.addEventListener("focusout", (e) => {
    const to = /** @type {FocusEvent} */ (e).relatedTarget;
    if (!(to instanceof Element) || !to.closest(".box")) close();
  });
}
