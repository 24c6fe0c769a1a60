/**
 * How a call stands, what is the matter with it, how loud both sides are, and its two buttons.
 *
 * @import { MicrophoneChange } from "./microphone.js"
 * @typedef {"idle" | "asking" | "connecting" | "waiting" | "talking" | "ended"} CardState
 *   asking: for the microphone
 * @typedef {{onStart: () => void, onStop: () => void}} CardOptions
 */

import { find } from "../voicechat/dom.js";
import { say } from "../voicechat/strings.js";
import { Level } from "./level.js";

export class Card {
  /** @param {CardOptions} options */
  constructor(options) {
    this.#stop = options.onStop;
    this.#startButton.addEventListener("click", options.onStart);
    this.#stopButton.addEventListener("click", options.onStop);
    window.addEventListener("pagehide", options.onStop);
  }

  #card = find(document, ".call", HTMLElement);
  #stateLine = find(this.#card, ".call-state", HTMLElement);
  #problem = find(this.#card, ".call-problem", HTMLElement);
  #warning = find(this.#card, ".call-warning", HTMLElement);
  #startButton = find(this.#card, "[data-action=start]", HTMLButtonElement);
  #stopButton = find(this.#card, "[data-action=stop]", HTMLButtonElement);
  #stop;
  /** @type {CardState} */
  #state = "idle";

  levels = {
    person: new Level(find(this.#card, "[data-level=person]", HTMLElement)),
    bot: new Level(find(this.#card, "[data-level=bot]", HTMLElement)),
  };

  get state() {
    return this.#state;
  }

  /** Root mean squares, 0 to 1. */
  get loudness() {
    return { person: this.levels.person.rms(), bot: this.levels.bot.rms() };
  }

  get hasProblem() {
    return !this.#problem.hidden;
  }

  /** @param {CardState} now */
  show(now) {
    const hadFocus = document.activeElement === this.#stopButton;
    this.#state = now;
    this.#card.dataset.state = now;
    this.#stateLine.textContent = say(now === "ended" && this.hasProblem ? "idle" : now);
    const free = now === "idle" || now === "ended";
    this.#startButton.disabled = !free;
    this.#stopButton.disabled = free || now === "asking";
    if (free && hadFocus) this.#startButton.focus();
    if (now === "connecting") this.#stopButton.focus();
  }

  /** The button was pressed: what was the matter before is no more. */
  begin() {
    hide(this.#problem);
    hide(this.#warning);
    this.show("asking");
  }

  /** @param {string} why empty: as it should */
  end(why) {
    hide(this.#warning);
    if (why) this.tell(why);
    this.show("ended");
  }

  /** @param {string} problem */
  tell(problem) {
    write(this.#problem, problem);
  }

  /** @param {string} warning */
  warn(warning) {
    write(this.#warning, warning);
  }

  /** @param {MicrophoneChange} change */
  microphoneChanged(change) {
    if (change === "lost") {
      this.#stop();
      this.tell(say("microphone_lost"));
    } else if (change === "heard") {
      hide(this.#warning);
    } else {
      this.warn(say(`microphone_${change}`));
    }
  }
}

/**
 * @param {HTMLElement} line
 * @param {string} text
 */
function write(line, text) {
  line.textContent = text;
  line.hidden = false;
}

/** @param {HTMLElement} line */
function hide(line) {
  line.hidden = true;
  line.textContent = "";
}
