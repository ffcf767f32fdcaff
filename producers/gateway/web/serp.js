// @ts-check
// One page as it comes in. Nothing that is shown moves: a section takes the room of its
// slot, and keeps it while something is shown below.

import { $, millis } from "./dom.js";
import { drawSection, drawSlot, settle, spread } from "./draw.js";
import { offer } from "./enter.js";
import { drawSummary, drawWhy, fillSummary } from "./summary.js";

const main = $("main");
const sections = $("sections");
const drawn = new Map(); // section id → the JSON that it was drawn from

const needsKey = { title: "You are not signed in", detail: "Searching needs a key here." };

const find = (id) => /** @type {HTMLElement|null} */ (sections.querySelector(`[data-section="${CSS.escape(id)}"]`));
const loading = (on) => document.body.classList.toggle("loading", on);

export function say(text) {
  $("live").textContent = text;
}

function showNotice(text) {
  $("notice").hidden = !text;
  $("notice").textContent = text ?? "";
}

// showProblem ends the search. Beside sections it is drawn over the page, so that they
// stay where they are. code is the status of the answer, if there was one.
export function showProblem(title, detail, code = 0) {
  const el = $("problem");
  loading(false);
  el.hidden = !title;
  const said = offer(el, code) ? needsKey : { title, detail };
  /** @type {HTMLElement} */ (el.querySelector("h2")).textContent = said.title;
  /** @type {HTMLElement} */ (el.querySelector("p")).textContent = said.detail;
  const waiting = sections.querySelectorAll(".s-waiting");
  el.classList.toggle("over", sections.childElementCount > waiting.length);
  if (!title) return;
  $("summary").querySelector(".expected")?.remove();
  const status = $("summary").querySelector(".st-searching");
  if (status) [status.textContent, status.className] = ["broken off", "status st-expired"];
  for (const s of waiting) {
    s.classList.replace("s-waiting", "s-gone");
    s.removeAttribute("aria-busy");
  }
}

function clear() {
  $("summary").replaceChildren();
  sections.replaceChildren();
  sections.style.minHeight = "";
  drawn.clear();
  delete main.dataset.correlation;
  showProblem("", "");
  showNotice("");
}

// home shows the first view.
export function home() {
  clear();
  document.body.className = "home";
  document.title = "Parallel Fusion";
  $("heading").hidden = true;
}

// start makes room for the answer to a query.
export function start(query) {
  const open = opened();
  clear();
  document.body.className = "searched loading";
  document.title = `${query} · Parallel Fusion`;
  $("heading").hidden = false;
  $("heading").textContent = `Results for ${query}`;
  const expected = document.createElement("div");
  expected.className = "summary expected";
  $("summary").replaceChildren(expected);
  main.dataset.opened = open ? "yes" : "";
  say("Searching…");
}

const why = () => /** @type {HTMLDetailsElement|null} */ ($("summary").querySelector(".explained"));

// opened reports whether the listener has the reasons open. They stay so.
const opened = () => why()?.open ?? main.dataset.opened === "yes";

function showSummary(el) {
  el.querySelector(".explained").open = opened();
  $("summary").replaceChildren(el);
}

export function onRoute(data) {
  if (main.dataset.correlation === data.correlation_id) return; // taken up again
  main.dataset.correlation = data.correlation_id;
  main.dataset.route = data.route.name;
  showSummary(drawSummary(data.correlation_id, data.route, data.why, null));
  showNotice(data.notice);
  const widths = spread(data.slots);
  sections.replaceChildren(...data.slots.map((slot, i) => drawSlot(slot, i + 1, widths[i])));
  reserve();
}

// reserve keeps the room that the slots have, whatever lands in them.
function reserve() {
  const slots = /** @type {HTMLElement[]} */ ([...sections.children]);
  const heights = slots.map((el) => el.offsetHeight); // all before the first is set: one layout
  sections.style.minHeight = `${sections.offsetHeight}px`;
  slots.forEach((el, i) => { el.style.minHeight = `${heights[i]}px`; });
}

// land puts a section into the room of another, and keeps that room.
function land(there, el) {
  el.style.minHeight = there.style.minHeight || `${there.offsetHeight}px`;
  there.replaceWith(el);
}

