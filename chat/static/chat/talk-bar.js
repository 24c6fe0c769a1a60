/**
 * The button beside the composer, and the bar over it while the microphone is open: how it stands,
 * how loud it is, and what can be done with it.
 *
 * @import { State, TalkMode } from "./types.js"
 *
 * @typedef {"closed" | "opening" | "asking" | "open" | "failed" | "unavailable" | "ended"} TalkStage
 *   ended: there is nobody to talk to any more
 * @typedef {{
 *   stage: TalkStage, mode: TalkMode, muted: boolean, pressed: boolean, person: State["person"],
 *   online: boolean, slow: boolean, nothing: boolean, typing: boolean, recording: boolean | null
 * }} TalkView `slow`: speech is being lost; `nothing`: what was said was not understood;
 *   `typing`: a key makes a letter; `recording`: null while it is not known
 */

import { find } from "../voicechat/dom.js";
import { say } from "../voicechat/strings.js";

// From a quiet room to a loud voice, in dB of full scale: loudness is felt by the decibel.
const QUIET_DB = -50;
const LOUD_DB = -12;
const FALL = 0.8;
const MUTE_KEYS = /Mac|iP/.test(navigator.platform) ? "⌥M" : "Alt+M";

export class TalkBar {
  /**
   * @param {HTMLElement} root
   * @param {{onTalk: () => void, onMode: () => void, onMute: () => void, onClose: () => void}} options
   *   `onTalk`: the button was pressed where holding it means nothing
   */
  constructor(root, options) {
    this.talk = find(root, "[data-action=talk]", HTMLButtonElement);
    this.#dock = find(root, ".dock", HTMLElement);
    this.#bar = find(root, ".talk-bar", HTMLElement);
    this.#state = find(this.#bar, ".talk-state", HTMLElement);
    this.#note = find(this.#bar, ".talk-note", HTMLElement);
    this.#mode = find(this.#bar, "[data-action=push-to-talk]", HTMLButtonElement);
    this.#mute = find(this.#bar, "[data-action=mute]", HTMLButtonElement);
    this.#mute.title = say("mute_title", { keys: MUTE_KEYS });
    this.talk.addEventListener("click", options.onTalk);
    this.#mode.addEventListener("click", options.onMode);
    this.#mute.addEventListener("click", options.onMute);
    find(this.#bar, "[data-action=close-microphone]", HTMLButtonElement).addEventListener(
      "click",
      options.onClose,
    );
  }

  #dock;
  #bar;
  #state;
  #note;
  #mode;
  #mute;
  #level = 0;
  #keyboard = matchMedia("(hover: hover)").matches;

  /** @param {TalkView} view */
  show(view) {
    const { stage, mode, muted, pressed } = view;
    const open = stage === "open";
    const shown = open || stage === "opening" || stage === "asking";
    const holding = open && mode === "push_to_talk";
    if (!shown && this.#bar.contains(document.activeElement)) this.talk.focus();
    this.#bar.hidden = !shown;
    this.#bar.classList.toggle("is-asking", stage === "asking");
    this.talk.disabled = stage === "ended";
    this.#dock.dataset.talk = lookOf(view);
    this.#state.textContent = say(wordsFor(view));
    this.#note.textContent = open ? this.#noteFor(view) : "";
    this.#mode.setAttribute("aria-pressed", String(mode === "push_to_talk"));
    this.#mute.hidden = mode === "push_to_talk";
    this.#mute.disabled = !open;
    this.#mute.setAttribute("aria-pressed", String(muted));
    const name = say(
      holding ? "talk_hold" : shown ? "talk_close" : stage === "unavailable" ? "talk_none" : "talk",
    );
    this.talk.setAttribute("aria-label", name);
    this.talk.title = name;
    if (holding) this.talk.setAttribute("aria-pressed", String(pressed));
    else this.talk.removeAttribute("aria-pressed");
  }

  /** @param {number} rms of the newest 20 ms, 0 to 1 */
  showLevel(rms) {
    const share = (20 * Math.log10(rms) - QUIET_DB) / (LOUD_DB - QUIET_DB);
    this.#level = Math.max(0, Math.min(1, share), this.#level * FALL);
    this.#dock.style.setProperty("--voice", this.#level.toFixed(2));
  }

  /** @param {TalkView} view */
  #noteFor({ mode, muted, typing, recording }) {
    const notes = [];
    const holding = mode === "push_to_talk";
    const mute = muted ? "talk_note_unmute" : "talk_note_mute";
    if (this.#keyboard && !holding) notes.push(say(mute, { keys: MUTE_KEYS }));
    else if (this.#keyboard && !typing) notes.push(say("talk_note_hold"));
    if (recording !== null) notes.push(say(recording ? "voice_kept" : "voice_not_kept"));
    return notes.join(" · ");
  }
}

/** @param {TalkView} view how the dock looks */
function lookOf({ stage, mode, muted, pressed, person, online }) {
  if (stage === "asking") return "opening";
  if (stage !== "open") return stage;
  if (!online) return "away";
  if (muted) return "muted";
  if (mode === "push_to_talk" && !pressed) return person === "silent" ? "held-off" : "hearing";
  return person === "silent" && !pressed ? "listening" : "hearing";
}

/** @param {TalkView} view */
function wordsFor({ stage, mode, muted, pressed, person, online, slow, nothing }) {
  if (stage === "asking") return "talk_asking";
  if (stage !== "open") return "talk_opening";
  if (!online) return "talk_away";
  if (muted) return "talk_muted";
  if (slow) return "talk_slow";
  if (pressed) return "talk_speak";
  if (person === "hearing") return "talk_hearing";
  if (person === "endpointing") return "talk_endpointing";
  if (nothing) return "talk_nothing";
  return mode === "push_to_talk" ? "talk_ready" : "talk_listening";
}
