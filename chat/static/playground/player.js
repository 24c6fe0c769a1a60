/**
 * What the bot says, as it is heard.
 *
 * @import { FromPlayer, Mark, PlayerStats, ToPlayer } from "./player-worklet.js"
 */

export class Player {
  /**
   * @param {AudioContext} context with the worklet's module loaded
   * @param {number} rate of what is played, in Hz
   * @param {(mark: Mark) => void} onMark all that was queued before it has been played
   */
  constructor(context, rate, onMark = () => {}) {
    this.#node = new AudioWorkletNode(context, "playground-player", {
      numberOfInputs: 0,
      outputChannelCount: [1],
      processorOptions: { rate },
    });
    this.#node.port.onmessage = (/** @type {MessageEvent<FromPlayer>} */ { data }) => {
      if ("mark" in data) onMark(data.mark);
      else this.#stats = data.stats;
    };
    this.#node.connect(context.destination);
  }

  #node;
  /** @type {PlayerStats} */
  #stats = { received: 0, played: 0, cleared: 0, queued: 0 };

  /** Where a level meter listens. @type {AudioNode} */
  get output() {
    return this.#node;
  }

  get stats() {
    return this.#stats;
  }

  /** @param {Int16Array<ArrayBuffer>} samples */
  play(samples) {
    this.#post({ samples });
  }

  /** @param {Mark} mark */
  mark(mark) {
    this.#post({ mark });
  }

  /** Silence at once; nothing that waits will be played, and no mark among it told. */
  clear() {
    this.#post("clear");
  }

  /** @param {ToPlayer} told */
  #post(told) {
    this.#node.port.postMessage(told);
  }
}
