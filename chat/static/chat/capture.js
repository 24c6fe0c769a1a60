/**
 * What the microphone hears, from the rate of the device to frames of 20 ms at 16 kHz. Pure, so that
 * it runs in the audio worklet and in tests alike. Its state is kept from block to block.
 *
 * The low-pass passes 0 to 6.4 kHz and takes 70 dB from what lies above 8.4 kHz, whatever the rate.
 *
 * @typedef {{samples: Int16Array<ArrayBuffer>, position: number, rms: number, peak: number}} Captured
 *   `position`: of the first sample, in samples at 16 kHz; `rms`, `peak`: 0 to 1
 */

import { VOICE_FRAME_SAMPLES, VOICE_RATE } from "./frames.js";
import { Sinc } from "./sinc.js";

const RING_SAMPLES = 2 ** 13;
// Zero crossings of the sinc on each side, and the middle of its slope as a share of 8 kHz.
const CROSSINGS = 22;
const CUTOFF = 0.925;

export class Capture {
  /** @param {number} inRate of the device, in Hz */
  constructor(inRate) {
    this.#step = inRate / VOICE_RATE;
    const down = Math.max(1, this.#step);
    this.#half = Math.ceil(CROSSINGS * down);
    this.#sinc = new Sinc(this.#half, down > 1 ? CUTOFF / down : 1);
  }

  #step;
  #half;
  #sinc;
  #ring = new Float32Array(RING_SAMPLES);
  #written = 0;
  /** Samples made so far. */
  #made = 0;
  #frame = new Int16Array(VOICE_FRAME_SAMPLES);
  #filled = 0;
  #square = 0;
  #peak = 0;

  /**
   * @param {Float32Array} input at most some thousand samples
   * @returns {Captured[]} the frames that are full now
   */
  push(input) {
    for (const sample of input) {
      this.#ring[this.#written % RING_SAMPLES] = sample;
      this.#written += 1;
    }
    const frames = [];
    for (
      let at = this.#made * this.#step;
      Math.floor(at) + this.#half < this.#written;
      at = this.#made * this.#step
    ) {
      this.#add(this.#sinc.read(this.#ring, at, this.#written));
      this.#made += 1;
      if (this.#filled === VOICE_FRAME_SAMPLES) frames.push(this.#take());
    }
    return frames;
  }

  /** @param {number} value */
  #add(value) {
    const clipped = Math.max(-1, Math.min(1, value));
    this.#frame[this.#filled] = Math.round(clipped * 32_767);
    this.#filled += 1;
    this.#square += clipped * clipped;
    this.#peak = Math.max(this.#peak, Math.abs(clipped));
  }

  /** @returns {Captured} */
  #take() {
    const captured = {
      samples: this.#frame,
      position: this.#made - VOICE_FRAME_SAMPLES,
      rms: Math.sqrt(this.#square / VOICE_FRAME_SAMPLES),
      peak: this.#peak,
    };
    this.#frame = new Int16Array(VOICE_FRAME_SAMPLES);
    this.#filled = this.#square = this.#peak = 0;
    return captured;
  }
}
