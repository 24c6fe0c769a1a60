/**
 * The microphone and the loudspeaker of one call, each with its level.
 *
 * @import { Card } from "./card.js"
 * @import { MicrophoneFormat } from "./microphone-worklet.js"
 * @import { Mark } from "./player-worklet.js"
 * @typedef {{microphone: string, player: string}} Worklets their addresses
 * @typedef {{
 *   worklets: Worklets, format: MicrophoneFormat, rate: number,
 *   onVoice: (samples: Int16Array) => void, onMark?: (mark: Mark) => void
 * }} SoundOptions `format` of what is spoken, `rate` of what is played, in Hz
 */

import { say } from "../voicechat/strings.js";
import { Microphone, MicrophoneError, requireSecurePage } from "./microphone.js";
import { Player } from "./player.js";

export class Sound {
  /** @param {Card} card */
  constructor(card) {
    this.#card = card;
  }

  #card;
  /** @type {AudioContext | null} */
  #context = null;
  /** @type {Microphone | null} */
  #microphone = null;
  /** What the bot says; null while there is nothing to hear it by. @type {Player | null} */
  player = null;

  /**
   * Within a click, so that the browser lets it sound. Asks the person for the microphone.
   *
   * @param {SoundOptions} options
   * @returns {Promise<string>} why there is none, for the person; empty: there is
   */
  async open({ worklets, format, rate, onVoice, onMark }) {
    try {
      requireSecurePage();
      const context = new AudioContext();
      this.#context = context;
      await Promise.all(
        Object.values(worklets).map((worklet) => context.audioWorklet.addModule(worklet)),
      );
      this.#microphone = await Microphone.open(context, {
        format,
        onVoice,
        onChange: (change) => this.#card.microphoneChanged(change),
      });
      this.player = new Player(context, rate, onMark);
      this.#card.levels.person.listen(this.#microphone.output);
      this.#card.levels.bot.listen(this.player.output);
      await context.resume();
      return "";
    } catch (error) {
      this.close();
      return error instanceof MicrophoneError
        ? say(`microphone_${error.fault}`, { name: error.message })
        : say("no_sound");
    }
  }

  close() {
    this.#microphone?.close();
    this.#card.levels.person.stop();
    this.#card.levels.bot.stop();
    this.#context?.close();
    this.#context = this.#microphone = this.player = null;
  }
}
