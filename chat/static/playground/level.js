/** How loud something is, as the width of a bar. */

// Speech has a root mean square of about a fifth; this makes it fill the bar.
const GAIN = 4;
const FALL = 0.9;

export class Level {
  /** @param {HTMLElement} bar drawn by its custom property `--level`, from 0 to 1 */
  constructor(bar) {
    this.#bar = bar;
  }

  #bar;
  /** @type {AnalyserNode | null} */
  #analyser = null;
  #samples = new Float32Array(1024);
  #shown = 0;

  /** @param {AudioNode} node */
  listen(node) {
    this.#analyser = node.context.createAnalyser();
    this.#analyser.fftSize = this.#samples.length;
    node.connect(this.#analyser);
    requestAnimationFrame(() => this.#draw());
  }

  stop() {
    this.#analyser = null;
    this.#shown = 0;
    this.#bar.style.setProperty("--level", "0");
  }

  /** Root mean square, 0 to 1. */
  rms() {
    if (!this.#analyser) return 0;
    this.#analyser.getFloatTimeDomainData(this.#samples);
    let sum = 0;
    for (const sample of this.#samples) sum += sample * sample;
    return Math.sqrt(sum / this.#samples.length);
  }

  #draw() {
    if (!this.#analyser) return;
    this.#shown = Math.max(Math.min(1, this.rms() * GAIN), this.#shown * FALL);
    this.#bar.style.setProperty("--level", this.#shown.toFixed(3));
    requestAnimationFrame(() => this.#draw());
  }
}
