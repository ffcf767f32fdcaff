// @ts-check
// Draws sections and items by cloning the templates of the document, as their display says.

import { $, clone, fill, millis } from "./dom.js";

const HUES = 24;
const PATTERNS = 10;
const COLUMNS = 12;

const plainList = { flow: "stack", form: "row", width: COLUMNS, room: 5 };
const encoder = new TextEncoder();

// artClass names the generated cover of an item: FNV-1a of its id, mixed once more, as the
// server does it.
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

// displayOf returns how a section is drawn. One that says nothing is a plain list.
export const displayOf = (section) => (section.display?.flow ? section.display : plainList);

// spread widens sections so that no line of the page has a hole at its end, as the server
// does it.
export function spread(sections) {
  const widths = sections.map((s) => displayOf(s).width);
  let used = 0;
  widths.forEach((w, i) => {
    if (used + w > COLUMNS && i > 0) {
      widths[i - 1] += COLUMNS - used;
      used = 0;
    }
    used += w;
  });
  if (widths.length) widths[widths.length - 1] += COLUMNS - used;
  return widths;
}

function kindOf(item, sub, playable) {
  const says = (word) => sub.toLowerCase().startsWith(word.toLowerCase()); // the subtitle
  if (item.kind) return says(item.kind) ? "" : item.kind.length <= 2 ? item.kind.toUpperCase() : item.kind;
  return !sub || (playable && !says(item.type)) ? item.type : "";
}

function itemClass(ordinal, display) {
  if (ordinal <= (display.lead ?? 0)) return "item lead";
  return ordinal > display.room && display.flow !== "shelf" ? "item more" : "item";
}

// drawItem returns an item of a section.
export function drawItem(item, ordinal, display) {
  const el = clone("t-item");
  el.className = itemClass(ordinal, display);
  Object.assign(el.dataset, { id: item.id, type: item.type, ordinal });
  const art = /** @type {HTMLElement} */ (el.querySelector(".art"));
  art.className = `art ${artClass(item.id)}`;
  const playable = item.type === "track" || item.type === "episode";
  const sub = item.subtitle || (item.artists ?? []).join(", ");
  const genres = item.genres ?? [];
  fill(el, {
    mono: monogram(item.title), title: item.title, sub, why: item.why, date: item.release_date,
    kind: kindOf(item, sub, playable),
    genres: genres.length && !sub.includes(genres[0]) ? genres.slice(0, 2).join(", ") : "",
    also: item.versions?.length ? `also: ${item.versions.join(", ")}` : "",
    synthetic: item.synthetic ? "synthetic" : "",
  }, ["sub", "why", "kind", "date", "genres", "also", "synthetic"]);
  el.querySelector(".title")?.setAttribute("href", `/?${new URLSearchParams({ q: followUp(item) })}`);
  const play = el.querySelector(".play");
  if (playable) play?.setAttribute("aria-label", `Play ${item.title} (simulated)`);
  else play?.remove();
  return el;
}

// hint says what one can do about a section that shows nothing. Its words are the server's.
function hint(status) {
  const all = /** @type {HTMLTemplateElement} */ ($("t-hints")).content;
  return all.querySelector(`[data-status="${CSS.escape(status)}"]`)?.textContent ?? "";
}

const answered = (status) => status === "ok" || status === "empty";

// drawSection returns a section with its items.
export function drawSection(section, position, width = displayOf(section).width) {
  const el = clone("t-section");
  const d = displayOf(section);
  const { status } = section;
  el.className = `section f-${d.flow} m-${d.form} t-${d.text || "note"} w-${width} s-${status}${d.numbered ? " numbered" : ""}`;
  Object.assign(el.dataset, { section: section.id, component: section.component, position });
  el.setAttribute("aria-label", section.title);
  const reason = section.reason || (status === "empty" ? "Nothing was found." : "");
  const advice = hint(status);
  fill(el, {
    title: section.title, tool: section.tool, took: millis(section.took_ms ?? 0), reason, hint: advice,
    note: d.text ? "" : section.text, text: d.text ? section.text : "",
    marks: [section.cached && "cached", section.repeated && "second try"].filter(Boolean).join(", "),
    state: status === "ok" ? "" : status.replaceAll("_", " "),
  }, ["reason", "hint", "note", "text"]);
  if (!reason && !advice) el.querySelector(".fate")?.remove();
  if (answered(status)) el.querySelector('[data-f="again"]')?.remove();
  el.querySelector(".items")?.append(...(section.items ?? []).map((item, i) => drawItem(item, i + 1, d)));
  return el;
}

// drawSlot returns the room for a section that has not landed yet: as many items as it will
// show, of the size that they will have.
export function drawSlot(slot, position, width) {
  const el = drawSection({ ...slot, status: "waiting", items: [], text: slot.display?.text ? "\u00a0" : "" }, position, width);
  el.querySelector(".fate")?.remove();
  el.setAttribute("aria-busy", "true");
  fill(el, { state: "", took: "" });
  const d = displayOf(slot);
  for (let i = 1; i <= d.room; i++) {
    const li = document.createElement("li");
    li.className = `${itemClass(i, d)} skeleton`;
    li.setAttribute("aria-hidden", "true");
    for (const part of ["art", "body"]) li.append(Object.assign(document.createElement("span"), { className: part }));
    el.querySelector(".items")?.append(li);
  }
  return el;
}

// settle shows the button for the rest in sections where there is more than the room holds:
// items, or lines of text. Everything is measured before anything is changed.
export function settle(sections) {
  const found = sections.filter((el) => !el.classList.contains("open")).map((el) => {
    const items = [...el.querySelectorAll(".item")];
    const text = el.querySelector(".text");
    const more = items.some((item) => item.getClientRects().length === 0); // a narrow page has room for fewer
    return { el, more, cut: text && text.scrollHeight > text.clientHeight + 2, label: more ? `Show all ${items.length}` : "Read on" };
  });
  for (const { el, more, cut, label } of found) {
    const all = /** @type {HTMLButtonElement} */ (el.querySelector(".all"));
    all.hidden = !more && !cut;
    all.dataset.label = label;
    all.textContent = label;
  }
}

// toggleAll shows the rest of a section, or hides it again.
export function toggleAll(el) {
  const all = /** @type {HTMLButtonElement} */ (el.querySelector(".all"));
  if (all.hidden) return;
  const open = el.classList.toggle("open");
  all.setAttribute("aria-expanded", String(open));
  all.textContent = open ? "Show fewer" : all.dataset.label ?? "";
  const focused = document.activeElement?.closest(".item");
  if (focused && el.contains(focused) && focused.getClientRects().length === 0) {
    const seen = [...el.querySelectorAll(".item")].filter((item) => item.getClientRects().length > 0);
    /** @type {HTMLElement|null|undefined} */ (seen.at(-1)?.querySelector(".title"))?.focus();
  }
}