const widthOf = (el) => Number(/\bw-(\d+)\b/.exec(el.className)?.[1]);

export function onSection(data) {
  const json = JSON.stringify(data);
  if (drawn.get(data.id) === json) return;
  const slot = find(data.id);
  const el = drawSection(data, slot?.dataset.position ?? sections.childElementCount + 1, slot ? widthOf(slot) : undefined);
  if (slot) {
    land(slot, el);
  } else {
    sections.append(el);
  }
  drawn.set(data.id, json);
  say(`${data.title}: ${data.items?.length ?? 0} results`);
}

// leaveOut takes a section off that the page has not. One with something below it stays,
// and says in small that it is empty.
function leaveOut(el, omitted) {
  const title = el.getAttribute("aria-label");
  if (!el.nextElementSibling) return el.remove();
  const said = omitted ?? { id: el.dataset.section, title, tool: "", component: el.dataset.component, status: "empty" };
  const small = drawSection(said, el.dataset.position, widthOf(el));
  small.classList.add("omitted");
  land(el, small);
}

// onPage makes the page what it finally is. What is drawn already and has not changed
// stays, so that nothing moves under a finger.
export function onPage(page) {
  if (!main.dataset.correlation) onRoute({ correlation_id: page.correlation_id, route: page.route, notice: page.notice, slots: page.sections });
  const summary = /** @type {HTMLElement} */ ($("summary").firstElementChild);
  fillSummary(summary, page.route, page);
  if ($("notice").textContent !== (page.notice ?? "")) showNotice(page.notice);
  page.sections.forEach(onSection);
  const kept = new Set(page.sections.map((s) => s.id));
  for (const el of /** @type {HTMLElement[]} */ ([...sections.children].reverse())) {
    if (!kept.has(el.dataset.section ?? "")) leaveOut(el, page.omitted?.find((s) => s.id === el.dataset.section));
  }
  order(page.sections);
  shorten(page.sections);
  settleAll();
  loading(false);
  if (page.status === "expired") showProblem("Too late", "The search waited too long to be answered. Try it again.");
  say(`${page.sections.length} sections in ${millis(page.timings.total_ms)}`);
}

// order brings sections into the order of the page, if they are not in it, and numbers them.
function order(list) {
  const want = list.map((s) => /** @type {HTMLElement} */ (find(s.id)));
  const have = [...sections.children].filter((el) => want.includes(/** @type {HTMLElement} */ (el)));
  if (want.some((el, i) => el !== have[i])) sections.append(...want);
  want.forEach((el, i) => { el.dataset.position = String(i + 1); });
}

const bare = (section) => !section.items?.length && !section.text;

// shorten gives back the room of sections that show nothing and have nothing below them,
// once all have landed. The foot of the page is not shown yet.
function shorten(list) {
  sections.style.minHeight = "";
  for (const s of list.slice(list.findLastIndex((s) => !bare(s)) + 1)) {
    const el = /** @type {HTMLElement} */ (find(s.id));
    const short = drawSection(s, el.dataset.position, widthOf(el));
    el.replaceWith(short);
  }
}

// settleAll shows what sections have to open, once all are there.
export function settleAll() {
  settle([...sections.children]);
}

// A listener who opens the reasons gets all that the archive has of them.
$("summary").addEventListener("toggle", async () => {
  const el = why();
  const id = main.dataset.correlation;
  if (!el?.open || !id || el.dataset.whole || document.body.classList.contains("loading")) return;
  el.dataset.whole = "yes";
  try {
    const answer = await fetch(`/v1/explain/${id}`, { headers: { Accept: "application/json" } });
    if (answer.ok && el.isConnected) drawWhy(el, (await answer.json()).why);
  } catch {
    // What is there already stays.
  }
}, true);

// Another width has other heights.
let width = innerWidth;
addEventListener("resize", () => {
  if (innerWidth === width) return;
  width = innerWidth;
  sections.style.minHeight = "";
  for (const el of sections.children) /** @type {HTMLElement} */ (el).style.minHeight = "";
  settle([...sections.children].filter((el) => !el.classList.contains("s-waiting")));
});
