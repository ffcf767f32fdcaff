// @ts-check
// Draws the two sides of a comparison.

import { dollars, h, millis, percent } from "./dom.js";
import { drawSection } from "./draw.js";

/**
 * differences says which sections and items stand on one side only, and which items stand
 * elsewhere on the other.
 * @param {any} left @param {any} right pages, or undefined
 */
export function differences(left, right) {
  const sections = { left: ids(left), right: ids(right) };
  const places = { left: placesOf(left), right: placesOf(right) };
  const other = { left: "right", right: "left" };
  const both = Boolean(left && right);
  const alone = (side, id) => both && !places[other[side]].has(id);
  const shared = [...places.left.keys()].filter((id) => places.right.has(id)).length;
  return {
    onlySection: (side, id) => both && !sections[other[side]].has(id),
    /** what an item differs in: "only", "moved" or nothing. */
    item(side, id) {
      if (!both) return {};
      if (alone(side, id)) return { mark: "only", text: "only here" };
      const [here, there] = [places[side].get(id), places[other[side]].get(id)];
      if (here.section === there.section && here.ordinal !== there.ordinal) return { mark: "moved", text: `${there.ordinal} on the other side` };
      return here.section === there.section ? {} : { mark: "moved", text: `in “${there.title}” on the other side` };
    },
    said: both ? `${shared} items on both sides, ${places.left.size - shared} only left, ${places.right.size - shared} only right.` : "Only one side has a page.",
  };
}

const ids = (page) => new Set((page?.sections ?? []).map((s) => s.id));

function placesOf(page) {
  const places = new Map();
  for (const s of page?.sections ?? []) {
    (s.items ?? []).forEach((item, i) => {
      if (!places.has(item.id)) places.set(item.id, { section: s.id, title: s.title, ordinal: i + 1 });
    });
  }
  return places;
}

const how = (chosen) => [chosen.mode, chosen.arm && `arm ${chosen.arm}`, chosen.peer && `at ${chosen.peer}`].filter(Boolean).join(", ");

/** drawColumn draws one side. @param {string} side @param {any} chosen @param {any} answer @param {ReturnType<typeof differences>} differs */
export function drawColumn(side, chosen, answer, differs) {
  const title = side === "left" ? "Left" : "Right";
  const el = h("section", { class: "column", "data-side": side, "aria-label": `${title}: ${how(chosen)}` },
    h("h2", {}, title, " ", h("span", {}, how(chosen))));
  const { page, why, problem } = answer;
  if (!page) {
    const p = problem ?? { title: "No page", detail: "This side gave no answer." };
    el.append(h("div", { class: "problem" }, h("b", {}, p.title ?? "No page"), h("p", {}, p.detail ?? "")));
    return el;
  }
  el.append(facts(page, why), h("p", { class: "said-of" }, differs.said));
  for (const [i, s] of (page.sections ?? []).entries()) el.append(sectionOf(side, s, i + 1, differs));
  if (!page.sections?.length) el.append(h("p", { class: "remark" }, "The page has no sections."));
  return el;
}

function facts(page, why) {
  const params = Object.entries(page.route.params ?? {}).map(([k, v]) => `${k.replaceAll("_", " ")}: ${Array.isArray(v) ? v.join(", ") : v}`);
  const pairs = [
    ["decided by", why?.decided_by ?? page.route.source], ["confidence", percent(page.route.confidence)],
    ["router", millis(page.timings.router_ms)], ["tools", millis(page.timings.tools_ms)], ["total", millis(page.timings.total_ms)],
    ["cost", dollars(page.cost_usd)], ["answered", percent(page.coverage)], ["manifest", page.route.manifest_version],
  ];
  return h("div", { class: "facts-of" },
    h("p", { class: "head" }, h("span", { class: "route" }, page.route.name), " ", h("span", { class: `status st-${page.status}` }, page.status)),
    params.length ? h("p", { class: "asked" }, params.join(" · ")) : null,
    why?.summary ? h("p", { class: "because" }, why.summary) : null,
    h("dl", {}, ...pairs.map(([k, v]) => h("div", {}, h("dt", {}, k), h("dd", {}, v)))),
    h("p", {}, h("a", { href: `/explain/${encodeURIComponent(page.correlation_id)}` }, "Explain this page")));
}

// sectionOf draws a section as a list of rows, whatever its display: columns are narrow,
// and rows are easier to hold against each other.
function sectionOf(side, s, position, differs) {
  const display = { flow: "stack", form: "row", numbered: true, text: s.display?.text, width: 12, room: 10 };
  const el = drawSection({ ...s, display }, position, 12);
  const head = el.querySelector("h2");
  if (head) head.replaceWith(h("h3", {}, s.title));
  if (differs.onlySection(side, s.id)) mark(el, "only", "only here", el.querySelector("header"));
  for (const item of el.querySelectorAll(".item")) {
    const d = differs.item(side, /** @type {HTMLElement} */ (item).dataset.id);
    item.querySelector(".play")?.remove();
    if (d.mark) mark(item, d.mark, d.text, item.querySelector(".meta"));
  }
  el.querySelector(".again")?.parentElement?.remove();
  el.querySelector(".all")?.remove();
  return el;
}

function mark(el, kind, text, into) {
  el.classList.add(`d-${kind}`);
  into?.prepend(h("span", { class: "differs" }, text));
}
