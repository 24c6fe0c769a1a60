/**
 * The microphone of the device: opens it, tells why it cannot be opened or is silent, and hands on
 * what it hears.
 *
 * @import { Captured } from "./capture.js"
 * @import { CaptureSettings } from "./settings.js"
 *
 * @typedef {"insecure" | "unsupported" | "denied" | "denied_by_system" | "dismissed" | "no_device"
 *   | "in_use" | "unplugged" | "failed"} MicrophoneProblem
 *   dismissed: the browser asked and was not answered
 * @typedef {"silent" | "muted_by_system" | "interrupted"} MicrophoneTrouble while it is open
 * @typedef {{name: "closed"} | {name: "opening", asking: boolean}
 *   | {name: "open", trouble: MicrophoneTrouble | null}
 *   | {name: "failed", problem: MicrophoneProblem}} MicrophoneState
 *   asking: the browser asks the person for permission
 * @typedef {{
 *   workletUrl: string, onState: (state: MicrophoneState) => void,
 *   onFrame: (captured: Captured) => void, onMissing: () => void
 * }} MicrophoneOptions `onMissing`: the chosen one is not there, the default one is taken
 */

import { problemOf } from "./microphone-problems.js";

// No microphone in use is without any noise for so long.
const SILENT_AFTER_MS = 5_000;
const SILENCE = 1 / 32_768;
const STARTING_MS = 500;

export class Microphone {
  /** @param {MicrophoneOptions} options */
  constructor(options) {
    this.#options = options;
  }

  #options;
  /** @type {MicrophoneState} */
  #state = { name: "closed" };
  /** Counts what was begun: an answer that comes after the next `open` or `close` is too late. */
  #attempt = 0;
  /** @type {AudioContext | null} */
  #context = null;
  /** @type {AudioWorkletNode | null} */
  #node = null;
  /** @type {MediaStream | null} */
  #stream = null;
  /** @type {MediaStreamAudioSourceNode | null} */
  #source = null;
  /** @type {Set<MicrophoneTrouble>} */
  #troubles = new Set();
  #heardAt = 0;
  #frames = 0;
  #level = 0;

  get state() {
    return this.#state;
  }

  /** Why there is none here, whatever the person does; null if there may be. */
  get missing() {
    if (!window.isSecureContext) return "insecure";
    if (!navigator.mediaDevices?.getUserMedia || typeof AudioWorkletNode !== "function")
      return "unsupported";
    return null;
  }

  /** Root mean square of the newest 20 ms, 0 to 1. */
  get level() {
    return this.#state.name === "open" ? this.#level : 0;
  }

