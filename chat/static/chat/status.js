/**
 * How things stand: the connection, the bot, the sound; and what a screen reader is told.
 *
 * @import { SocketState } from "./socket.js"
 * @import { SpeakerState } from "./speaker.js"
 * @import { State } from "./types.js"
 *
 * @typedef {{
 *   loginUrl: string, botName: string,
 *   onRetry: () => void, onWake: () => void
 * }} StatusOptions
 */

import { find } from "../voicechat/dom.js";
import { say } from "../voicechat/strings.js";

// A connection that is back within this time was never missed.
const GRACE_MS = 700;
const TOAST_MS = 6_000;
// Twice as long as it takes until a new connection is told that staff read along (docs/protocol.md).
const WATCHED_TOLD_MS = 10_000;
const ANNOUNCEMENTS_KEPT = 6;

export class Status {
  /**
   * @param {HTMLElement} root
   * @param {StatusOptions} options
   */
  constructor(root, options) {
    this.#options = options;
    this.#announcer = find(root, ".announcer", HTMLElement);
    this.#banner = find(root, ".banner", HTMLElement);
    this.#bannerText = find(root, ".banner-text", HTMLElement);
    this.#retry = find(root, "[data-action=retry]", HTMLButtonElement);
    this.#reload = find(root, "[data-action=reload]", HTMLButtonElement);
    this.#login = find(root, "[data-action=login]", HTMLAnchorElement);
    this.#line = find(root, ".bot-state", HTMLElement);
    this.#head = find(root, ".chat-head", HTMLElement);
    this.#sound = find(root, ".sound-prompt", HTMLElement);
    this.#soundText = find(root, ".sound-prompt-text", HTMLElement);
    this.#hear = find(root, "[data-action=hear]", HTMLButtonElement);
    this.#toast = find(root, ".toast", HTMLElement);
    this.#watched = find(root, ".watched", HTMLElement);
    this.#login.href = options.loginUrl;
    this.#retry.addEventListener("click", options.onRetry);
    this.#reload.addEventListener("click", () => location.reload());
    this.#hear.addEventListener("click", options.onWake);
  }

  #options;
  #announcer;
  #banner;
  #bannerText;
  #retry;
  #reload;
  #login;
  #line;
  #head;
  #sound;
  #soundText;
  #hear;
  #toast;
  #watched;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #watchedTimer;
  /** @type {SocketState} */
  #connection = { name: "connecting" };
  #wasOpen = false;
  #deleted = false;
  /** @type {State["bot"] | "waiting"} */
  #bot = "silent";
  /** @type {SpeakerState} */
  #speaker = "idle";
  #speaks = true;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #graceTimer;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #toastTimer;

