/**
 * The loudspeaker's side of speaker.js: takes samples, plays them, and tells how far it has come.
 *
 * @typedef {{type: "push", samples: Int16Array, reply: string, position: number, last: boolean}
 *   | {type: "flush"}} ToWorklet
 * @typedef {{
 *   position: import("./playback.js").Position | null, playing: boolean, queuedMs: number,
 *   stats: import("./playback.js").PlaybackStats
 * }} FromWorklet
 */

import { Playback } from "./playback.js";

const REPORT_MS = 100;

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

class SpeakerProcessor extends scope.AudioWorkletProcessor {
  /** @param {{processorOptions: {inRate: number}}} options */
  constructor(options) {
    super();
    this.playback = new Playback(scope.sampleRate, options.processorOptions.inRate);
    this.reportEvery = (scope.sampleRate * REPORT_MS) / 1000;
    this.sinceReport = 0;
    this.port.onmessage = (/** @type {MessageEvent<ToWorklet>} */ event) =>
      this.receive(event.data);
  }

  /** @param {ToWorklet} message */
  receive(message) {
    if (message.type === "push") {
      this.playback.push(message.samples, message);
    } else {
      this.playback.flush();
      this.report();
    }
  }

  /**
   * @param {Float32Array[][]} _inputs
   * @param {Float32Array[][]} outputs
   */
  process(_inputs, outputs) {
    const channels = outputs[0] ?? [];
    const out = channels[0];
    if (!out) return true;
    const wasPlaying = this.playback.playing;
    this.playback.pull(out);
    for (const channel of channels.slice(1)) channel.set(out);
    this.sinceReport += out.length;
    const changed = wasPlaying !== this.playback.playing;
    if (changed || (this.playback.playing && this.sinceReport >= this.reportEvery)) this.report();
    return true;
  }

  report() {
    this.sinceReport = 0;
    /** @type {FromWorklet} */
    const report = {
      position: this.playback.position(),
      playing: this.playback.playing,
      queuedMs: this.playback.queuedMs,
      stats: this.playback.stats,
    };
    this.port.postMessage(report);
  }
}

scope.registerProcessor("voicechat-speaker", SpeakerProcessor);
