/**
 * The microphone, from the device's rate to another: posts pieces of samples (Int16Array).
 *
 * @typedef {{rate: number, chunk: number}} MicrophoneFormat samples a second, and in a piece
 */

import { Sinc } from "../chat/sinc.js";
import { scope } from "./worklet-scope.js";

const HISTORY = 2 ** 13;
// At 8 kHz the low-pass passes 0 to 3.4 kHz, as telephones do, and takes what would fold back above
// 4.3 kHz.
const CROSSINGS = 24;
const CUTOFF = 0.94;

class MicrophoneProcessor extends scope.AudioWorkletProcessor {
  /** @param {{processorOptions: MicrophoneFormat}} options */
  constructor({ processorOptions: { rate, chunk } }) {
    super();
    this.step = scope.sampleRate / rate;
    this.reach = Math.ceil(CROSSINGS * Math.max(1, this.step));
    this.lowPass = new Sinc(this.reach, CUTOFF / Math.max(1, this.step));
    this.history = new Float32Array(HISTORY);
    this.heard = 0;
    this.sent = 0;
    this.chunk = new Int16Array(chunk);
  }

  /** @param {Float32Array[][]} inputs */
  process(inputs) {
    for (const sample of inputs[0]?.[0] ?? []) {
      this.history[this.heard++ % HISTORY] = sample;
      const at = this.sent * this.step;
      if (at + this.reach + 1 <= this.heard) {
        this.add(this.lowPass.read(this.history, at, this.heard));
      }
    }
    return true;
  }

  /** @param {number} sample from -1 to 1, and a little beyond */
  add(sample) {
    this.chunk[this.sent++ % this.chunk.length] = Math.max(-1, Math.min(1, sample)) * 32_767;
    if (this.sent % this.chunk.length === 0) this.port.postMessage(this.chunk);
  }
}

scope.registerProcessor("playground-microphone", MicrophoneProcessor);