  /** @param {SocketState} state */
  connection(state) {
    this.#connection = state;
    if (state.name === "open") {
      this.#stopGrace();
      if (!this.#banner.hidden && this.#wasOpen) this.announce(say("connected_again"));
      this.#wasOpen = true;
      this.#hideBanner();
      // On this connection nobody has said yet that staff still read along.
      clearTimeout(this.#watchedTimer);
      this.#watchedTimer = setTimeout(() => this.watched(false), WATCHED_TOLD_MS);
    } else if (state.name === "stopped" || !this.#banner.hidden) {
      this.#stopGrace();
      this.#showBanner();
    } else {
      this.#graceTimer ??= setTimeout(() => this.#showBanner(), GRACE_MS);
    }
    this.#showLine();
  }

  /** The conversation is gone; told when the connection ends. */
  deleted() {
    this.#deleted = true;
  }

  /** @param {State["bot"] | "waiting"} bot waiting: with its answer, for the person to be silent */
  bot(bot) {
    this.#bot = bot;
    this.#showLine();
  }

  /** Whether members of the staff read along. @param {boolean} watched */
  watched(watched) {
    clearTimeout(this.#watchedTimer);
    if (this.#watched.hidden !== watched) return;
    this.#watched.hidden = !watched;
    find(this.#watched, "span", HTMLElement).textContent = watched ? say("watched") : "";
    this.announce(say(watched ? "watched" : "watched_no_longer"));
  }

  /** @param {SpeakerState} state */
  speaker(state) {
    this.#speaker = state;
    this.#showSound();
  }

  /** @param {boolean} speaks whether replies are read aloud */
  speaks(speaks) {
    this.#speaks = speaks;
    this.#showSound();
  }

  /** Tells a screen reader, once. @param {string} text */
  announce(text) {
    const line = document.createElement("p");
    line.textContent = text;
    this.#announcer.append(line);
    while (this.#announcer.childElementCount > ANNOUNCEMENTS_KEPT)
      this.#announcer.firstElementChild?.remove();
  }

  /** Tells everybody, for a while. @param {string} text */
  notify(text) {
    this.#toast.textContent = text;
    this.#toast.hidden = false;
    this.announce(text);
    clearTimeout(this.#toastTimer);
    this.#toastTimer = setTimeout(() => {
      this.#toast.hidden = true;
    }, TOAST_MS);
  }

  #stopGrace() {
    clearTimeout(this.#graceTimer);
    this.#graceTimer = undefined;
  }

  #showLine() {
    this.#head.dataset.bot = this.#connection.name === "open" ? this.#bot : "away";
    /** @type {Record<string, string>} */
    const words = {
      silent: "state_ready",
      thinking: "state_thinking",
      speaking: "state_speaking",
      held: "state_held",
      waiting: "state_held",
    };
    /** @type {Record<string, string>} */
    const away = {
      connecting: "state_connecting",
      waiting: "state_offline",
      resting: "state_resting",
      stopped: "state_stopped",
    };
    const name = this.#connection.name === "open" ? words[this.#bot] : away[this.#connection.name];
    this.#line.textContent = say(name ?? "state_ready");
  }

  #showBanner() {
    const state = this.#connection;
    const text = this.#bannerWords(state);
    const stopped = state.name === "stopped";
    const login = stopped && state.code === 4401;
    const changed = this.#banner.hidden || this.#bannerText.textContent !== text;
    this.#bannerText.textContent = text;
    this.#banner.dataset.kind = stopped ? "stopped" : "away";
    this.#banner.hidden = false;
    this.#login.hidden = !login;
    this.#reload.hidden = !stopped || login || state.code === 4403;
    this.#retry.hidden = stopped;
    if (changed) this.announce(text);
  }

  /** @param {SocketState} state */
  #bannerWords(state) {
    if (state.name === "resting") return say("banner_resting");
    if (state.name !== "stopped")
      return say(this.#wasOpen ? "banner_offline" : "banner_unreachable");
    if (state.code === 4401) return say("banner_login");
    if (state.code === 4403) return say(this.#deleted ? "banner_deleted" : "banner_forbidden");
    return say("banner_fault");
  }

  #hideBanner() {
    const focused = this.#banner.contains(document.activeElement);
    this.#banner.hidden = true;
    // Nobody is left without a focus because what they pressed has gone.
    if (focused) document.querySelector("textarea")?.focus();
  }

  #showSound() {
    const silenced = this.#speaker === "blocked" || this.#speaker === "interrupted";
    const unavailable = this.#speaker === "unavailable";
    const show = this.#speaks && (silenced || unavailable);
    const focused = !show && this.#sound.contains(document.activeElement);
    /** @type {Record<string, string>} */
    const words = {
      blocked: say("sound_blocked", { name: this.#options.botName }),
      interrupted: say("sound_interrupted"),
      unavailable: say("sound_unavailable"),
    };
    const text = words[this.#speaker] ?? "";
    if (show && (this.#sound.hidden || this.#soundText.textContent !== text)) this.announce(text);
    this.#soundText.textContent = text;
    this.#hear.hidden = !silenced;
    this.#sound.hidden = !show;
    if (focused) document.querySelector("textarea")?.focus();
  }
}
