// Draws pages by cloning the templates of the document. Data becomes text and attributes,
// never markup.

const HUES = 24;
const PATTERNS = 6;

const encoder = new TextEncoder();

// artClass names the generated cover of an item: FNV-1a of its id, mixed once more, as the server
// does it.
export function artClass(id) {
  let h = 0x811c9dc5;
  for (const byte of encoder.encode(id)) h = Math.imul(h ^ byte, 0x01000193) >>> 0;
  h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d) >>> 0;
  h = (h ^ (h >>> 13)) >>> 0;
  return `h${h % HUES} p${Math.floor(h / HUES) % PATTERNS}`;
}

export function monogram(title) {
  const m = /[\p{L}\p{N}]/u.exec(title);
  return m ? m[0].toUpperCase() : "♪";
}

// followUp is the search that an item leads to.
export function followUp(item) {
  let text = item.title;
  if (item.type === "artist") text = `artists similar to ${item.title}`;
  else if (item.type === "show") text = `latest episodes of ${item.title}`;
  else if (item.artists?.length) text += ` ${item.artists[0]}`;
  return Array.from(text).slice(0, 256).join("");
}

export const percent = (x) => (x > 0.99 && x < 1 ? "> 99 %" : `${Math.round(100 * x)} %`);

export function millis(ms) {
  if (ms < 0.1) return `${Math.round(1000 * ms)} µs`;
  return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
}

function clone(id) {
  return document.getElementById(id).content.firstElementChild.cloneNode(true);
}

// fill sets the text of named parts. An empty optional part goes away.
function fill(root, texts, optional = []) {
  for (const [name, text] of Object.entries(texts)) {
    const part = root.querySelector(`[data-f="${name}"]`);
    if (!part) continue;
    part.textContent = text ?? "";
    if (!text && optional.includes(name)) part.remove();
  }
  return root;
}

function drawItem(item, ordinal) {
  const el = clone("t-item");
  el.dataset.id = item.id;
  el.dataset.type = item.type;
  el.dataset.ordinal = ordinal;
  el.querySelector(".art").className = `art ${artClass(item.id)}`;
  const playable = item.type === "track" || item.type === "episode";
  const sub = item.subtitle || (item.artists ?? []).join(", ");
  const genres = item.genres ?? [];
  fill(el, {
    mono: monogram(item.title), title: item.title, sub, why: item.why, date: item.release_date,
    kind: !sub || (playable && !sub.toLowerCase().startsWith(item.type)) ? item.type : "", // or the subtitle says it
    genres: genres.length && !sub.includes(genres[0]) ? genres.slice(0, 2).join(", ") : "",
    synthetic: item.synthetic ? "synthetic" : "",
  }, ["sub", "why", "kind", "date", "genres", "synthetic"]);
  el.querySelector(".title").href = `/?${new URLSearchParams({ q: followUp(item) })}`;
  const play = el.querySelector(".play");
  if (playable) play.setAttribute("aria-label", `Play ${item.title} (simulated)`);
  else play.remove();
  return el;
}

// drawSection returns a section with its items.
export function drawSection(section, position) {
  const el = clone("t-section");
  el.className = `section c-${section.component} s-${section.status}`;
  el.dataset.section = section.id;
  el.dataset.position = position;
  el.setAttribute("aria-label", section.title);
  const reason = section.reason || (section.status === "empty" ? "Nothing was found." : "");
  fill(el, {
    title: section.title, tool: section.tool, took: millis(section.took_ms ?? 0), reason, text: section.text,
    state: section.status === "ok" ? "" : section.status.replaceAll("_", " "),
  }, ["reason", "text"]);
  const items = el.querySelector(".items");
  if (section.component === "carousel") items.tabIndex = 0;
  items.append(...(section.items ?? []).map((item, i) => drawItem(item, i + 1)));
  return el;
}

