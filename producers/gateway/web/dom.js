// @ts-check
// Small helpers for the document. Data becomes text and attributes, never markup.

/** @param {string} id */
export const $ = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

/** clone returns a copy of what a template holds. @param {string} id */
export function clone(id) {
  const template = /** @type {HTMLTemplateElement} */ ($(id));
  return /** @type {HTMLElement} */ (template.content.firstElementChild?.cloneNode(true));
}

/**
 * fill sets the text of named parts. An empty optional part goes away.
 * @param {HTMLElement} root @param {Record<string, string|undefined>} texts @param {string[]} optional
 */
export function fill(root, texts, optional = []) {
  for (const [name, text] of Object.entries(texts)) {
    const part = root.querySelector(`[data-f="${name}"]`);
    if (!part) continue;
    part.textContent = text ?? "";
    if (!text && optional.includes(name)) part.remove();
  }
  return root;
}

/**
 * h makes an element: h("p", { class: "x" }, "text", child).
 * @param {string} tag @param {Record<string, any>} [attributes] @param {...(Node|string|number|null|undefined)} kids
 */
export function h(tag, attributes = {}, ...kids) {
  const el = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== null && value !== false) el.setAttribute(name, value === true ? "" : String(value));
  }
  for (const kid of kids) {
    if (kid !== null && kid !== undefined) el.append(kid instanceof Node ? kid : String(kid));
  }
  return el;
}

/**
 * bar returns a picture of parts of a line from 0 to 100: [class, start, width].
 * @param {[string, number, number][]} parts
 */
export function bar(parts) {
  const ns = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(ns, "svg");
  const set = (/** @type {Element} */ el, /** @type {Record<string, any>} */ at) => {
    for (const [k, v] of Object.entries(at)) el.setAttribute(k, String(v));
    return el;
  };
  set(svg, { viewBox: "0 0 100 6", preserveAspectRatio: "none", "aria-hidden": "true" });
  for (const [kind, x, width] of parts) {
    svg.append(set(document.createElementNS(ns, "rect"), { class: kind, x: x.toFixed(2), width: width.toFixed(2), height: 6 }));
  }
  return svg;
}

/** percent does not call a share all before it is. @param {number} x */
export const percent = (x) => (x > 0.99 && x < 1 ? "> 99 %" : `${Math.round(100 * x)} %`);

/** millis shows a duration with as many digits as it deserves. @param {number} ms */
export function millis(ms) {
  if (ms < 0.1) return `${Math.round(1000 * ms)} µs`;
  return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
}

/** dollars shows two digits of however small an amount. @param {number} usd */
export function dollars(usd) {
  if (!(usd > 0)) return "$0";
  return `$${usd.toFixed(Math.min(Math.max(1 - Math.floor(Math.log10(usd)), 2), 9))}`;
}
