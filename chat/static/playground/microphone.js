/**
 * The microphone, and what can be the matter with it.
 *
 * @import { MicrophoneFormat } from "./microphone-worklet.js"
 * @typedef {"insecure" | "denied" | "missing" | "busy" | "failed"} MicrophoneFault
 * @typedef {"lost" | "muted" | "silent" | "heard"} MicrophoneChange
 *   lost: unplugged; muted: by the device; silent: not a sound for a while; heard: all is well
 * @typedef {{
 *   onVoice: (samples: Int16Array) => void, onChange: (change: MicrophoneChange) => void,
 *   format: MicrophoneFormat
 * }} MicrophoneOptions `onVoice` gets piece after piece in that format, as they are spoken
 */

const SILENT_AFTER_MS = 5_000;
// A microphone that works hears at least its own noise.
const SILENCE = 2;

export class MicrophoneError extends Error {
  /**
   * @param {MicrophoneFault} fault
   * @param {string} name the browser's own
   */
  constructor(fault, name) {
    super(name);
    this.fault = fault;
  }
}

/** @type {Record<string, MicrophoneFault>} */
const FAULTS = {
  NotAllowedError: "denied",
  SecurityError: "denied",
  NotFoundError: "missing",
  OverconstrainedError: "missing",
  NotReadableError: "busy",
  AbortError: "busy",
};

/** Throws a `MicrophoneError` where browsers have neither microphones nor worklets. */
export function requireSecurePage() {
  if (!window.isSecureContext || !navigator.mediaDevices) {
    throw new MicrophoneError("insecure", "insecure context");
  }
}

export class Microphone {
  /**
   * Asks the person for the microphone. Rejected with a `MicrophoneError`.
   *
   * @param {AudioContext} context with the worklet's module loaded
   * @param {MicrophoneOptions} options
   */
  static async open(context, options) {
    /** @type {MediaStream | undefined} */
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({
        audio: { channelCount: 1, echoCancellation: true, noiseSuppression: true },
      });
      return new Microphone(context, stream, options);
    } catch (error) {
      for (const track of stream?.getTracks() ?? []) track.stop();
      const name = error instanceof Error ? error.name : String(error);
      throw new MicrophoneError(FAULTS[name] ?? "failed", name);
    }
  }

  /**
   * @param {AudioContext} context
   * @param {MediaStream} stream
   * @param {MicrophoneOptions} options
   */
  constructor(context, stream, options) {
    this.#stream = stream;
    this.#options = options;
    const { format } = options;
    this.#chunkMs = (format.chunk / format.rate) * 1000;
    this.#source = context.createMediaStreamSource(stream);
    this.#node = new AudioWorkletNode(context, "playground-microphone", {
      numberOfOutputs: 0,
      processorOptions: format,
    });
    this.#node.port.onmessage = (/** @type {MessageEvent<Int16Array>} */ { data }) =>
      this.#hear(data);
    this.#source.connect(this.#node);
    for (const track of stream.getAudioTracks()) {
      track.addEventListener("ended", () => options.onChange("lost"));
      track.addEventListener("mute", () => this.#tell("muted"));
      track.addEventListener("unmute", () => this.#tell("heard"));
    }
  }

  #stream;
  #options;
  #source;
  #node;
  #chunkMs;
  #silentMs = 0;
  /** @type {MicrophoneChange} */
  #told = "heard";

  /** Where a level meter listens. @type {AudioNode} */
  get output() {
    return this.#source;
  }

  close() {
    this.#node.port.onmessage = null;
    this.#source.disconnect();
    for (const track of this.#stream.getTracks()) track.stop();
  }

  /** @param {Int16Array} samples */
  #hear(samples) {
    const silent = samples.every((sample) => Math.abs(sample) < SILENCE);
    this.#silentMs = silent ? this.#silentMs + this.#chunkMs : 0;
    if (this.#told !== "muted") this.#tell(this.#silentMs >= SILENT_AFTER_MS ? "silent" : "heard");
    this.#options.onVoice(samples);
  }

  /** @param {MicrophoneChange} change */
  #tell(change) {
    if (change === this.#told) return;
    this.#told = change;
    this.#options.onChange(change);
  }
}
