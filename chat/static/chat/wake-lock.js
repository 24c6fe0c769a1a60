/** Keeps the screen on while somebody talks. Browsers let go of it when the page is hidden. */

export class WakeLock {
  constructor() {
    document.addEventListener("visibilitychange", () => void this.#update());
  }

  #wanted = false;
  /** @type {WakeLockSentinel | null} */
  #lock = null;

  hold() {
    this.#wanted = true;
    void this.#update();
  }

  release() {
    this.#wanted = false;
    void this.#update();
  }

  async #update() {
    if (!this.#wanted) {
      await this.#lock?.release();
      this.#lock = null;
      return;
    }
    if (document.visibilityState !== "visible" || (this.#lock && !this.#lock.released)) return;
    try {
      this.#lock = await navigator.wakeLock.request("screen");
    } catch {
      // Not known here, or the battery is low: the screen may go dark.
      return;
    }
    if (!this.#wanted) await this.#update();
  }
}
