/**
 * The loudspeaker: a queue of samples with marks between them, played at the device's rate.
 *
 * @typedef {{type: string, value: string}} Mark given back when it is reached
 * @typedef {{samples: Int16Array} | {mark: Mark} | "clear"} ToPlayer
 * @typedef {{mark: Mark} | {stats: PlayerStats}} FromPlayer
 * @typedef {{received: number, played: number, cleared: number, queued: number}} PlayerStats
 *   in samples as they came
 */

import { Sinc } from "../chat/sinc.js";
import { scope } from "./worklet-scope.js";

// Two minutes at 8 kHz: the server sends little ahead; what is more than this is not played.
const ROOM = 2 ** 20;
// Begin when so much is there, or has been there for so long.
const START_S = 0.1;
// What is cut off fades out within 5 ms, so that it does not click.
const FADE_S = 0.005;
const REPORT_S = 0.1;

class PlayerProcessor extends scope.AudioWorkletProcessor {
  /** @param {{processorOptions: {rate: number}}} options */
  constructor({ processorOptions: { rate } }) {
    super();
    this.step = rate / scope.sampleRate;
    this.start = rate * START_S;
    this.fade = rate * FADE_S;
    this.sinc = new Sinc(12, 1);
    this.queue = new Float32Array(ROOM);
    // Both count samples from the first one ever.
    this.end = 0;
    this.at = 0;
    this.fadeEnd = 0;
    this.playing = false;
    this.waited = 0;
    this.sinceReport = 0;
    /** @type {{at: number, mark: Mark}[]} */
    this.marks = [];
    this.received = this.cleared = 0;
    this.port.onmessage = (/** @type {MessageEvent<ToPlayer>} */ event) => this.take(event.data);
  }

  /** @param {ToPlayer} told */
  take(told) {
    if (told === "clear") this.clear();
    else if ("mark" in told) this.marks.push({ at: this.end, mark: told.mark });
    else this.push(told.samples);
  }

  /** @param {Int16Array} samples */
  push(samples) {
    this.received += samples.length;
    const room = Math.max(0, ROOM - this.fade - Math.ceil(this.end - this.at));
    for (const sample of samples.subarray(0, room)) {
      this.queue[this.end++ % ROOM] = sample / 32_768;
    }
    this.cleared += Math.max(0, samples.length - room);
  }

  clear() {
    const end = this.playing
      ? Math.min(this.end, Math.ceil(this.at) + this.fade)
      : Math.ceil(this.at);
    this.cleared += this.end - end;
    this.end = this.fadeEnd = end;
    this.marks = [];
  }

  /**
   * @param {Float32Array[][]} _inputs
   * @param {Float32Array[][]} outputs
   */
  process(_inputs, outputs) {
    const out = outputs[0]?.[0];
    if (!out) return true;
    const queued = this.end - this.at;
    this.waited = queued > 0 && !this.playing ? this.waited + out.length * this.step : 0;
    if (queued > 0 && (queued >= this.start || this.waited >= this.start)) this.playing = true;
    if (this.playing) this.play(out);
    this.passMarks();
    this.sinceReport += out.length / scope.sampleRate;
    if (this.sinceReport >= REPORT_S) this.report();
    return true;
  }

  /** @param {Float32Array} out */
  play(out) {
    for (let index = 0; index < out.length; index += 1) {
      if (this.at >= this.end) {
        this.playing = false;
        this.at = this.end;
        return;
      }
      const fade = this.at < this.fadeEnd ? (this.fadeEnd - this.at) / this.fade : 1;
      out[index] = this.sinc.read(this.queue, this.at, this.end) * Math.min(1, fade);
      this.at += this.step;
    }
  }

  passMarks() {
    for (let first = this.marks[0]; first && this.at >= first.at; first = this.marks[0]) {
      this.marks.shift();
      this.tell({ mark: first.mark });
      this.report();
    }
  }

  report() {
    this.sinceReport = 0;
    const { received, cleared } = this;
    const played = Math.floor(this.at);
    this.tell({ stats: { received, played, cleared, queued: this.end - played } });
  }

  /** @param {FromPlayer} message */
  tell(message) {
    this.port.postMessage(message);
  }
}

scope.registerProcessor("playground-player", PlayerProcessor);
