/**
 * What of the microphone is sent: all while it is open, or what is said while the person holds the
 * button. Nothing while it is muted.
 *
 * @import { Captured } from "./capture.js"
 * @import { ClientMessage, TalkMode } from "./types.js"
 *
 * @typedef {{
 *   open: boolean, bufferedBytes: number,
 *   send: (message: ClientMessage) => boolean, sendAudio: (frame: ArrayBuffer) => boolean
 * }} Line the socket
 * @typedef {{sent: number, dropped: number, unsent: number}} TalkStats in frames; dropped: the
 *   connection was too slow; unsent: there was none
 */

import { VOICE_FRAME_BYTES, VOICE_FRAME_MS, voiceFrame } from "./frames.js";

// What was said just before the button was pressed, and after it was let go, belongs to it.
const PRE_ROLL_FRAMES = 300 / VOICE_FRAME_MS;
const AFTER_FRAMES = 200 / VOICE_FRAME_MS;
// With more than a second under way, the newest speech would come too late to be of use.
const FULL_BYTES = (1000 / VOICE_FRAME_MS) * VOICE_FRAME_BYTES;

export class Talk {
  /**
   * @param {Line} line
   * @param {{mode: TalkMode, onSlow: () => void}} options `onSlow`: speech is being dropped
   */
  constructor(line, { mode, onSlow }) {
    this.#line = line;
    this.#mode = mode;
    this.#onSlow = onSlow;
  }

  #line;
  /** @type {TalkMode} */
  #mode;
  #onSlow;
  #open = false;
  #muted = false;
  #pressed = false;
  /** Frames still to be sent after the release; 0: not talking, unless pressed. */
  #after = 0;
  #sequence = 0;
  /** @type {Captured[]} */
  #preRoll = [];
  #told = "";
  /** @type {TalkStats} */
  stats = { sent: 0, dropped: 0, unsent: 0 };

  get mode() {
    return this.#mode;
  }

  get muted() {
    return this.#muted;
  }

  get pressed() {
    return this.#pressed;
  }

  open() {
    this.#open = true;
    this.#muted = false;
    this.#tell();
  }

  close() {
    this.#endSpeech();
    this.#open = false;
    this.#tell();
  }

  /** @param {TalkMode} mode */
  setMode(mode) {
    this.#endSpeech();
    this.#mode = mode;
    this.#muted = false;
    this.#tell();
  }

  /** @param {boolean} muted */
  setMuted(muted) {
    this.#muted = muted;
    this.#tell();
  }

  /** The person holds the button. */
  press() {
    if (!this.#open || this.#mode !== "push_to_talk" || this.#pressed) return;
    this.#pressed = true;
    // Pressed again before the last words were through: it is one utterance.
    if (this.#after > 0) this.#after = 0;
    else this.#startSpeech();
  }

  release() {
    if (!this.#pressed) return;
    this.#pressed = false;
    this.#after = AFTER_FRAMES;
  }

  /** There is a connection again, which knows nothing yet. */
  connected() {
    this.#told = "";
    if (!this.#open) return;
    this.#tell();
    this.#after = 0;
    if (this.#pressed) this.#startSpeech();
  }

  /** @param {Captured} captured */
  hear(captured) {
    if (!this.#open || this.#muted) return;
    if (this.#mode === "push_to_talk" && !this.#pressed && this.#after === 0) {
      this.#preRoll.push(captured);
      if (this.#preRoll.length > PRE_ROLL_FRAMES) this.#preRoll.shift();
      return;
    }
    this.#send(captured);
    if (this.#after > 0) {
      this.#after -= 1;
      if (this.#after === 0) this.#line.send({ type: "speech_stop" });
    }
  }

  #startSpeech() {
    this.#line.send({ type: "speech_start" });
    for (const captured of this.#preRoll.splice(0)) this.#send(captured);
  }

  #endSpeech() {
    if (this.#pressed || this.#after > 0) this.#line.send({ type: "speech_stop" });
    this.#pressed = false;
    this.#after = 0;
    this.#preRoll = [];
  }

  /** Tells the server how the microphone stands, if it does not know. */
  #tell() {
    const on = this.#open && !this.#muted;
    const told = `${on} ${this.#mode}`;
    if (told === this.#told || (!this.#told && !this.#open)) return;
    if (this.#line.send({ type: "microphone", on, mode: this.#mode })) this.#told = told;
  }

  /** @param {Captured} captured */
  #send({ samples, position }) {
    if (!this.#line.open) {
      this.stats.unsent += 1;
    } else if (this.#line.bufferedBytes > FULL_BYTES) {
      this.stats.dropped += 1;
      this.#onSlow();
    } else if (this.#line.sendAudio(voiceFrame(samples, this.#sequence, position))) {
      this.#sequence += 1;
      this.stats.sent += 1;
    }
  }
}
