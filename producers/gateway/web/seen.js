// @ts-check
// Impressions: which sections a listener has seen. A section counts once a page, after half
// of it, or as much of it as fills half of the window, was in view for a second.

const LONG = 1000; // milliseconds

/** @typedef {{section: HTMLElement, ms: number}} Seen */

export class Watcher {
  /** @type {Map<string, {el: HTMLElement, since: number, timer: number}>} */
  #inView = new Map(); // by section, those that wait for their second
  #told = new Set(); // sections of this page
  /** @type {Set<Element>} */
  #watched = new Set();
  /** @type {IntersectionObserver|null} */
  #observer = null;

  /** @param {(seen: Seen[]) => void} tell is called with sections that are seen, each once a page */
  constructor(tell) {
    this.tell = tell;
    document.addEventListener("visibilitychange", () => (document.hidden ? this.#pause() : this.#again()));
    addEventListener("pagehide", () => this.#pause());
  }

  /** watch looks at the sections of the page as they are now. @param {Iterable<Element>} sections */
  watch(sections) {
    this.#observer ??= new IntersectionObserver((entries) => entries.forEach((e) => this.#look(e)), { threshold: [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.75, 1] });
    const now = new Set([...sections].filter((el) => el.classList.contains("s-ok")));
    for (const el of this.#watched) if (!now.has(el)) this.#leave(el);
    for (const el of now) if (!this.#watched.has(el)) this.#observer.observe(el);
    this.#watched = now;
  }

  /** stop forgets the page: nothing of it is told any more. */
  stop() {
    this.#pause();
    this.#observer?.disconnect();
    this.#observer = null;
    this.#watched.clear();
    this.#told.clear();
  }

  /** @param {IntersectionObserverEntry} e */
  #look(e) {
    const el = /** @type {HTMLElement} */ (e.target);
    const id = el.dataset.section ?? "";
    const enough = e.isIntersecting && (e.intersectionRatio >= 0.5 || e.intersectionRect.height >= innerHeight / 2);
    if (!enough) return this.#out(id, el);
    const before = this.#inView.get(id);
    if (this.#told.has(id) || document.hidden || before?.el === el) return;
    // A section that was drawn anew goes on with its second.
    const since = before?.since ?? performance.now();
    clearTimeout(before?.timer);
    this.#inView.set(id, { el, since, timer: setTimeout(() => this.#seen(), Math.max(since + LONG - performance.now(), 0)) });
  }

  // #seen tells of all that have had their second, in one go.
  #seen() {
    const now = performance.now();
    const done = [...this.#inView].filter(([, v]) => now - v.since >= LONG - 5);
    for (const [id, v] of done) {
      clearTimeout(v.timer);
      this.#inView.delete(id);
      this.#told.add(id);
    }
    if (done.length) this.tell(done.map(([, v]) => ({ section: v.el, ms: Math.round(now - v.since) })));
  }

  /** @param {string} id @param {Element} el */
  #out(id, el) {
    const waiting = this.#inView.get(id);
    if (waiting?.el !== el) return; // another element stands for the section now
    clearTimeout(waiting.timer);
    this.#inView.delete(id);
  }

  /** @param {Element} el */
  #leave(el) {
    this.#observer?.unobserve(el);
    const id = /** @type {HTMLElement} */ (el).dataset.section ?? "";
    // Its successor, if there is one, is told of in the same frame and goes on.
    if (!document.contains(el)) requestAnimationFrame(() => setTimeout(() => this.#out(id, el)));
    else this.#out(id, el);
  }

  #pause() {
    for (const { timer } of this.#inView.values()) clearTimeout(timer);
    this.#inView.clear();
  }

  // #again begins anew after the page was hidden: an observer tells of changes only.
  #again() {
    const sections = [...this.#watched];
    this.#observer?.disconnect();
    this.#watched.clear();
    if (this.#observer) this.watch(sections);
  }
}
