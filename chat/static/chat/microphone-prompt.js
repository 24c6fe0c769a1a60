/**
 * What stands over the composer when the microphone wants something of the person: a notice, a
 * question, or what is the matter and what to do about it.
 *
 * @typedef {{label: string, run: () => void, primary?: boolean}} PromptAction
 */

import { find } from "./dom.js";

export class MicrophonePrompt {
  /**
   * @param {HTMLElement} root
   * @param {{onShown: (text: string) => void, onClosed: () => void}} options
   *   `onClosed`: the person does not want to see it
   */
  constructor(root, options) {
    this.#element = find(root, ".microphone-prompt", HTMLElement);
    this.#text = find(this.#element, ".microphone-prompt-text", HTMLElement);
    this.#actions = find(this.#element, ".microphone-prompt-actions", HTMLElement);
    this.#options = options;
    find(this.#element, "[data-action=close]", HTMLButtonElement).addEventListener("click", () =>
      options.onClosed(),
    );
    this.#element.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.preventDefault();
      options.onClosed();
    });
  }

  #element;
  #text;
  #actions;
  #options;

  /**
   * @param {string} text
   * @param {PromptAction[]} actions
   * @param {{kind: "question" | "problem", focus: boolean}} how
   */
  show(text, actions, { kind, focus }) {
    if (this.#element.hidden || this.#text.textContent !== text) this.#options.onShown(text);
    const focused = focus || this.#element.contains(document.activeElement);
    this.#text.textContent = text;
    this.#element.dataset.kind = kind;
    this.#actions.replaceChildren(...actions.map(buttonFor));
    this.#element.hidden = false;
    if (focused) this.#element.querySelector("button")?.focus();
  }

  /** @returns {boolean} whether the focus was in it */
  hide() {
    const focused = this.#element.contains(document.activeElement);
    this.#element.hidden = true;
    return focused;
  }
}

/** @param {PromptAction} action */
function buttonFor({ label, run, primary }) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = primary ? "banner-action is-primary" : "banner-action";
  button.textContent = label;
  button.addEventListener("click", run);
  return button;
}