// drawSlot returns the room for a section that has not landed yet.
export function drawSlot(slot, position) {
  const el = drawSection({ ...slot, status: "waiting", items: [] }, position);
  el.setAttribute("aria-busy", "true");
  fill(el, { state: "", took: "" });
  const shapes = { answer: 1, hero: 3, list: 4, mix: 4 };
  for (let i = 0; i < (shapes[slot.component] ?? 6); i++) {
    const li = document.createElement("li");
    li.className = "item skeleton";
    li.setAttribute("aria-hidden", "true");
    for (const part of ["art", "body"]) li.append(Object.assign(document.createElement("span"), { className: part }));
    el.querySelector(".items").append(li);
  }
  return el;
}

function drawParams(params) {
  return Object.keys(params ?? {}).sort().map((name) => {
    const v = params[name];
    return fill(clone("t-param"), { name: name.replaceAll("_", " "), value: Array.isArray(v) ? v.join(", ") : String(v) });
  });
}

// spans lays out where the time of a page went, as the server does it.
function spans(page) {
  const t = page.timings;
  const decided = t.queued_ms + t.router_ms;
  const scatter = Math.max(decided, t.total_ms - t.tools_ms);
  return [
    { name: "queue", kind: "wait", start: 0, took: t.queued_ms },
    { name: "router", kind: "router", start: t.queued_ms, took: t.router_ms },
    { name: "decision topic", kind: "wait", start: decided, took: scatter - decided },
    ...page.sections.map((s) => ({ name: s.id, kind: "tool", start: scatter, took: s.took_ms })),
  ];
}

// stretch puts a bar where it begins, as wide as it lasts.
function stretch(rect, start, took, total) {
  const x = Math.min((100 * start) / total, 99);
  rect.setAttribute("x", x.toFixed(2));
  rect.setAttribute("width", Math.min(Math.max((100 * took) / total, 0.5), 100 - x).toFixed(2));
}

function drawSpan(span, total) {
  const el = fill(clone("t-span"), { name: span.name, took: millis(span.took) });
  const rect = el.querySelector("rect");
  rect.setAttribute("class", `k-${span.kind}`);
  stretch(rect, span.start, span.took, total);
  return el;
}

function drawBar(route, confidence, chosen) {
  const el = fill(clone("t-bar"), { name: route, share: percent(confidence) });
  if (chosen) el.className = "chosen";
  el.querySelector("rect").setAttribute("width", (100 * confidence).toFixed(2));
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

// drawWhy fills the panel that explains the decision. Its words come from the server.
function drawWhy(el, why) {
  el.className = `explained ${why.degraded ? "degraded" : ""}`;
  const { manifest, model, prompt } = why.versions;
  const versions = Object.entries({ arm: why.arm, manifest, model, prompt }).filter(([, v]) => v);
  fill(el, { summary: why.summary, spent: why.spent, versions: versions.map((v) => v.join(" ")).join(" · ") });
  el.querySelector(".bars").replaceChildren(
    drawBar(why.route, why.confidence, true), ...why.alternatives.map((a) => drawBar(a.route, a.confidence, false)));
  el.querySelector(".tiers").replaceChildren(...drawTiers(why.tiers));
}

// drawSummary says how a query was understood, and why. page is null until it is finished.
export function drawSummary(route, why, page) {
  const el = clone("t-summary");
  const status = page?.status ?? "searching";
  fill(el, {
    route: route.name, status, source: why.decided_by, confidence: percent(route.confidence),
    router: page ? millis(page.timings.router_ms) : "…", tools: page ? millis(page.timings.tools_ms) : "…",
    total: page ? millis(page.timings.total_ms) : "…", coverage: page ? percent(page.coverage) : "…",
  });
  el.querySelector(".status").className = `status st-${status}`;
  el.querySelector(".params").replaceChildren(...drawParams(route.params));
  drawWhy(el.querySelector(".explained"), why);
  const trace = el.querySelector(".trace");
  if (!page) {
    trace.remove();
    return el;
  }
  const total = Math.max(page.timings.total_ms, 1e-6);
  trace.querySelector(".spans").replaceChildren(...spans(page).map((s) => drawSpan(s, total)));
  trace.querySelector("a").href = `/v1/explain/${page.correlation_id}`;
  return el;
}
