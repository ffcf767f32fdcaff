// @ts-check
// The way to sign in, beside a problem. It is there only where access is limited.

/**
 * offer shows the way to sign in, and back to here, if that may help.
 * @param {HTMLElement} problem @param {number} [status] of the answer
 * @returns {boolean} whether signing in is what is missing
 */
export function offer(problem, status) {
  const way = /** @type {HTMLElement|null} */ (problem.querySelector(".enter"));
  if (!way) return false;
  way.hidden = status !== 401 && status !== 403;
  way.querySelector("a")?.setAttribute("href", `/sign-in?${new URLSearchParams({ next: location.pathname + location.search })}`);
  return status === 401;
}
