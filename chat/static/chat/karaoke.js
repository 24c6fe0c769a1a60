/**
 * Marks the sentence being spoken, and the word in it, without touching the text's elements.
 *
 * @import { TurnView } from "./turn.js"
 * @import { Sentence } from "./types.js"
 */

import { codePoints } from "./text.js";

// Until a sentence's sound is complete, its length is guessed from its text.
const MS_PER_CHAR = 65;
const SENTENCE = "spoken-sentence";
const WORD = "spoken-word";

export class Karaoke {
  /** @type {{sentence: Sentence, points: number, ms: number, complete: boolean}[]} */
  #sentences = [];
  #supported = typeof CSS !== "undefined" && "highlights" in CSS;

  /**
   * @param {Sentence} sentence that follows in the same reply, is said once more after the bot was
   *   held up, or starts another
   */
  add(sentence) {
    this.#sentences = this.#sentences.filter((known) => known.sentence.index < sentence.index);
    const previous = this.#sentences.at(-1);
    if (previous && previous.sentence.reply !== sentence.reply) this.#sentences = [];
    else if (previous) {
      previous.ms = sentence.offset_ms - previous.sentence.offset_ms;
      previous.complete = true;
    }
    this.#sentences.push({ sentence, points: codePoints(sentence.text), ms: 0, complete: false });
  }

  /**
   * The sound of the newest sentence has come so far.
   *
   * @param {number} ms from the start of the reply
   * @param {boolean} last
   */
  grow(ms, last) {
    const newest = this.#sentences.at(-1);
    if (!newest || newest.complete) return;
    newest.ms = Math.max(newest.ms, ms - newest.sentence.offset_ms);
    newest.complete = last;
  }

  /**
   * @param {TurnView} turn of the reply that is playing
   * @param {number} ms of it that have been played
   */
  show(turn, ms) {
    if (!this.#supported) return;
    const spoken = this.#sentences.findLast(({ sentence }) => sentence.offset_ms <= ms);
    if (!spoken || spoken.sentence.reply !== turn.id) {
      this.clear();
      return;
    }
    const { start, text, offset_ms: offset } = spoken.sentence;
    const length = spoken.complete ? spoken.ms : Math.max(spoken.ms, spoken.points * MS_PER_CHAR);
    const share = length > 0 ? Math.min(1, (ms - offset) / length) : 0;
    const blank = codePoints(text) - codePoints(text.trimStart());
    highlight(SENTENCE, turn.range(start + blank, start + codePoints(text.trimEnd())));
    const [from, to] = wordAt(
      [...text],
      Math.min(spoken.points - 1, Math.floor(share * spoken.points)),
    );
    highlight(WORD, turn.range(start + from, start + to));
  }

  /** Takes the marks away. */
  clear() {
    if (!this.#supported) return;
    CSS.highlights.delete(SENTENCE);
    CSS.highlights.delete(WORD);
  }
}

/**
 * @param {string} name
 * @param {Range | null} range
 */
function highlight(name, range) {
  if (range) CSS.highlights.set(name, new Highlight(range));
  else CSS.highlights.delete(name);
}

/**
 * The word around a place, as [from, to).
 *
 * @param {string[]} points
 * @param {number} at
 */
function wordAt(points, at) {
  let to = Math.max(0, at);
  // Between words, the next one is meant.
  while (to < points.length && isBlank(points[to])) to += 1;
  let from = to;
  while (from > 0 && !isBlank(points[from - 1])) from -= 1;
  while (to < points.length && !isBlank(points[to])) to += 1;
  return /** @type {const} */ ([from, to]);
}

/** @param {string | undefined} point */
function isBlank(point) {
  return point === undefined || /\s/.test(point);
}
