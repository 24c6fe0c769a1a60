/**
 * Plays a whole call: person left, bot right. The waveform lies under a slider, which is what is
 * moved, by pointer and keys alike. The turn that sounds is marked.
 *
 * @typedef {{element: HTMLElement, button: HTMLButtonElement, start: number, end: number}} HeardTurn
 *   a turn on this page and where it lies on the call's timeline, in ms
 */

import { drawWaveform } from "./waveform.js";

const STEP_MS = 5000;
// A turn is current from a little before its first sound, so that jumping to it surely marks it.
const EARLY_MS = 30;

export class CallPlayer {
  /**
   * @param {HTMLElement} element
   * @param {HeardTurn[]} turns in the order of the timeline
   * @param {{
   *   speed: number,
   *   onSpeed: (speed: number) => void,
   *   onMissing: (segments: string[]) => void,
   *   texts: {failed: string, notDrawn: string},
   * }} options
   */
  constructor(element, turns, options) {
    this.element = element;
    this.#turns = turns;
    this.#options = options;
    this.#audio = find(element, "audio", HTMLAudioElement);
    this.#toggle = find(element, ".call-toggle", HTMLButtonElement);
    this.#slider = find(element, "input[type=range]", HTMLInputElement);
    this.#speed = find(element, ".call-speed", HTMLSelectElement);
    this.#clock = find(element, "[data-shown=at]", HTMLElement);
    this.#problem = find(element, ".call-problem", HTMLElement);
    this.#length = Number(element.dataset.duration);
    this.#audio.controls = false;
    find(element, ".call-deck", HTMLElement).hidden = false;
    find(element, ".call-keys", HTMLElement).hidden = false;
    this.setSpeed(options.speed);
    for (const name of ["timeupdate", "seeking", "play", "pause", "ended"]) {
      this.#audio.addEventListener(name, () => this.#show());
    }
    this.#audio.addEventListener("play", () => {
      this.#isFollowing = true;
      this.#problem.textContent = "";
    });
    this.#audio.addEventListener("error", () => {
      this.#problem.textContent = options.texts.failed;
    });
    this.#toggle.addEventListener("click", () => this.toggle());
    this.#slider.addEventListener("input", () => this.seek(Number(this.#slider.value)));
    this.#speed.addEventListener("change", () => options.onSpeed(Number(this.#speed.value)));
    // Whoever scrolls reads elsewhere: until they play or seek again the page stays with them.
    for (const name of ["wheel", "touchmove"]) {
      addEventListener(name, () => this.stopFollowing(), { passive: true });
    }
    this.#drawWhenSeen();
    this.#show();
  }

  #turns;
  #options;
  #audio;
  #toggle;
  #slider;
  #speed;
  #clock;
  #problem;
  #length;
  #isFollowing = true;
  /** @type {HeardTurn | null} */
  #current = null;

  get isPlaying() {
    return !this.#audio.paused;
  }

  /** Where it is, in ms. */
  get at() {
    return this.#audio.currentTime * 1000;
  }

  /** @param {HeardTurn[]} turns in the order of the timeline */
  setTurns(turns) {
    this.#turns = turns;
    this.#show();
  }

  toggle() {
    if (this.isPlaying) this.#audio.pause();
    else this.play();
  }

  play() {
    // AbortError: paused before it began. Whatever else goes wrong is an error event as well.
    this.#audio.play().catch(() => {});
  }

  /** @param {number} ms */
  seek(ms) {
    this.#isFollowing = true;
    this.#audio.currentTime = Math.min(Math.max(0, ms), this.#length) / 1000;
    // Before anything is loaded the element takes the time silently.
    if (this.#audio.readyState === 0) this.#audio.dispatchEvent(new Event("timeupdate"));
  }

  /** @param {HTMLElement} element a turn: plays from there, or pauses if it is being heard */
  playTurn(element) {
    const turn = this.#turns.find((one) => one.element === element);
    if (!turn) return;
    if (this.isPlaying && this.#current === turn) {
      this.#audio.pause();
    } else {
      this.seek(turn.start);
      this.play();
    }
  }

  /** @param {number} speed */
  setSpeed(speed) {
    this.#audio.defaultPlaybackRate = this.#audio.playbackRate = speed;
    this.#speed.value = String(speed);
  }

  stopFollowing() {
    this.#isFollowing = false;
  }

  /**
   * @param {string} key of a keyboard event
   * @param {Element} place the turn that has the focus, from which its neighbours count, or another
   * @returns {HeardTurn | boolean} whether the key means something here; the turn it went to
   */
  press(key, place) {
    switch (key) {
      case " ":
        this.toggle();
        return true;
      case "ArrowLeft":
      case "ArrowRight":
        this.seek(this.at + (key === "ArrowLeft" ? -STEP_MS : STEP_MS));
        return true;
      case "ArrowUp":
      case "ArrowDown":
        return this.#step(key === "ArrowUp" ? -1 : 1, place);
      case "+":
      case "=":
      case "-":
        this.#changeSpeed(key === "-" ? -1 : 1);
        return true;
    }
    return false;
  }

  /** @param {number} by @param {Element} place */
  #step(by, place) {
    const focused = this.#turns.findIndex((turn) => turn.element === place);
    const turn = this.#turns[(focused < 0 ? this.#indexAt(this.at) : focused) + by];
    if (turn) this.seek(turn.start);
    return turn ?? true;
  }

  /** @param {number} by */
  #changeSpeed(by) {
    const option = this.#speed.options[this.#speed.selectedIndex + by];
    if (option) this.#options.onSpeed(Number(option.value));
  }

  /** @param {number} ms @returns the last turn that has begun then, or -1 */
  #indexAt(ms) {
    return this.#turns.findLastIndex((turn) => turn.start <= ms + EARLY_MS);
  }

  #show() {
    const at = Math.min(this.at, this.#length);
    this.#slider.value = String(at);
    this.#clock.textContent = clock(at);
    this.element.dataset.playing = String(this.isPlaying);
    const { play = "", pause = "" } = this.#toggle.dataset;
    this.#toggle.setAttribute("aria-label", this.isPlaying ? pause : play);
    this.#mark(at > 0 || this.isPlaying ? (this.#turns[this.#indexAt(at)] ?? null) : null);
    const who = this.#current?.element.querySelector("strong")?.textContent ?? "";
    this.#slider.setAttribute("aria-valuetext", [clock(at), who].filter(Boolean).join(", "));
  }

  /** @param {HeardTurn | null} turn */
  #mark(turn) {
    if (turn !== this.#current) {
      this.#current?.element.removeAttribute("aria-current");
      this.#current?.element.classList.remove("is-playing");
      this.#current = turn;
      turn?.element.setAttribute("aria-current", "true");
      if (this.#isFollowing) {
        turn?.element.scrollIntoView({ block: "nearest", behavior: scrolling() });
      }
    }
    turn?.element.classList.toggle("is-playing", this.isPlaying);
  }

  #drawWhenSeen() {
    const wave = find(this.element, ".wave", HTMLElement);
    const seen = new IntersectionObserver(
      (entries) => {
        if (!entries.some((entry) => entry.isIntersecting)) return;
        seen.disconnect();
        drawWaveform(wave, this.#audio, this.element.dataset.waveform ?? "").then(
          ({ missing }) => this.#options.onMissing(missing),
          () => {
            this.#problem.textContent = this.#options.texts.notDrawn;
          },
        );
      },
      { rootMargin: "50%" },
    );
    seen.observe(this.element);
  }
}

/** @returns {ScrollBehavior} */
function scrolling() {
  return matchMedia("(prefers-reduced-motion: reduce)").matches ? "instant" : "smooth";
}

/** @param {number} ms @returns `m:ss` or `h:mm:ss` */
function clock(ms) {
  const seconds = Math.floor(ms / 1000);
  const rest = `${Math.floor(seconds / 60) % 60}:${String(seconds % 60).padStart(2, "0")}`;
  return seconds < 3600 ? rest : `${Math.floor(seconds / 3600)}:${rest.padStart(5, "0")}`;
}

/**
 * @template {Element} T
 * @param {ParentNode} root @param {string} selector @param {{new (): T}} type
 * @returns {T}
 */
function find(root, selector, type) {
  const found = root.querySelector(selector);
  if (!(found instanceof type)) throw new Error(`no ${selector}`);
  return found;
}
