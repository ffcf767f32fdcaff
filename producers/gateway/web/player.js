// @ts-check
// A player without sound: it counts time ten times as fast as a clock and reports a
// stream, so that the way of interactions can be seen.

import { $ } from "./dom.js";

const SPEED = 10;
const LENGTH = 32_000; // simulated milliseconds; a stream counts from 30 s

/** @typedef {{button: HTMLElement, title: string, artClass: string, mono: string, event: object}} Playing */

/** @param {string} selector */
const part = (selector) => /** @type {HTMLElement} */ ($("player").querySelector(selector));

export class Player {
  #timer = 0;
  /** @type {(Playing & {since: number})|null} */
  #current = null;

  /** @param {(event: object, played: number) => void} onEnd is told what was played and for how long, once for each play */
  constructor(onEnd) {
    this.onEnd = onEnd;
    part(".stop").addEventListener("click", () => this.stop());
  }

  /** play starts an item, or stops it if it plays. @param {Playing} item */
  play(item) {
    const again = this.#current?.button === item.button;
    this.stop();
    if (again) return;
    this.#current = { ...item, since: performance.now() };
    item.button.setAttribute("aria-pressed", "true");
    part(".art").className = item.artClass;
    part(".art span").textContent = item.mono;
    part(".now").textContent = item.title;
    $("player").hidden = false;
    this.#tick();
    this.#timer = setInterval(() => this.#tick(), 100);
  }

  stop() {
    if (!this.#current) return;
    clearInterval(this.#timer);
    const { button, event } = this.#current;
    const played = Math.round(this.#played());
    this.#current = null;
    button.removeAttribute("aria-pressed");
    $("player").hidden = true;
    this.onEnd(event, played);
  }

  #played() {
    return this.#current ? Math.min((performance.now() - this.#current.since) * SPEED, LENGTH) : 0;
  }

  #tick() {
    const played = this.#played();
    /** @type {HTMLProgressElement} */ (part("progress")).value = (100 * played) / LENGTH;
    part(".what").textContent =
      `Simulation, no sound: ${Math.floor(played / 1000)} s of play at ${SPEED} times the speed` +
      (played >= 30_000 ? ", counts as a stream" : "");
    if (played >= LENGTH) this.stop();
  }
}
