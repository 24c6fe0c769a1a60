/** The microphone's side of microphone.js: hears, and posts a `Captured` for every 20 ms. */

import { Capture } from "./capture.js";

/**
 * What an AudioWorkletGlobalScope has and TypeScript's DOM library does not know.
 *
 * @type {{
 *   sampleRate: number,
 *   AudioWorkletProcessor: new () => {port: MessagePort},
 *   registerProcessor: (name: string, processor: unknown) => void
 * }}
 */
const scope = /** @type {any} */ (globalThis);

class MicrophoneProcessor extends scope.AudioWorkletProcessor {
  constructor() {
    super();
    this.capture = new Capture(scope.sampleRate);
  }

  /** @param {Float32Array[][]} inputs */
  process(inputs) {
    const input = inputs[0]?.[0];
    if (!input) return true;
    for (const captured of this.capture.push(input)) {
      this.port.postMessage(captured, [captured.samples.buffer]);
    }
    return true;
  }
}

scope.registerProcessor("voicechat-microphone", MicrophoneProcessor);
