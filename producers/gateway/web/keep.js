// @ts-check
// What the browser keeps. One that keeps nothing still works: each visit starts anew.

/** @param {"localStorage"|"sessionStorage"} storage @param {string} key */
export function kept(storage, key) {
  try {
    return window[storage].getItem(key);
  } catch {
    return null;
  }
}

/** @param {"localStorage"|"sessionStorage"} storage @param {string} key @param {string|null} value null removes it */
export function keep(storage, key, value) {
  try {
    if (value === null) window[storage].removeItem(key);
    else window[storage].setItem(key, value);
  } catch {
    // Then it is not kept.
  }
}

/** uuid works on plain HTTP too, where crypto.randomUUID is missing. */
export function uuid() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const hex = Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20)}`;
}

/** identity returns an id that stays. @param {"localStorage"|"sessionStorage"} storage @param {string} key */
export function identity(storage, key) {
  const id = kept(storage, key) ?? uuid();
  keep(storage, key, id);
  return id;
}

const HISTORY = "pfr-history";
const REMEMBERED = 10;

/** history lists the last searches, the latest first. @returns {string[]} */
export function searches() {
  try {
    const list = JSON.parse(kept("localStorage", HISTORY) ?? "[]");
    return Array.isArray(list) ? list.filter((q) => typeof q === "string").slice(0, REMEMBERED) : [];
  } catch {
    return [];
  }
}

/** remember puts a search first. @param {string} query */
export function remember(query) {
  const same = (/** @type {string} */ q) => q.toLowerCase() === query.toLowerCase();
  const list = [query, ...searches().filter((q) => !same(q))].slice(0, REMEMBERED);
  keep("localStorage", HISTORY, JSON.stringify(list));
}

/** forget removes all searches. */
export const forget = () => keep("localStorage", HISTORY, null);
