/** Says that an answer is heard in another tab or device, and offers to hear it here. */

import { find } from "../voicechat/dom.js";

export class Elsewhere {
  /**
   * @param {HTMLElement} root
   * @param {() => void} onTake the person wants to hear it here
   */
  constructor(root, onTake) {
    this.#prompt = find(root, ".elsewhere-prompt", HTMLElement);
    find(this.#prompt, "[data-action=play-here]", HTMLButtonElement).addEventListener(
      "click",
      () => {
        onTake();
        document.querySelector("textarea")?.focus();
      },
    );
  }

  #prompt;
  #here = true;

  /** @param {boolean} here whether answers are heard here */
  heardHere(here) {
    this.#here = here;
  }

  /** @param {boolean} answering whether there is an answer now that could be heard here */
  show(answering) {
    this.#prompt.hidden = this.#here || !answering;
  }
}
