// @ts-check
// Plots, drawn by hand as SVG. What they show stands in a table too, so that a plot is one
// picture with a name.

const NS = "http://www.w3.org/2000/svg";

/**
 * s makes an element of a picture.
 * @param {string} tag @param {Record<string, any>} [at] @param {...(Node|string)} kids
 */
export function s(tag, at = {}, ...kids) {
  const el = document.createElementNS(NS, tag);
  for (const [name, value] of Object.entries(at)) {
    if (value !== undefined && value !== null) el.setAttribute(name, typeof value === "number" ? String(Math.round(100 * value) / 100) : value);
  }
  el.append(...kids);
  return el;
}

/** scale maps from one range to another. @param {[number, number]} from @param {[number, number]} to */
export const scale = ([a, b], [x, y]) => (/** @type {number} */ v) => (b === a ? (x + y) / 2 : x + ((v - a) / (b - a)) * (y - x));

/** ticks returns round numbers between two others. @param {number} low @param {number} high @param {number} n about how many */
export function ticks(low, high, n) {
  const rough = Math.max(high - low, 1e-12) / n;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5].find((f) => f * power >= rough) ?? 10);
  const out = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; k++) out.push(k * step || 0);
  return out;
}

/** upTo returns a round number that is not below v. @param {number} v */
export function upTo(v) {
  if (!(v > 0)) return 1;
  const list = ticks(0, v, 4);
  const step = list[1] ?? v;
  return Math.ceil(v / step - 1e-9) * step;
}

/**
 * frame draws an empty plot with its axes. It returns the picture and where things go.
 * @param {{width: number, height: number, label: string, x: [number, number], y: [number, number], xTicks: number[], yTicks: number[], xText: (v: number) => string, yText: (v: number) => string}} o
 */
export function frame(o) {
  const texts = o.yTicks.map(o.yText);
  const left = 14 + 7 * Math.max(...texts.map((t) => t.length), 2);
  const box = { left, right: o.width - 14, top: 10, bottom: o.height - 26 };
  const x = scale(o.x, [box.left, box.right]);
  const y = scale(o.y, [box.bottom, box.top]);
  const svg = s("svg", { class: "plot", viewBox: `0 0 ${o.width} ${o.height}`, width: o.width, height: o.height, role: "img", "aria-label": o.label });
  o.yTicks.forEach((v, i) => {
    svg.append(s("line", { class: "grid", x1: box.left, x2: box.right, y1: y(v), y2: y(v) }));
    svg.append(s("text", { class: "tick", x: box.left - 8, y: y(v) + 4, "text-anchor": "end" }, texts[i]));
  });
  let free = -Infinity; // texts do not run into each other
  for (const v of o.xTicks) {
    const text = o.xText(v);
    const half = 3.6 * text.length;
    const at = Math.min(Math.max(x(v), half), o.width - half);
    svg.append(s("line", { class: "grid", x1: x(v), x2: x(v), y1: box.bottom, y2: box.bottom + 4 }));
    if (at - half < free) continue;
    svg.append(s("text", { class: "tick", x: at, y: box.bottom + 18, "text-anchor": "middle" }, text));
    free = at + half + 8;
  }
  return { svg, x, y, box };
}

/** path joins points. @param {[number, number][]} points */
export const path = (points) => points.map(([x, y], i) => `${i ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");

/**
 * runs splits points where more than gap lies between two of them.
 * @param {[number, number][]} points @param {number} gap @returns {[number, number][][]}
 */
export function runs(points, gap) {
  /** @type {[number, number][][]} */
  const out = [];
  for (const p of points) {
    const last = out.at(-1);
    if (last && p[0] - last[last.length - 1][0] <= gap) last.push(p);
    else out.push([p]);
  }
  return out;
}

/**
 * onWidth calls draw with the width of an element, now and whenever it changes.
 * @param {HTMLElement} el @param {(width: number) => void} draw
 */
export function onWidth(el, draw) {
  let width = 0;
  const look = () => {
    if (el.clientWidth === width || !el.clientWidth) return;
    width = el.clientWidth;
    draw(width);
  };
  new ResizeObserver(look).observe(el);
  look();
  return () => draw(width || 600);
}
