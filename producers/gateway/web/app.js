// The page with JavaScript: searches fill slots as sections land, and what is clicked and
// played goes back as interactions.

import { drawSection, drawSlot, drawSummary, millis } from "./draw.js";
import { Player } from "./player.js";

const $ = (id) => document.getElementById(id);
const main = $("main");
const sections = $("sections");
const form = $("search");

document.documentElement.classList.add("js");

// uuid works on plain HTTP too, where crypto.randomUUID is missing.
function uuid() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const hex = Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20)}`;
}

// remembered returns an id that stays in a storage. A browser that keeps nothing gets a
// new one each time.
function remembered(storage, key) {
  try {
    const store = window[storage];
    const id = store.getItem(key) ?? uuid();
    store.setItem(key, id);
    return id;
  } catch {
    return uuid();
  }
}

const client = remembered("localStorage", "pfr-client");
const session = remembered("sessionStorage", "pfr-session");

// send reports an interaction, also while the page is being left.
function send(event) {
  const now = new Date().toISOString();
  const body = { event_id: uuid(), client_id: client, session_id: session, timestamp: now, sent_at: now, ...event };
  fetch("/v1/interactions", {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body), keepalive: true,
  }).catch(() => {}); // a lost click must not disturb who searches
}

// about describes an item of the page for an interaction.
function about(item, action) {
  const section = item.closest(".section");
  return {
    action_name: action, query_id: main.dataset.correlation, route: main.dataset.route,
    section_id: section.dataset.section, section_position: Number(section.dataset.position),
    event_attributes: {
      object: { object_id: item.dataset.id, object_id_type: item.dataset.type },
      position: { ordinal: Number(item.dataset.ordinal) },
    },
  };
}

const player = new Player((event, played) => send({ ...event, ms_played: played }));

// --- searching

const preFusion = "pre-fusion"; // the mode that need not be said

let running = null; // the EventSource of the search in hand

function say(text) {
  $("live").textContent = text;
}

function showProblem(title, detail) {
  $("problem").hidden = !title;
  $("problem").querySelector("h2").textContent = title;
  $("problem").querySelector("p").textContent = detail;
  if (title) for (const s of sections.querySelectorAll(".s-waiting")) s.remove();
}

function showNotice(text) {
  $("notice").hidden = !text;
  $("notice").textContent = text ?? "";
}

const opened = new Set(); // classes of the details that the listener has opened

$("summary").addEventListener("toggle", ({ target }) => {
  if (target.open) opened.add(target.classList[0]);
  else opened.delete(target.classList[0]);
}, true); // toggle does not bubble

// showSummary draws how a query was understood. What was opened once stays open.
function showSummary(el) {
  for (const details of el.querySelectorAll("details")) details.open = opened.has(details.classList[0]);
  $("summary").replaceChildren(el);
}

function clear() {
  running?.close();
  running = null;
  $("summary").replaceChildren();
  sections.replaceChildren();
  showProblem("", "");
  showNotice("");
}

function onRoute(data) {
  main.dataset.correlation = data.correlation_id;
  main.dataset.route = data.route.name;
  showSummary(drawSummary(data.route, data.why, null));
  showNotice(data.notice);
  sections.replaceChildren(...data.slots.map((slot, i) => drawSlot(slot, i + 1)));
}

const find = (id) => sections.querySelector(`[data-section="${CSS.escape(id)}"]`);

function onSection(data, drawn) {
  const slot = find(data.id);
  const el = drawSection(data, slot?.dataset.position ?? sections.childElementCount + 1);
  if (slot) slot.replaceWith(el);
  else sections.append(el);
  drawn.set(data.id, JSON.stringify(data));
  say(`${data.title}: ${data.items?.length ?? 0} results`);
}

// onPage makes the page what it finally is. What is drawn already and has not changed
// stays, so that nothing moves under a finger.
function onPage(page, drawn) {
  showSummary(drawSummary(page.route, page.why, page));
  showNotice(page.notice);
  const final = page.sections.map((s, i) => {
    const there = find(s.id);
    return there && drawn.get(s.id) === JSON.stringify(s) ? there : drawSection(s, i + 1);
  });
  const moved = final.length !== sections.childElementCount || final.some((el, i) => el !== sections.children[i]);
  if (moved) sections.replaceChildren(...final);
  if (page.status === "expired") showProblem("Too late", "The search waited too long to be answered. Try it again.");
  say(`${page.sections.length} sections in ${millis(page.timings.total_ms)}`);
}

// begin runs a search and draws what comes.
function begin(query, market, mode) {
  clear();
  document.body.className = "searched loading";
  document.title = `${query} · Parallel Fusion`;
  say("Searching…");
  const params = { q: query, market, mode, platform: "web", client_id: client, session_id: session };
  const source = new EventSource(`/v1/search?${new URLSearchParams(params)}`);
  const drawn = new Map();
  const stop = () => {
    source.close(); // or it would search again
    if (running === source) document.body.classList.remove("loading");
  };
  const on = (name, handle) => source.addEventListener(name, (e) => {
    if (running === source) handle(e);
  });
  running = source;
  on("route", (e) => onRoute(JSON.parse(e.data)));
  on("section", (e) => onSection(JSON.parse(e.data), drawn));
  on("serp", (e) => { stop(); onPage(JSON.parse(e.data), drawn); });
  on("error", (e) => {
    stop();
    const p = e.data ? JSON.parse(e.data) : { title: "No answer", detail: "The search was not taken or the connection broke. Try it again in a moment." };
    showProblem(p.title, p.detail);
  });
}

function go(query) {
  const text = query.trim();
  if (!text) return;
  $("q").value = text;
  const market = $("market").value;
  const mode = form.elements.mode.value;
  const more = { ...(market === "US" ? {} : { market }), ...(mode === preFusion ? {} : { mode }) };
  history.pushState(null, "", `/?${new URLSearchParams({ q: text, ...more })}`);
  begin(text, market, mode);
  window.scrollTo({ top: 0 });
}

form.addEventListener("submit", (e) => {
  e.preventDefault();
  go($("q").value);
});

window.addEventListener("popstate", () => {
  const params = new URLSearchParams(location.search);
  const query = params.get("q");
  $("q").value = query ?? "";
  $("market").value = params.get("market") ?? "US";
  form.elements.mode.value = params.get("mode") ?? preFusion;
  if (query) return begin(query, $("market").value, form.elements.mode.value);
  clear();
  document.body.className = "home";
  document.title = "Parallel Fusion";
});

// --- clicks and keys

// plainly is a click that stays on this page.
const plainly = (e) => e.button === 0 && !e.metaKey && !e.ctrlKey && !e.shiftKey && !e.altKey;

document.addEventListener("click", (e) => {
  const play = e.target.closest(".play");
  if (play) return onPlay(play);
  const title = e.target.closest(".item .title");
  if (title) send(about(title.closest(".item"), "click"));
  const link = title ?? e.target.closest(".examples a");
  if (!link || !plainly(e)) return;
  e.preventDefault();
  go(new URL(link.href).searchParams.get("q"));
});

function onPlay(button) {
  const item = button.closest(".item");
  const art = item.querySelector(".art");
  player.play({
    button, title: item.querySelector(".title").textContent, artClass: art.className, mono: art.textContent,
    event: about(item, "stream"),
  });
}

document.addEventListener("keydown", (e) => {
  const typing = e.target.matches("input, select, textarea");
  if (e.key === "/" && !typing) {
    e.preventDefault();
    $("q").select();
  }
});
