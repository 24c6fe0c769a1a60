/**
 * Where the person writes: grows with the text, sends on Enter, keeps the draft over a reload.
 *
 * @typedef {{onSend: (text: string) => void, onStop: () => void, onType: () => void}} ComposerOptions
 */

import { find } from "../voicechat/dom.js";
import { say } from "../voicechat/strings.js";
import { codePoints } from "./text.js";

// From this share of the limit on, the counter is shown.
const NEAR = 0.9;

export class Composer {
  /**
   * @param {HTMLElement} root
   * @param {ComposerOptions} options
   */
  constructor(root, options) {
    this.#form = find(root, ".composer", HTMLFormElement);
    this.#area = find(this.#form, "textarea", HTMLTextAreaElement);
    this.#send = find(this.#form, "[data-action=send]", HTMLButtonElement);
    this.#stop = find(this.#form, "[data-action=stop]", HTMLButtonElement);
    this.#counter = find(root, ".composer-counter", HTMLElement);
    this.#options = options;
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.#area.addEventListener("input", () => {
      this.#changed();
      options.onType();
    });
    this.#area.addEventListener("keydown", (event) => {
      // Enter that ends an input method's composition (229 in Safari) is not meant for us.
      if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229)
        return;
      event.preventDefault();
      this.#submit();
    });
    this.#stop.addEventListener("click", () => {
      // The button goes away with the reply.
      this.focus();
      options.onStop();
    });
    this.#changed();
  }

  #form;
  #area;
  #send;
  #stop;
  #counter;
  #options;
  #limit = 8_000;
  #busy = false;
  #draftKey = "";

  /** @param {number} chars */
  setLimit(chars) {
    this.#limit = chars;
    this.#changed();
  }

  /** @param {boolean} busy whether the bot is at it, so that there is something to stop */
  setBusy(busy) {
    if (this.#busy === busy) return;
    if (!busy && document.activeElement === this.#stop) this.focus();
    this.#busy = busy;
    this.#changed();
  }

  /** @param {boolean} disabled */
  setDisabled(disabled) {
    this.#area.disabled = disabled;
    this.#changed();
  }

  focus() {
    this.#area.focus({ preventScroll: true });
  }

  /** Brings back what was being written in this conversation. @param {string | null} conversation */
  keepDraftFor(conversation) {
    const key = `voicechat.draft.${conversation ?? "new"}`;
    if (this.#draftKey && this.#draftKey !== key) this.#store("");
    this.#draftKey = key;
    try {
      this.#area.value ||= sessionStorage.getItem(key) ?? "";
    } catch {
      // Storage is forbidden.
    }
    this.#changed();
  }

  #submit() {
    const text = this.#area.value.trim();
    if (!text || codePoints(text) > this.#limit || this.#area.disabled) return;
    this.#area.value = "";
    this.#changed();
    this.focus();
    this.#options.onSend(text);
  }

  #changed() {
    const { value } = this.#area;
    const length = codePoints(value.trim());
    const tooLong = length > this.#limit;
    this.#send.disabled = length === 0 || tooLong || this.#area.disabled;
    this.#stop.hidden = !this.#busy;
    this.#send.hidden = this.#busy && length === 0;
    this.#counter.hidden = length < this.#limit * NEAR;
    this.#counter.textContent = this.#counter.hidden
      ? ""
      : say("characters", { count: length, limit: this.#limit });
    this.#counter.classList.toggle("is-over", tooLong);
    if (tooLong) this.#area.setAttribute("aria-invalid", "true");
    else this.#area.removeAttribute("aria-invalid");
    this.#grow();
    this.#store(value);
  }

  #grow() {
    this.#area.style.height = "auto";
    this.#area.style.height = `${this.#area.scrollHeight}px`;
  }

  /** @param {string} draft */
  #store(draft) {
    if (!this.#draftKey) return;
    try {
      if (draft) sessionStorage.setItem(this.#draftKey, draft);
      else sessionStorage.removeItem(this.#draftKey);
    } catch {
      // Storage is forbidden: the draft does not survive a reload.
    }
  }
}
