/** Samples between samples: a windowed sinc, read at a fractional index of a ring. Pure. */

const PHASES = 256;
const KAISER_BETA = 8;

export class Sinc {
  /**
   * @param {number} halfTaps how many samples it looks at on each side
   * @param {number} cutoff as a share of half the input's rate; 1: all that the input has
   */
  constructor(halfTaps, cutoff) {
    this.#half = halfTaps;
    this.#kernel = sincKernel(halfTaps, cutoff);
  }

  #half;
  #kernel;

  /**
   * @param {Float32Array} ring addressed modulo its size
   * @param {number} at counted from the first sample ever
   * @param {number} written how many samples there have been; those beyond count as zero
   */
  read(ring, at, written) {
    const taps = 2 * this.#half;
    const whole = Math.floor(at);
    const phase = (at - whole) * PHASES;
    const row = Math.floor(phase);
    const blend = phase - row;
    let sum = 0;
    for (let tap = 0; tap < taps; tap += 1) {
      const index = whole + tap - this.#half + 1;
      if (index < 0 || index >= written) continue;
      const near = /** @type {number} */ (this.#kernel[row * taps + tap]);
      const far = /** @type {number} */ (this.#kernel[(row + 1) * taps + tap]);
      const sample = /** @type {number} */ (ring[index % ring.length]);
      sum += sample * (near + (far - near) * blend);
    }
    return sum;
  }
}

/**
 * Rows of coefficients, one row for each fraction of a sample, each summing to 1.
 *
 * @param {number} half
 * @param {number} cutoff
 */
function sincKernel(half, cutoff) {
  const taps = 2 * half;
  const kernel = new Float32Array((PHASES + 1) * taps);
  for (let row = 0; row <= PHASES; row += 1) {
    let sum = 0;
    for (let tap = 0; tap < taps; tap += 1) {
      const x = tap - half + 1 - row / PHASES;
      const value = sinc(x * cutoff) * kaiser(x / half);
      kernel[row * taps + tap] = value;
      sum += value;
    }
    for (let tap = 0; tap < taps; tap += 1) {
      const at = row * taps + tap;
      kernel[at] = /** @type {number} */ (kernel[at]) / sum;
    }
  }
  return kernel;
}

/** @param {number} x */
function sinc(x) {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}

/** @param {number} x from -1 to 1 */
function kaiser(x) {
  return Math.abs(x) > 1 ? 0 : bessel0(KAISER_BETA * Math.sqrt(1 - x * x)) / bessel0(KAISER_BETA);
}

/** @param {number} x */
function bessel0(x) {
  let sum = 1;
  let term = 1;
  for (let k = 1; term > 1e-9 * sum; k += 1) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}
