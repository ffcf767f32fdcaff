// A player without sound: it counts time ten times as fast as a clock and reports a
// stream, so that the way of interactions can be seen.

const SPEED = 10;
const LENGTH = 32_000; // simulated milliseconds; a stream counts from 30 s

export class Player {
  #el = document.getElementById("player");
  #timer = 0;
  #current = null;

  // onEnd is called with what was played and for how long, once for each play.
  constructor(onEnd) {
    this.onEnd = onEnd;
    this.#el.querySelector(".stop").addEventListener("click", () => this.stop());
  }

  // play starts an item: { title, artClass, mono, button, event }.
  play(item) {
    if (this.#current?.button === item.button) {
      this.stop();
      return;
    }
    this.stop();
    this.#current = { ...item, since: performance.now() };
    item.button.setAttribute("aria-pressed", "true");
    this.#el.querySelector(".art").className = item.artClass;
    this.#el.querySelector(".art span").textContent = item.mono;
    this.#el.querySelector(".now").textContent = item.title;
    this.#el.hidden = false;
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
    this.#el.hidden = true;
    this.onEnd(event, played);
  }

  #played() {
    return Math.min((performance.now() - this.#current.since) * SPEED, LENGTH);
  }

  #tick() {
    const played = this.#played();
    this.#el.querySelector("progress").value = (100 * played) / LENGTH;
    this.#el.querySelector(".what").textContent =
      `Simulation, no sound: ${Math.floor(played / 1000)} s of play at ${SPEED} times the speed` +
      (played >= 30_000 ? ", counts as a stream" : "");
    if (played >= LENGTH) this.stop();
  }
}
