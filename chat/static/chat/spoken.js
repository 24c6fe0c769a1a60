/**
 * The reply that is being spoken: its sound, its marks in the text, and how much of it was heard.
 *
 * @import { Speaker } from "./speaker.js"
 * @import { Transcript } from "./transcript.js"
 * @import { ClientMessage, Sentence } from "./types.js"
 */

import { parseAudioFrame } from "./frames.js";
import { Karaoke } from "./karaoke.js";
import { SAMPLE_RATE } from "./speaker.js";

export class Spoken {
  /**
   * @param {Speaker} speaker
   * @param {Transcript} transcript
   * @param {(message: ClientMessage) => boolean} send
   */
  constructor(speaker, transcript, send) {
    this.#speaker = speaker;
    this.#transcript = transcript;
    this.#send = send;
  }

  #speaker;
  #transcript;
  #send;
  #karaoke = new Karaoke();
  /** Whose sound comes now. */
  #reply = "";
  /** It paused where the mark stands, and may go on. */
  #paused = false;

  /** @param {Sentence} sentence whose sound follows */
  begin(sentence) {
    this.#paused = false;
    this.#reply = sentence.reply;
    this.#speaker.follow(sentence.reply);
    this.#karaoke.add(sentence);
  }

  /** @param {ArrayBuffer} buffer a binary frame of the socket */
  hear(buffer) {
    const frame = parseAudioFrame(buffer);
    if (!frame) return;
    const end = frame.position + frame.payload.length / 2;
    this.#karaoke.grow(end / (SAMPLE_RATE / 1000), frame.last);
    this.#speaker.push(frame);
  }

  /** The server's `clear`: it is interrupted, or only held. @param {number} generation */
  clear(generation) {
    this.#paused = true;
    this.#speaker.clear(generation);
  }

  /** @param {string} reply that has ended */
  end(reply) {
    if (this.#reply !== reply) return;
    this.#paused = false;
    this.#karaoke.clear();
    this.#speaker.release();
  }

  /** Silent before the server knows, which is told how much was heard. */
  silence() {
    const ms = this.#speaker.heardMs(this.#reply);
    if (ms !== null) this.played(this.#reply, ms, false);
    this.drop();
  }

  /** A new connection, which knows of nothing that waits here. */
  reset() {
    this.#paused = false;
    this.#karaoke.clear();
    this.#speaker.reset();
  }

  /** Silent, and nobody is told. */
  drop() {
    this.#paused = false;
    this.#speaker.hold();
    this.#karaoke.clear();
  }

  /**
   * The loudspeaker has come so far.
   *
   * @param {string} reply
   * @param {number} ms
   * @param {boolean} done
   */
  played(reply, ms, done) {
    if (reply) this.#send({ type: "played", reply, ms: Math.round(ms), done });
  }

  /** Marks what is being said. @returns {boolean} whether anything is */
  mark() {
    const turn = this.#transcript.get(this.#reply);
    const streaming = turn?.status === "streaming";
    const playing = this.#speaker.playing;
    const ms = playing && streaming ? this.#speaker.heardMs(this.#reply) : null;
    if (turn && ms !== null) this.#karaoke.show(turn, ms);
    else if (!streaming || !this.#paused) this.#karaoke.clear();
    return playing;
  }
}
