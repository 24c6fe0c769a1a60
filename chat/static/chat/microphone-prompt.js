/**
 * What stands over the composer when the microphone wants something of the person: a notice, a
 * question, or what is the matter and what to do about it.
 *
 * @import { Remedy } from "./microphone-problems.js"
 *
 * @typedef {{label: string, run: () => void, primary?: boolean}} PromptAction
 */

import { find } from "../voicechat/dom.js";
import { say } from "../voicechat/strings.js";
import { ADVICE, REMEDY_NAMES } from "./microphone-problems.js";

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
   * Tells that the voice is recorded.
   *
   * @param {() => void} onContinue
   */
  notice(onContinue) {
    this.#show(say("record_notice"), [{ label: say("continue"), run: onContinue, primary: true }], {
      kind: "question",
      focus: true,
    });
  }

  /**
   * Asks whether the voice may be kept.
   *
   * @param {(keep: boolean) => void} onAnswer
   */
  ask(onAnswer) {
    const actions = [
      { label: say("yes"), run: () => onAnswer(true), primary: true },
      { label: say("no"), run: () => onAnswer(false) },
    ];
    this.#show(say("record_question"), actions, { kind: "question", focus: true });
  }

  /**
   * @param {keyof typeof ADVICE} problem
   * @param {Record<Remedy, () => void>} remedies
   * @param {boolean} focus whether the person asked for it
   */
  complain(problem, remedies, focus) {
    const [text, ...offered] = ADVICE[problem];
    const actions = offered.map((remedy, index) => ({
      label: say(REMEDY_NAMES[remedy]),
      run: remedies[remedy],
      primary: index === 0,
    }));
    this.#show(say(text), actions, { kind: "problem", focus });
  }

  /**
   * @param {string} text
   * @param {PromptAction[]} actions
   * @param {{kind: "question" | "problem", focus: boolean}} how
   */
  #show(text, actions, { kind, focus }) {
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