  /**
   * To be called within a gesture of the person: Safari starts no context otherwise.
   *
   * @param {CaptureSettings} wishes
   */
  async open(wishes) {
    this.#release();
    const attempt = this.#attempt;
    if (this.missing) {
      this.#setState({ name: "failed", problem: this.missing });
      return;
    }
    this.#setState({ name: "opening", asking: false });
    const context = new AudioContext({ latencyHint: "interactive" });
    this.#context = context;
    context.resume().catch(() => undefined);
    let permission = "";
    try {
      permission = await permissionState();
      if (attempt === this.#attempt && permission === "prompt")
        this.#setState({ name: "opening", asking: true });
      const stream = await this.#streamFor(wishes);
      if (attempt !== this.#attempt) {
        stopAll(stream);
        return;
      }
      this.#stream = stream;
      await loadWorklet(context, this.#options.workletUrl);
      if (attempt === this.#attempt) this.#connect(context, stream);
    } catch (error) {
      if (attempt !== this.#attempt) return;
      this.#release();
      const released = this.#attempt;
      const now = await permissionState();
      if (released !== this.#attempt) return;
      this.#setState({ name: "failed", problem: problemOf(error, now || permission) });
    }
  }

  /**
   * Another device, or other processing. One that is open goes on until the other is there, so that
   * what is being said stays one stretch of sound.
   *
   * @param {CaptureSettings} wishes
   */
  async change(wishes) {
    const context = this.#context;
    const node = this.#node;
    if (this.#state.name !== "open" || !context || !node) return this.open(wishes);
    this.#attempt += 1;
    const attempt = this.#attempt;
    /** @type {MediaStream | null} */
    let stream = null;
    try {
      stream = await this.#streamFor(wishes);
      if (attempt === this.#attempt) this.#plug(context, node, stream);
      else stopAll(stream);
    } catch {
      if (stream) stopAll(stream);
      // Some browsers do not open a second one beside the first.
      if (attempt === this.#attempt) await this.open(wishes);
    }
  }

  close() {
    this.#release();
    this.#setState({ name: "closed" });
  }

  /** After a telephone call or another page had the sound; within a gesture of the person. */
  resume() {
    this.#context?.resume().catch(() => undefined);
  }

  /** The microphones there are. Their labels are empty until the person has allowed the use of one. */
  async devices() {
    if (this.missing) return [];
    const devices = await navigator.mediaDevices.enumerateDevices();
    return devices.filter((device) => device.kind === "audioinput" && device.deviceId);
  }

  /** What tests and bug reports want to know. */
  stats() {
    return {
      state: this.#state,
      frames: this.#frames,
      level: this.level,
      sampleRate: this.#context?.sampleRate ?? null,
      track: this.#stream?.getAudioTracks()[0]?.label ?? null,
    };
  }

  /** @param {CaptureSettings} wishes */
  async #streamFor({ device, echoCancellation, noiseSuppression, autoGainControl }) {
    const audio = { echoCancellation, noiseSuppression, autoGainControl };
    if (!device) return navigator.mediaDevices.getUserMedia({ audio });
    try {
      return await navigator.mediaDevices.getUserMedia({
        audio: { ...audio, deviceId: { exact: device } },
      });
    } catch (error) {
      const name = error instanceof DOMException ? error.name : "";
      // Safari's OverconstrainedError is no DOMException.
      if (name && name !== "NotFoundError" && name !== "OverconstrainedError") throw error;
      const stream = await navigator.mediaDevices.getUserMedia({ audio });
      this.#options.onMissing();
      return stream;
    }
  }

  /**
   * @param {AudioContext} context
   * @param {MediaStream} stream
   */
  #connect(context, stream) {
    const node = new AudioWorkletNode(context, "voicechat-microphone", {
      outputChannelCount: [1],
      channelCount: 1,
      channelCountMode: "explicit",
    });
    node.port.onmessage = (/** @type {MessageEvent<Captured>} */ event) => {
      if (this.#context === context) this.#hear(event.data);
    };
    // Its output is silence; without a way to the loudspeaker some browsers do not run it.
    node.connect(context.destination);
    const interrupted = () =>
      this.#note("interrupted", this.#context === context && context.state !== "running");
    context.addEventListener("statechange", () => {
      // It may only be starting.
      if (context.state === "running") interrupted();
      else setTimeout(interrupted, STARTING_MS);
    });
    setTimeout(interrupted, STARTING_MS);
    this.#node = node;
    this.#plug(context, node, stream);
    this.#setState({ name: "open", trouble: null });
    this.#note("muted_by_system", stream.getAudioTracks()[0]?.muted === true);
  }

  /**
   * What comes is from this stream now.
   *
   * @param {AudioContext} context
   * @param {AudioWorkletNode} node
   * @param {MediaStream} stream
   */
  #plug(context, node, stream) {
    const [track] = stream.getAudioTracks();
    if (!track) throw new DOMException("a stream without sound", "NotFoundError");
    const source = context.createMediaStreamSource(stream);
    this.#source?.disconnect();
    source.connect(node);
    if (this.#stream && this.#stream !== stream) stopAll(this.#stream);
    this.#source = source;
    this.#stream = stream;
    this.#heardAt = performance.now();
    track.addEventListener("ended", () => {
      if (this.#stream !== stream) return;
      this.#release();
      this.#setState({ name: "failed", problem: "unplugged" });
    });
    const mute = () => {
      if (this.#stream === stream) this.#note("muted_by_system", track.muted);
    };
    track.addEventListener("mute", mute);
    track.addEventListener("unmute", mute);
    mute();
  }

  /** @param {Captured} captured */
  #hear(captured) {
    this.#frames += 1;
    this.#level = captured.rms;
    const now = performance.now();
    if (captured.peak > SILENCE) this.#heardAt = now;
    this.#note("silent", now - this.#heardAt >= SILENT_AFTER_MS);
    this.#options.onFrame(captured);
  }

  /**
   * @param {MicrophoneTrouble} trouble
   * @param {boolean} there
   */
  #note(trouble, there) {
    if (this.#state.name !== "open" || this.#troubles.has(trouble) === there) return;
    if (there) this.#troubles.add(trouble);
    else this.#troubles.delete(trouble);
    // What explains the most first: who is muted or interrupted is silent, too.
    const order = /** @type {const} */ (["interrupted", "muted_by_system", "silent"]);
    this.#setState({
      name: "open",
      trouble: order.find((one) => this.#troubles.has(one)) ?? null,
    });
  }

  #release() {
    this.#attempt += 1;
    if (this.#stream) stopAll(this.#stream);
    this.#stream = null;
    this.#source = null;
    this.#node = null;
    void this.#context?.close();
    this.#context = null;
    this.#troubles.clear();
    this.#level = 0;
  }

  /** @param {MicrophoneState} state */
  #setState(state) {
    this.#state = state;
    this.#options.onState(state);
  }
}

/** @param {MediaStream} stream */
function stopAll(stream) {
  for (const track of stream.getTracks()) track.stop();
}

/**
 * Its error would otherwise read like one of the microphone's.
 *
 * @param {AudioContext} context
 * @param {string} url
 */
async function loadWorklet(context, url) {
  try {
    await context.audioWorklet.addModule(url);
  } catch (cause) {
    throw new Error("the worklet could not be loaded", { cause });
  }
}

/** @returns {Promise<string>} "granted", "denied", "prompt"; empty where the browser does not tell */
async function permissionState() {
  try {
    const name = /** @type {PermissionName} */ ("microphone");
    return (await navigator.permissions.query({ name })).state;
  } catch {
    return "";
  }
}
