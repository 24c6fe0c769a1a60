/**
 * Replays a stored turn: one audio element for the page, its controls under the turn that plays.
 *
 * @import { TurnView } from "./turn.js"
 */

import { find, fromTemplate } from "../voicechat/dom.js";
import { say } from "../voicechat/strings.js";

export class Player {
  /** @param {{speed: number, onSpeed: (speed: number) => void, onProblem: (text: string) => void}} options */
  constructor(options) {
    this.#options = options;
    this.#panel = fromTemplate("player-template");
    this.#toggle = find(this.#panel, "[data-action=toggle]", HTMLButtonElement);
    this.#seek = find(this.#panel, "input", HTMLInputElement);
    this.#clock = find(this.#panel, ".player-clock", HTMLElement);
    const speed = find(this.#panel, "select", HTMLSelectElement);
    speed.value = String(options.speed);
    this.#audio.preload = "auto";
    this.#audio.defaultPlaybackRate = options.speed;
    this.#audio.addEventListener("timeupdate", () => this.#show());
    this.#audio.addEventListener("play", () => this.#show());
    this.#audio.addEventListener("pause", () => this.#show());
    this.#audio.addEventListener("ended", () => this.#next());
    this.#audio.addEventListener("error", () => {
      if (!this.#turn) return;
      this.close();
      options.onProblem(say("replay_failed"));
    });
    this.#toggle.addEventListener("click", () => {
      if (this.#audio.paused) void this.#play();
      else this.#audio.pause();
    });
    this.#seek.addEventListener("input", () => this.#seekTo(Number(this.#seek.value)));
    speed.addEventListener("change", () => {
      const rate = Number(speed.value);
      this.#audio.defaultPlaybackRate = this.#audio.playbackRate = rate;
      options.onSpeed(rate);
    });
    find(this.#panel, "[data-action=close]", HTMLButtonElement).addEventListener("click", () => {
      const button = this.#turn?.element.querySelector("[data-action=replay]");
      this.close();
      if (button instanceof HTMLElement) button.focus();
    });
  }

  #options;
  #audio = new Audio();
  #panel;
  #toggle;
  #seek;
  #clock;
  /** @type {TurnView | null} */
  #turn = null;
  #part = 0;

  /** @param {TurnView} turn plays it, or closes the player if it is the one */
  replay(turn) {
    const same = this.#turn === turn;
    this.close();
    if (same || !turn.audio.length) return;
    this.#turn = turn;
    turn.setReplaying(true);
    turn.playerSlot.append(this.#panel);
    this.#load(0);
    void this.#play();
  }

  pause() {
    this.#audio.pause();
  }

  close() {
    this.#audio.pause();
    this.#turn?.setReplaying(false);
    this.#turn = null;
    this.#panel.remove();
  }

  /** @param {number} part */
  #load(part) {
    const stored = this.#turn?.audio[part];
    if (!stored) return;
    this.#part = part;
    this.#audio.src = stored.url;
    this.#show();
  }

  async #play() {
    try {
      await this.#audio.play();
    } catch (error) {
      // AbortError: the person was quicker and closed or changed it.
      if (error instanceof DOMException && error.name === "NotAllowedError") {
        this.#options.onProblem(say("replay_failed"));
      }
    }
  }

  #next() {
    const parts = this.#turn?.audio.length ?? 0;
    if (this.#part + 1 < parts) {
      this.#load(this.#part + 1);
      void this.#play();
    } else {
      this.#load(0);
    }
  }

  /** @param {number} ms from the start of the turn's sound */
  #seekTo(ms) {
    const parts = this.#turn?.audio ?? [];
    let before = 0;
    for (const [index, part] of parts.entries()) {
      if (ms < before + part.duration_ms || index === parts.length - 1) {
        const playing = !this.#audio.paused;
        if (index !== this.#part) this.#load(index);
        this.#audio.currentTime = (ms - before) / 1000;
        if (playing) void this.#play();
        return;
      }
      before += part.duration_ms;
    }
  }

  #show() {
    const parts = this.#turn?.audio ?? [];
    const total = parts.reduce((sum, part) => sum + part.duration_ms, 0);
    const before = parts.slice(0, this.#part).reduce((sum, part) => sum + part.duration_ms, 0);
    const at = Math.min(total, before + this.#audio.currentTime * 1000);
    this.#seek.max = String(total);
    this.#seek.value = String(at);
    this.#seek.setAttribute(
      "aria-valuetext",
      say("time_of", { at: clock(at), total: clock(total) }),
    );
    this.#clock.textContent = `${clock(at)} / ${clock(total)}`;
    this.#panel.dataset.playing = String(!this.#audio.paused);
    this.#toggle.setAttribute("aria-label", say(this.#audio.paused ? "play" : "pause"));
  }
}

/** @param {number} ms */
function clock(ms) {
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}
