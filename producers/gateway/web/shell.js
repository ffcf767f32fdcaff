// @ts-check
// What every page has: the search box with its suggestions, the theme and the keys.

import { $ } from "./dom.js";
import { keep, remember } from "./keep.js";
import { begin as beginKeys } from "./keys.js";
import { begin as beginSuggesting } from "./suggest.js";

const THEMES = ["system", "light", "dark"];

function beginTheme() {
  const root = document.documentElement;
  const button = $("theme");
  const name = () => root.dataset.theme ?? THEMES[0];
  const label = () => {
    /** @type {HTMLElement} */ (button.querySelector("span")).textContent = name();
  };
  label();
  button.addEventListener("click", () => {
    const next = THEMES[(THEMES.indexOf(name()) + 1) % THEMES.length];
    if (next === THEMES[0]) delete root.dataset.theme;
    else root.dataset.theme = next;
    keep("localStorage", "pfr-theme", next === THEMES[0] ? null : next);
    label();
  });
}

/** begin wires the frame of a page. @param {{escape?: () => void}} [on] */
export function begin(on = {}) {
  beginTheme();
  beginSuggesting();
  beginKeys(on.escape ?? (() => {}));
  $("search").addEventListener("submit", () => {
    const query = /** @type {HTMLInputElement} */ ($("q")).value.trim();
    if (query) remember(query);
  });
}

