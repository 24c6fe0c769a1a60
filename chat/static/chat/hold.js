/**
 * Push-to-talk: a button held by pointer or by key, or a key held anywhere in the page. Whoever
 * cannot hold, and a screen reader, presses once to start and once to end.
 *
 * @typedef {{active: () => boolean, onPress: () => void, onRelease: () => void, onToggle: () => void}} HoldOptions
 *   `active`: whether holding means anything now
 */

const KEYS = new Set([" ", "Enter"]);
// Where the key means something else.
const TAKEN =
  "input, textarea, select, button, a[href], summary, audio, [contenteditable], [role=dialog]";
export const TYPING = "input:not([type=checkbox], [type=range]), textarea, [contenteditable]";

export class Hold {
  /**
   * @param {HTMLButtonElement} button
   * @param {HoldOptions} options
   */
  constructor(button, options) {
    this.#options = options;
    button.addEventListener("pointerdown", (event) => {
      if (!options.active() || event.button !== 0) return;
      button.setPointerCapture(event.pointerId);
      this.#press("pointer");
    });
    button.addEventListener("lostpointercapture", () => this.#release("pointer"));
    button.addEventListener("contextmenu", (event) => {
      if (options.active()) event.preventDefault();
    });
    button.addEventListener("click", (event) => {
      // Without a pointer or a key: a screen reader, or a voice command.
      if (options.active() && event.detail === 0) options.onToggle();
    });
    document.addEventListener("keydown", (event) => {
      if (!options.active() || !this.#means(event, button)) return;
      // Neither a scroll nor a click.
      event.preventDefault();
      if (!event.repeat) this.#press(event.key);
    });
    document.addEventListener("keyup", (event) => {
      if (this.#held !== event.key) return;
      event.preventDefault();
      this.#release(event.key);
    });
    // Nobody holds anything in a page that has lost the keyboard.
    window.addEventListener("blur", () => this.#release(this.#held));
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "hidden") this.#release(this.#held);
    });
  }

  #options;
  /** What is held: "pointer", a key, or nothing. */
  #held = "";

  /**
   * @param {KeyboardEvent} event
   * @param {HTMLButtonElement} button
   */
  #means(event, button) {
    if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return false;
    if (event.target === button) return KEYS.has(event.key);
    const target = event.target instanceof Element ? event.target : null;
    return event.key === " " && !target?.closest(TAKEN);
  }

  /** @param {string} what */
  #press(what) {
    if (this.#held) return;
    this.#held = what;
    this.#options.onPress();
  }

  /** @param {string} what */
  #release(what) {
    if (!what || this.#held !== what) return;
    this.#held = "";
    this.#options.onRelease();
  }
}
