// @ts-check
// Everything by keyboard. The dialog of keys in the document says what there is.

import { $ } from "./dom.js";
import { toggleAll } from "./draw.js";

const dialog = /** @type {HTMLDialogElement} */ ($("keys"));

const sections = () => /** @type {HTMLElement[]} */ ([...document.querySelectorAll("#main .section")]);
const here = () => /** @type {HTMLElement|null} */ (document.activeElement?.closest(".section") ?? null);

/** titles lists the items of a section that can be seen. @param {Element} section */
const titles = (section) => /** @type {HTMLElement[]} */ (
  [...section.querySelectorAll(".item .title")].filter((a) => a.getClientRects().length > 0));

/** @param {HTMLElement|undefined} el */
function go(el) {
  el?.focus({ preventScroll: true });
  el?.scrollIntoView({ block: "nearest", inline: "nearest" });
}

/** @param {number} step */
function section(step) {
  const all = sections();
  const at = all.indexOf(/** @type {HTMLElement} */ (here()));
  const next = all[Math.min(Math.max(at < 0 ? 0 : at + step, 0), all.length - 1)];
  if (!next) return;
  next.scrollIntoView({ block: "nearest" });
  go(titles(next)[0] ?? next);
}

/** beside finds the item above or below by where it is drawn. @param {HTMLElement[]} all @param {HTMLElement} from @param {number} step */
function beside(all, from, step) {
  const middle = (/** @type {HTMLElement} */ el) => {
    const r = (el.closest(".item") ?? el).getBoundingClientRect();
    return { x: r.x + r.width / 2, y: r.y + r.height / 2 };
  };
  const me = middle(from);
  let best;
  let least = Infinity;
  for (const el of all) {
    const at = middle(el);
    const down = (at.y - me.y) * step;
    const far = down + 3 * Math.abs(at.x - me.x);
    if (down > 8 && far < least) [best, least] = [el, far];
  }
  return best;
}

/** within moves inside the section. It reports whether it did. @param {string} key */
function within(key) {
  const from = /** @type {HTMLElement|null} */ (document.activeElement?.closest(".item")?.querySelector(".title") ?? null);
  const home = here();
  if (!from || !home) return false;
  const all = titles(home);
  const at = all.indexOf(from);
  const to = {
    ArrowRight: all[at + 1], ArrowLeft: all[at - 1], Home: all[0], End: all.at(-1),
    ArrowDown: beside(all, from, 1), ArrowUp: beside(all, from, -1),
  }[key];
  if (to) go(to);
  return Boolean(to);
}

const actions = {
  "/": () => /** @type {HTMLInputElement} */ ($("q")).select(),
  "?": () => dialog.showModal(),
  j: () => section(1),
  k: () => section(-1),
  p: () => /** @type {HTMLElement|null|undefined} */ (document.activeElement?.closest(".item")?.querySelector(".play"))?.click(),
  a: () => {
    const at = here();
    if (at) toggleAll(at);
  },
  e: () => /** @type {HTMLElement|null} */ (document.querySelector("a.explain"))?.click(),
};

/** begin listens to the keyboard. @param {() => void} escape is called when nothing else takes Escape */
export function begin(escape) {
  document.addEventListener("keydown", (e) => {
    const target = /** @type {Element} */ (e.target);
    if (e.defaultPrevented || e.ctrlKey || e.metaKey || e.altKey || dialog.open) return;
    if (e.key === "Escape") return escape();
    if (target.matches("input, select, textarea")) return;
    const act = actions[e.key];
    if (act) act();
    else if (!within(e.key)) return;
    e.preventDefault();
  });
  $("help").addEventListener("click", () => dialog.showModal());
}
