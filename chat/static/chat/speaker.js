/**
 * The bot's voice: an AudioContext at the device's own rate, with the worklet that plays.
 *
 * @import { AudioFrame } from "./frames.js"
 * @import { FromWorklet, ToWorklet } from "./speaker-worklet.js"
 *
 * @typedef {"unavailable" | "idle" | "running" | "blocked" | "interrupted"} SpeakerState
 *   blocked: the browser wants a gesture first; interrupted: something else (a telephone call) has the sound
 * @typedef {{
 *   workletUrl: string,
 *   onPlayed: (reply: string, ms: number, done: boolean) => void,
 *   onState: (state: SpeakerState) => void
 * }} SpeakerOptions
 */

import { isOlder, SampleJoiner } from "./frames.js";

export const SAMPLE_RATE = 24_000;
// How long a context may take to start before the person is asked to tap.
const BLOCKED_AFTER_MS = 300;

export class Speaker {
  /** @param {SpeakerOptions} options */
  constructor(options) {
    this.#options = options;
    this.#state = typeof AudioWorkletNode === "function" ? "idle" : "unavailable";
  }

  #options;
  /** @type {SpeakerState} */
  #state;
  /** @type {AudioContext | null} */
  #context = null;
  /** @type {AudioWorkletNode | null} */
  #node = null;
  /** @type {GainNode | null} */
  #gain = null;
  /** @type {AnalyserNode | null} */
  #analyser = null;
  #levels = new Float32Array(512);
  /** What came before the worklet was loaded. @type {ToWorklet[]} */
  #early = [];
  #joiner = new SampleJoiner();
  #generation = 0;
  #reply = "";
  #held = false;
  #muted = false;
  #dropped = 0;
  #receivedBytes = 0;
  /** @type {FromWorklet & {at: number}} */
  #report = {
    position: null,
    playing: false,
    queuedMs: 0,
    stats: { received: 0, played: 0, flushed: 0, overflowed: 0, underruns: 0 },
    at: 0,
  };

  get state() {
    return this.#state;
  }

  get playing() {
    return this.#report.playing;
  }

  /** Starts or resumes the sound. To be called within a gesture of the person where one is needed. */
  wake() {
    if (this.#state === "unavailable") return;
    if (!this.#context) this.#build();
    const context = /** @type {AudioContext | null} */ (this.#context);
    if (!context || context.state === "running") return;
    // Rejected where the browser wants another gesture; `#watch` tells the person.
    context.resume().catch(() => undefined);
  }

  /**
   * Audio that follows belongs to this reply.
   *
   * @param {string} reply
   * @param {number | null} generation null: as before
   */
  follow(reply, generation = null) {
    if (generation !== null) {
      this.#generation = generation;
      this.#held = false;
      this.setMuted(false);
    }
    if (this.#reply !== reply) this.#joiner.reset();
    this.#reply = reply;
  }

  /** @param {AudioFrame} frame */
  push(frame) {
    this.#receivedBytes += frame.payload.length;
    if (this.#held || isOlder(frame.generation, this.#generation)) {
      this.#dropped += 1;
      return;
    }
    if (!this.#context) this.wake();
    if (frame.first) this.#joiner.reset();
    const samples = this.#joiner.join(frame.payload);
    const { position, last } = frame;
    this.#post({ type: "push", samples, reply: this.#reply, position, last });
    this.#watch();
  }

  /**
   * The server's `clear`: nothing older than `generation` shall sound, now or later.
   *
   * @param {number} generation
   */
  clear(generation) {
    this.#generation = generation;
    this.#held = false;
    this.#flush();
  }

  /** Silence at once, before the server knows. Lasts until its next `clear` or reply. */
  hold() {
    this.#held = true;
    this.#flush();
  }

  /** The server did not want to be interrupted after all. */
  release() {
    this.#held = false;
  }

  /** A new socket counts generations anew. */
  reset() {
    this.#generation = 0;
    this.#held = false;
    this.#flush();
  }

  /**
   * Unheard but not stopped, so that the reply goes on by its own clock.
   *
   * @param {boolean} muted
   */
  setMuted(muted) {
    this.#muted = muted;
    if (this.#gain && this.#context) {
      this.#gain.gain.setTargetAtTime(muted ? 0 : 1, this.#context.currentTime, 0.005);
    }
  }

  /**
   * How much of a reply has left the loudspeaker by now, in ms; null if it is not the one playing.
   *
   * @param {string} reply
   */
  heardMs(reply) {
    const { position, playing, queuedMs, at } = this.#report;
    if (!position || position.reply !== reply) return null;
    const since = playing ? Math.min(performance.now() - at, queuedMs) : 0;
    const latency = this.#context?.outputLatency || this.#context?.baseLatency || 0;
    return Math.max(0, position.ms + since - latency * 1000);
  }

  /** Root mean square of what sounds now, 0 to 1. */
  level() {
    if (!this.#analyser || !this.#report.playing) return 0;
    this.#analyser.getFloatTimeDomainData(this.#levels);
    let sum = 0;
    for (const value of this.#levels) sum += value * value;
    return Math.sqrt(sum / this.#levels.length);
  }

  /** What tests and bug reports want to know. */
  stats() {
    return {
      state: this.#state,
      playing: this.#report.playing,
      queuedMs: this.#report.queuedMs,
      sampleRate: this.#context?.sampleRate ?? null,
      receivedBytes: this.#receivedBytes,
      droppedFrames: this.#dropped,
      level: this.level(),
      ...this.#report.stats,
    };
  }

  #build() {
    try {
      this.#context = new AudioContext({ latencyHint: "interactive" });
    } catch {
      this.#setState("unavailable");
      return;
    }
    const context = this.#context;
    this.#analyser = context.createAnalyser();
    this.#analyser.fftSize = this.#levels.length;
    this.#gain = context.createGain();
    this.#gain.gain.value = this.#muted ? 0 : 1;
    this.#analyser.connect(this.#gain).connect(context.destination);
    context.addEventListener("statechange", () => this.#onStateChange());
    context.audioWorklet.addModule(this.#options.workletUrl).then(
      () => this.#connect(context),
      () => this.#setState("unavailable"),
    );
    this.#onStateChange();
  }

  /** @param {AudioContext} context */
  #connect(context) {
    this.#node = new AudioWorkletNode(context, "voicechat-speaker", {
      numberOfInputs: 0,
      outputChannelCount: [1],
      processorOptions: { inRate: SAMPLE_RATE },
    });
    this.#node.port.onmessage = (/** @type {MessageEvent<FromWorklet>} */ event) =>
      this.#onReport(event.data);
    this.#node.connect(/** @type {AnalyserNode} */ (this.#analyser));
    for (const message of this.#early.splice(0)) this.#post(message);
  }

  /** @param {ToWorklet} message */
  #post(message) {
    if (!this.#node) {
      this.#early.push(message);
    } else if (message.type === "push") {
      this.#node.port.postMessage(message, [message.samples.buffer]);
    } else {
      this.#node.port.postMessage(message);
    }
  }

  #flush() {
    this.#early = [];
    this.#joiner.reset();
    if (this.#node) this.#post({ type: "flush" });
  }

  /** @param {FromWorklet} report */
  #onReport(report) {
    this.#report = { ...report, at: performance.now() };
    const position = report.position;
    if (position) this.#options.onPlayed(position.reply, position.ms, position.done);
  }

  #onStateChange() {
    const state = /** @type {string} */ (this.#context?.state);
    if (state === "running") this.#setState("running");
    else if (state === "interrupted") this.#setState("interrupted");
    else if (this.#state === "running") this.#watch();
  }

  /** Tells the person when there is something to hear and the browser keeps it back. */
  #watch() {
    if (!this.#context || this.#context.state === "running" || this.#state === "unavailable")
      return;
    setTimeout(() => {
      if (this.#context?.state === "suspended" && this.#state !== "unavailable")
        this.#setState("blocked");
    }, BLOCKED_AFTER_MS);
  }

  /** @param {SpeakerState} state */
  #setState(state) {
    if (state === this.#state) return;
    this.#state = state;
    this.#options.onState(state);
  }
}
