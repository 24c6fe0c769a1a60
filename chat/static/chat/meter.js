/** What moves while the bot speaks: the level beside its name, and a call per picture for others. */

import { find } from "../voicechat/dom.js";

// Speech has a root mean square of about a fifth; this makes it fill the meter.
const GAIN = 4;

export class Meter {
  /**
   * @param {HTMLElement} root
   * @param {() => number} level 0 to 1
   * @param {() => boolean} onPicture drawn with every picture; false ends it
   */
  constructor(root, level, onPicture) {
    this.#bars = find(root, ".meter", HTMLElement);
    this.#level = level;
    this.#onPicture = onPicture;
  }

  #bars;
  #level;
  #onPicture;
  #running = false;
  #shown = 0;

  run() {
    if (this.#running) return;
    this.#running = true;
    requestAnimationFrame(() => this.#draw());
  }

  #draw() {
    const level = Math.min(1, this.#level() * GAIN);
    this.#shown = Math.max(level, this.#shown * 0.85);
    this.#bars.style.setProperty("--level", this.#shown.toFixed(3));
    this.#running = this.#onPicture();
    if (this.#running) requestAnimationFrame(() => this.#draw());
    else this.#bars.style.setProperty("--level", "0");
  }
}
