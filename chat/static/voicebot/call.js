/**
 * One call by the VoiceBot protocol: JSON text with an `event`, audio as base64 S16LE at 8 kHz.
 *
 * The client opens the socket, waits 2 s, sends `start`, then 200 ms of the microphone in a `media`
 * every 200 ms. The server sends `media` to play, `clear` to stop playing and drop what waits, and
 * `mark`, which goes back when all audio before it has been played.
 *
 * @import { Mark } from "../playground/player-worklet.js"
 * @typedef {"connecting" | "waiting" | "talking" | "ended"} CallState
 * @typedef {{
 *   event: string, start?: {call_sid: string, stream_sid: string},
 *   media?: {payload: string, chunk?: string, timestamp?: number},
 *   mark?: Mark, error?: {code: string, message: string}
 * }} Message
 * @typedef {{
 *   onState: (state: CallState, code: number) => void,
 *   onAudio: (samples: Int16Array<ArrayBuffer>) => void,
 *   onClear: () => void,
 *   onMark: (mark: Mark) => void,
 *   onError: (message: string) => void,
 *   onMessage: (direction: "sent" | "received", message: Message) => void
 * }} CallOptions
 */

import { decode, encode } from "./base64.js";

const START_AFTER_MS = 2_000;
const OPEN_WITHIN_MS = 10_000;
export const TIMED_OUT = 0;

export class Call {
  /**
   * @param {string} url
   * @param {CallOptions} options
   */
  constructor(url, options) {
    this.#options = options;
    this.#socket = new WebSocket(url);
    this.#socket.onopen = () => this.#opened();
    this.#socket.onmessage = (event) => this.#receive(event.data);
    this.#socket.onclose = (event) => this.#ended(event.code);
    this.#timer = setTimeout(() => this.#timedOut(), OPEN_WITHIN_MS);
    options.onState("connecting", 0);
  }

  #options;
  #socket;
  #timer;
  #over = false;
  #talking = false;

  /** @param {Int16Array} samples of the microphone; before `start` they are dropped */
  sendVoice(samples) {
    if (!this.#talking) return;
    const timestamp = Date.now() / 1000;
    this.#send({
      event: "media",
      media: { chunk: "inbound", payload: encode(samples), timestamp },
    });
  }

  /** @param {Mark} mark as it came: what was sent before it has been played */
  returnMark(mark) {
    this.#send({ event: "mark", mark });
  }

  /** There is no message for it: the socket is closed. */
  hangUp() {
    this.#socket.close(1000);
    this.#ended(1000);
  }

  #opened() {
    clearTimeout(this.#timer);
    this.#options.onState("waiting", 0);
    this.#timer = setTimeout(() => {
      this.#send({ event: "start", start: { call_sid: "test", stream_sid: "test" } });
      this.#talking = true;
      this.#options.onState("talking", 0);
    }, START_AFTER_MS);
  }

  #timedOut() {
    this.#socket.close();
    this.#ended(TIMED_OUT);
  }

  /** @param {Message} message */
  #send(message) {
    if (this.#socket.readyState !== WebSocket.OPEN) return;
    this.#socket.send(JSON.stringify(message));
    this.#options.onMessage("sent", message);
  }

  /** @param {string} text */
  #receive(text) {
    if (this.#over) return;
    /** @type {Message} */
    const message = JSON.parse(text);
    this.#options.onMessage("received", message);
    if (message.event === "media" && message.media) {
      this.#options.onAudio(decode(message.media.payload));
    } else if (message.event === "clear") {
      this.#options.onClear();
    } else if (message.event === "mark" && message.mark) {
      this.#options.onMark(message.mark);
    } else if (message.event === "error" && message.error) {
      this.#options.onError(message.error.message);
    }
  }

  /** @param {number} code */
  #ended(code) {
    clearTimeout(this.#timer);
    if (this.#over) return;
    this.#over = true;
    this.#talking = false;
    this.#options.onState("ended", code);
  }
}
