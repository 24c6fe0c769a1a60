/**
 * What the loudspeaker plays, sample by sample: a ring of received samples, resampled to the rate of
 * the device as they are pulled. Pure, so that it runs in the audio worklet and in tests alike.
 *
 * - Playing starts when `START_MS` are there, or the sentence is complete; when it runs dry in the
 *   middle of a sentence, that is an underrun, and it waits for `START_MS` again.
 * - The resampler is a windowed sinc. It reads the ring at a fractional index and keeps no other
 *   state, so frames may be cut anywhere.
 * - Nothing stops with a click: what is cut fades out within `FADE_MS`.
 *
 * @typedef {{reply: string, ms: number, done: boolean}} Position `done`: all that came has been played
 * @typedef {{received: number, played: number, flushed: number, overflowed: number, underruns: number}} PlaybackStats
 *   in samples at the rate received, but for `underruns`
 */

import { Sinc } from "./sinc.js";

const START_MS = 80;
const FADE_MS = 5;
const RING_SAMPLES = 2 ** 20;
const HALF_TAPS = 12;

export class Playback {
  /**
   * @param {number} outRate of the device, in Hz
   * @param {number} inRate of what is pushed, in Hz
   */
  constructor(outRate, inRate) {
    this.#step = inRate / outRate;
    this.#perMs = inRate / 1000;
    this.#fade = Math.max(1, Math.round((outRate * FADE_MS) / 1000));
    this.#sinc = new Sinc(HALF_TAPS, Math.min(1, outRate / inRate));
  }

  #step;
  #perMs;
  #fade;
  #sinc;
  #ring = new Float32Array(RING_SAMPLES);
  // Both count from the first sample ever; the ring is addressed modulo its size.
  #written = 0;
  #read = 0;
  #ended = true;
  #playing = false;
  #gain = 0;
  #lastOut = 0;
  #tail = new Float32Array(0);
  #tailAt = 0;
  /** Where in the ring a reply, or a jump within it, begins. @type {{at: number, reply: string, position: number}[]} */
  #marks = [];
  /** @type {PlaybackStats} */
  stats = { received: 0, played: 0, flushed: 0, overflowed: 0, underruns: 0 };

  get playing() {
    return this.#playing;
  }

  /** How much waits to be played, in ms. */
  get queuedMs() {
    return Math.max(0, this.#written - this.#read) / this.#perMs;
  }

  /**
   * @param {Int16Array} samples
   * @param {{reply: string, position: number, last: boolean}} place `last`: the sentence ends here
   */
  push(samples, { reply, position, last }) {
    this.stats.received += samples.length;
    const mark = this.#marks.at(-1);
    if (!mark || mark.reply !== reply || mark.position + this.#written - mark.at !== position) {
      this.#marks.push({ at: this.#written, reply, position });
    }
    const room = RING_SAMPLES - HALF_TAPS - (this.#written - Math.floor(this.#read));
    const taken = Math.max(0, Math.min(room, samples.length));
    this.stats.overflowed += samples.length - taken;
    for (let i = 0; i < taken; i += 1) {
      this.#ring[(this.#written + i) % RING_SAMPLES] = /** @type {number} */ (samples[i]) / 32_768;
    }
    this.#written += taken;
    this.#ended = last;
  }

  /** Drops all that waits; what sounds now fades out. */
  flush() {
    if (this.#playing) {
      const tail = new Float32Array(this.#fade);
      this.#render(tail);
      for (let i = 0; i < tail.length; i += 1) {
        tail[i] = /** @type {number} */ (tail[i]) * (1 - (i + 1) / tail.length);
      }
      this.#setTail(tail);
    }
    this.stats.flushed += Math.max(0, this.#written - Math.floor(this.#read));
    this.#read = this.#written;
    this.#playing = false;
    this.#ended = true;
    this.#marks = [];
  }

  /**
   * Fills `out` with the next samples for the device.
   *
   * @param {Float32Array} out
   */
  pull(out) {
    out.fill(0);
    const waiting = this.#written - this.#read;
    if (!this.#playing && waiting > 0 && (this.#ended || waiting >= START_MS * this.#perMs)) {
      this.#playing = true;
      this.#gain = 0;
    }
    const rendered = this.#playing ? this.#render(out) : 0;
    // A fade begins where the sound before it stops.
    const from = rendered < out.length ? rendered : 0;
    for (let i = from; i < out.length && this.#tailAt < this.#tail.length; i += 1) {
      out[i] = /** @type {number} */ (out[i]) + /** @type {number} */ (this.#tail[this.#tailAt]);
      this.#tailAt += 1;
    }
  }

  /** @returns {Position | null} null before anything came, and after a flush */
  position() {
    const heard = Math.min(Math.floor(this.#read), this.#written);
    while (this.#marks.length > 1 && /** @type {{at: number}} */ (this.#marks[1]).at < heard) {
      this.#marks.shift();
    }
    const mark = this.#marks[0];
    if (!mark) return null;
    return {
      reply: mark.reply,
      ms: (mark.position + Math.max(0, heard - mark.at)) / this.#perMs,
      done: this.#ended && heard >= this.#written,
    };
  }

  /**
   * @param {Float32Array} out
   * @returns {number} how many samples of it there were
   */
  #render(out) {
    const before = Math.min(Math.floor(this.#read), this.#written);
    const rise = 1 / this.#fade;
    let i = 0;
    for (; i < out.length; i += 1) {
      if (
        this.#read >= this.#written ||
        (!this.#ended && this.#read + HALF_TAPS >= this.#written)
      ) {
        this.#runDry();
        break;
      }
      this.#gain = Math.min(1, this.#gain + rise);
      this.#lastOut = this.#sinc.read(this.#ring, this.#read, this.#written) * this.#gain;
      out[i] = this.#lastOut;
      this.#read += this.#step;
    }
    this.stats.played += Math.min(Math.floor(this.#read), this.#written) - before;
    return i;
  }

  #runDry() {
    this.#playing = false;
    if (this.#ended) {
      this.#read = this.#written;
      return;
    }
    this.stats.underruns += 1;
    const tail = new Float32Array(this.#fade);
    for (let i = 0; i < tail.length; i += 1) tail[i] = this.#lastOut * (1 - (i + 1) / tail.length);
    this.#setTail(tail);
  }

  /** @param {Float32Array<ArrayBuffer>} tail */
  #setTail(tail) {
    this.#tail = tail;
    this.#tailAt = 0;
  }
}
