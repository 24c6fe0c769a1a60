/**
 * One stream by FastRTC's WebSocket mode, and what stands beside it: `/outputs` and `/input_hook`.
 *
 * @import { AskField } from "../chat/types.js"
 * @typedef {"connecting" | "talking" | "ended"} StreamState
 * @typedef {{
 *   event?: string, type?: string, media?: {payload: string}, websocket_id?: string,
 *   data?: unknown, message?: string, status?: string, meta?: {error: string, limit: number}
 * }} Message
 * @typedef {{
 *   role: string, content: string, cards?: {title: string, subtitle?: string, price?: string}[]
 * }} Output
 * @typedef {{
 *   onState: (state: StreamState, code: number) => void,
 *   onAudio: (samples: Int16Array<ArrayBuffer>) => void,
 *   onAsk: (fields: AskField[]) => void,
 *   onOutput: (output: Output) => void,
 *   onProblem: (kind: "error" | "warning", message: string) => void,
 *   onMessage: (direction: "sent" | "received", message: Message) => void
 * }} StreamOptions
 */

import { decode, encode } from "./mulaw.js";

export const RATE_IN = 16_000;
export const RATE_OUT = 24_000;

export class Stream {
  /**
   * @param {string} url of the server's pages
   * @param {StreamOptions} options
   */
  constructor(url, options) {
    this.#options = options;
    this.#url = url;
    const socketUrl = new URL("/websocket/offer", url.replace(/^http/, "ws"));
    socketUrl.search = `?input_rate=${RATE_IN}&output_rate=${RATE_OUT}`;
    this.#socket = new WebSocket(socketUrl);
    this.#socket.onopen = () => this.#opened();
    this.#socket.onmessage = (event) => this.#receive(JSON.parse(event.data));
    this.#socket.onclose = (event) => this.#ended(event.code);
    // Before the stream begins, so that nothing is missed.
    this.#outputs = new EventSource(new URL(`/outputs?webrtc_id=${this.id}`, url));
    this.#outputs.addEventListener("output", (event) => options.onOutput(JSON.parse(event.data)));
    this.#outputs.addEventListener("end", () => this.#outputs.close());
    options.onState("connecting", 0);
  }

  /** Nobody guesses it. */
  id = crypto.randomUUID();
  #options;
  #url;
  #socket;
  #outputs;
  #over = false;

  /** @param {Int16Array} samples at `RATE_IN` */
  sendVoice(samples) {
    this.#send({ event: "media", media: { payload: encode(samples) } });
  }

  /**
   * @param {Record<string, string>} inputs by the names of the fields that were asked for
   * @returns {Promise<boolean>} whether they were taken
   */
  async fillIn(inputs) {
    const answer = await fetch(new URL("/input_hook", this.#url), {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ webrtc_id: this.id, inputs }),
    });
    return answer.ok;
  }

  stop() {
    this.#send({ event: "stop" });
    this.#socket.close(1000);
    this.#ended(1000);
  }

  #opened() {
    this.#send({ event: "start", websocket_id: this.id });
    this.#options.onState("talking", 0);
  }

  /** @param {Message} message */
  #send(message) {
    if (this.#socket.readyState !== WebSocket.OPEN) return;
    this.#socket.send(JSON.stringify(message));
    this.#options.onMessage("sent", message);
  }

  /** @param {Message} message */
  #receive(message) {
    if (this.#over) return;
    this.#options.onMessage("received", message);
    if (message.event === "media" && message.media) {
      this.#options.onAudio(decode(message.media.payload));
    } else if (message.type === "send_input") {
      this.#options.onAsk(/** @type {AskField[]} */ (message.data));
    } else if (message.type === "error" || message.type === "warning") {
      this.#options.onProblem(message.type, message.message ?? String(message.data));
    }
  }

  /** @param {number} code */
  #ended(code) {
    if (this.#over) return;
    this.#over = true;
    this.#options.onState("ended", code);
  }
}
