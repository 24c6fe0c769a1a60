/**
 * What the person is saying, as it is understood: a bubble of theirs that grows, becomes a message,
 * or goes away because it was nothing.
 *
 * @import { Transcript } from "./transcript.js"
 * @import { TurnView } from "./turn.js"
 * @import { SpeechTranscript } from "./types.js"
 */

export class Utterances {
  /**
   * @param {Transcript} transcript
   * @param {{onSaid: (turn: TurnView) => void, onNothing: () => void}} options
   *   `onSaid`: their turn is complete; `onNothing`: nothing was understood
   */
  constructor(transcript, options) {
    this.#transcript = transcript;
    this.#options = options;
  }

  #transcript;
  #options;
  /** Those that are not complete, by their id. @type {Map<string, TurnView>} */
  #growing = new Map();

  /** Whether a bubble grows. */
  get any() {
    return this.#growing.size > 0;
  }

  /** @param {SpeechTranscript} heard */
  take({ utterance, text, final }) {
    const known = this.#transcript.written(utterance);
    // A late partial of what is complete.
    if (known && !this.#growing.has(utterance)) return;
    if (!text.trim()) {
      if (final) this.#drop(utterance);
      return;
    }
    const turn = known ?? this.#transcript.write(utterance, "");
    turn.hear(text);
    this.#growing.set(utterance, turn);
    if (!final) return;
    this.#growing.delete(utterance);
    turn.deliver("sending");
    this.#options.onSaid(turn);
  }

  /**
   * It cannot be completed.
   *
   * @param {string} utterance
   * @param {string} problem told under what was understood of it
   * @returns {boolean} whether there is a bubble to tell it under
   */
  fail(utterance, problem) {
    const turn = this.#growing.get(utterance);
    this.#growing.delete(utterance);
    if (turn) this.#transcript.leave(turn, "refused", problem);
    return turn !== undefined;
  }

  /**
   * The connection is lost with all that was being said.
   *
   * @param {string} problem
   */
  failAll(problem) {
    for (const utterance of [...this.#growing.keys()]) this.fail(utterance, problem);
  }

  /** @param {string} utterance */
  #drop(utterance) {
    const turn = this.#growing.get(utterance);
    this.#growing.delete(utterance);
    if (turn) this.#transcript.remove(turn);
    this.#options.onNothing();
  }
}
