/**
 * The person's voice: the microphone, what of it is sent, and what the person sees and presses.
 *
 * @import { Captured } from "./capture.js"
 * @import { MicrophoneProblem, MicrophoneState, MicrophoneTrouble } from "./microphone.js"
 * @import { Settings } from "./settings.js"
 * @import { Status } from "./status.js"
 * @import { Line } from "./talk.js"
 * @import { TalkView } from "./talk-bar.js"
 * @import { PageConfig, Ready, State } from "./types.js"
 *
 * @typedef {{
 *   config: PageConfig, settings: Settings, status: Status, onOpen: () => void,
 *   onSettings: (changed: Partial<Settings>) => void
 * }} VoiceInputOptions
 */

import { say } from "../voicechat/strings.js";
import { Hold, TYPING } from "./hold.js";
import { Microphone } from "./microphone.js";
import { MicrophoneClaim } from "./microphone-claim.js";
import { MicrophonePanel } from "./microphone-panel.js";
import { MicrophonePrompt } from "./microphone-prompt.js";
import { Talk } from "./talk.js";
import { TalkBar } from "./talk-bar.js";
import { WakeLock } from "./wake-lock.js";

// Noise that was not understood needs no word; somebody who spoke for so long does.
const SPOKE_MS = 1_000;
const TOLD_MS = 5_000;

export class VoiceInput {
  /**
   * @param {HTMLElement} root
   * @param {Line} line
   * @param {VoiceInputOptions} options
   */
  constructor(root, line, options) {
    this.#options = options;
    this.#settings = options.settings;
    const { mode } = options.settings;
    this.#talk = new Talk(line, { mode, onSlow: () => this.#tellFor("slow") });
    this.microphone = new Microphone({
      workletUrl: options.config.urls.microphoneWorklet,
      onState: (state) => this.#onMicrophone(state),
      onFrame: (captured) => this.#hear(captured),
      onMissing: () => {
        options.status.notify(say("microphone_missing"));
        this.#change({ device: "" });
      },
    });
    this.#bar = new TalkBar(root, {
      onTalk: () => {
        if (!this.#holding) this.#toggle();
      },
      onMode: () => this.#switchMode(),
      onMute: () => this.#mute(),
      onClose: () => this.microphone.close(),
    });
    this.#prompt = new MicrophonePrompt(root, {
      onShown: (text) => options.status.announce(text),
      onClosed: () => this.#hidePrompt(),
    });
    this.#panel = new MicrophonePanel(root, {
      settings: this.#settings,
      asksToRecord: options.config.record === "ask",
      onCapture: (changed) => {
        this.#change(changed);
        const wanted = "device" in changed && !this.#ended;
        if (this.#open || wanted) void this.microphone.change(this.#settings);
      },
      onKeep: (keep) => this.#keep(keep),
    });
    new Hold(this.#bar.talk, {
      active: () => this.#holding,
      onPress: () => this.#press(),
      onRelease: () => this.#release(),
      onToggle: () => (this.#talk.pressed ? this.#release() : this.#press()),
    });
    this.#claim = new MicrophoneClaim(() => this.#onTaken());
    document.addEventListener("keydown", (event) => this.#onKey(event));
    // What is said about keys depends on where the focus is.
    for (const moved of ["focusin", "focusout"])
      document.addEventListener(moved, () => this.#show());
    navigator.mediaDevices?.addEventListener?.("devicechange", () => void this.#listDevices());
    this.#line = line;
    if (this.microphone.missing) this.#view.stage = "failed";
    this.#show();
  }

  #options;
  #settings;
  #line;
  #talk;
  #claim;
  #bar;
  #prompt;
  #panel;
  #wakeLock = new WakeLock();
  /** @type {TalkView} */
  #view = {
    stage: "closed",
    mode: "open",
    muted: false,
    pressed: false,
    person: "silent",
    online: false,
    slow: false,
    nothing: false,
    typing: false,
    recording: null,
  };
  #available = true;
  #ended = false;
  #hearingSince = 0;
  /** @type {Record<string, ReturnType<typeof setTimeout>>} */
  #timers = {};

  /** For `hello`: whether the voice may be kept; null where the person was not asked. */
  get record() {
    return this.#options.config.record === "ask" ? this.#settings.keepVoice : null;
  }

  // --- what the conversation tells ------------------------------------------------------------

  /** @param {Ready} ready */
  ready({ audio, recording }) {
    this.#available = audio.in !== null;
    this.#view.recording = recording;
    this.#view.person = "silent";
    if (!this.#available && this.#open) {
      this.microphone.close();
      this.#complain("unavailable");
    }
    this.#talk.connected();
    this.#online(true);
  }

  offline() {
    this.#view.person = "silent";
    this.#online(false);
  }

  /** There is nobody to talk to any more. */
  end() {
    this.#ended = true;
    this.microphone.close();
  }

  /** @param {State["person"]} person */
  person(person) {
    if (person === "hearing" && this.#view.person === "silent")
      this.#hearingSince = performance.now();
    this.#view.person = person;
    this.#show();
  }

  /** What the person said was not understood. */
  nothing() {
    if (!this.#hearingSince || performance.now() - this.#hearingSince < SPOKE_MS) return;
    this.#hearingSince = 0;
    this.#tellFor("nothing");
  }

  /** What tests and bug reports want to know. */
  stats() {
    return { ...this.microphone.stats(), ...this.#talk.stats };
  }

  // --- what the person does -------------------------------------------------------------------

  get #open() {
    return this.microphone.state.name === "open";
  }

  get #holding() {
    return this.#open && this.#talk.mode === "push_to_talk";
  }

  #toggle() {
    const { name } = this.microphone.state;
    if (name === "open" || name === "opening") this.microphone.close();
    else if (!this.#available) this.#complain("unavailable");
    else this.#begin();
  }

  /** Nothing is recorded of anybody who was not told, or asked. */
  #begin() {
    const { record } = this.#options.config;
    const { recordNoticed, keepVoice } = this.#settings;
    if (!this.microphone.missing && record === "always" && !recordNoticed) {
      this.#prompt.notice(() => {
        this.#change({ recordNoticed: true });
        this.#start();
      });
    } else if (!this.microphone.missing && record === "ask" && keepVoice === null) {
      this.#prompt.ask((keep) => {
        this.#keep(keep);
        this.#start();
      });
    } else this.#start();
  }

  #start() {
    this.#hidePrompt();
    this.#options.onOpen();
    void this.microphone.open(this.#settings);
  }

  #switchMode() {
    const mode = this.#talk.mode === "open" ? "push_to_talk" : "open";
    this.#change({ mode });
    this.#talk.setMode(mode);
    this.#options.status.announce(say(mode === "open" ? "mode_open" : "mode_push_to_talk"));
    this.#show();
    // Where the space bar talks.
    if (mode === "push_to_talk" && this.#open) this.#bar.talk.focus();
  }

  #mute() {
    this.#talk.setMuted(!this.#talk.muted);
    this.#options.status.announce(say(this.#talk.muted ? "muted" : "unmuted"));
    this.#show();
  }

  #press() {
    this.#talk.press();
    this.#show();
  }

  #release() {
    this.#talk.release();
    this.#show();
  }

  /** @param {boolean} keep */
  #keep(keep) {
    this.#change({ keepVoice: keep });
    this.#panel.showKeep(keep);
    this.#line.send({ type: "configure", record: keep });
    this.#view.recording = keep;
    this.#show();
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    if (event.repeat || !this.#open || this.#holding || !mutes(event)) return;
    event.preventDefault();
    this.#mute();
  }

  // --- the microphone -------------------------------------------------------------------------

  /** @param {MicrophoneState} state */
  #onMicrophone(state) {
    const before = this.#view.stage;
    this.#view.stage = state.name === "opening" && state.asking ? "asking" : state.name;
    const was = before === "open";
    const is = state.name === "open";
    if (is && !was) {
      this.#talk.open();
      this.#wakeLock.hold();
      this.#options.status.announce(say("opened"));
      this.#claim.tell();
      void this.#listDevices();
    } else if (was && !is) {
      this.#talk.close();
      this.#wakeLock.release();
      this.#bar.showLevel(0);
    }
    if (state.name === "closed" && was) this.#options.status.announce(say("closed"));
    if (state.name === "failed") this.#complain(state.problem);
    else if (is && state.trouble) this.#complain(state.trouble);
    else this.#hidePrompt();
    this.#show();
  }

  /** One microphone is enough for whoever has the page in two tabs. */
  #onTaken() {
    const { name } = this.microphone.state;
    if (name !== "open" && name !== "opening") return;
    this.microphone.close();
    this.#complain("elsewhere");
  }

  /** @param {Captured} captured */
  #hear(captured) {
    this.#talk.hear(captured);
    this.#bar.showLevel(this.#talk.muted ? 0 : captured.rms);
  }

  async #listDevices() {
    this.#panel.showDevices(await this.microphone.devices(), this.#settings.device);
  }

  // --- what is shown --------------------------------------------------------------------------

  /** @param {MicrophoneProblem | MicrophoneTrouble | "unavailable" | "elsewhere"} problem */
  #complain(problem) {
    const remedies = {
      again: () => this.#start(),
      default: () => {
        this.#change({ device: "" });
        this.#start();
      },
      choose: () => this.#panel.open(),
      resume: () => this.microphone.resume(),
      here: () => this.#start(),
    };
    const asked = document.activeElement === this.#bar.talk && !this.#open;
    this.#prompt.complain(problem, remedies, asked);
  }

  #hidePrompt() {
    if (this.#prompt.hide()) this.#bar.talk.focus();
  }

  /** @param {boolean} online */
  #online(online) {
    this.#view.online = online;
    this.#show();
  }

  /** @param {"slow" | "nothing"} what is said for a while */
  #tellFor(what) {
    if (!this.#view[what]) this.#options.status.announce(say(`talk_${what}`));
    this.#view[what] = true;
    clearTimeout(this.#timers[what]);
    this.#timers[what] = setTimeout(() => {
      this.#view[what] = false;
      this.#show();
    }, TOLD_MS);
    this.#show();
  }

  #show() {
    const { stage } = this.#view;
    const unavailable = !this.#available && (stage === "closed" || stage === "failed");
    this.#bar.show({
      ...this.#view,
      stage: this.#ended ? "ended" : unavailable ? "unavailable" : stage,
      typing: !!document.activeElement?.closest(TYPING),
      mode: this.#talk.mode,
      muted: this.#talk.muted,
      pressed: this.#talk.pressed,
    });
  }

  /** @param {Partial<Settings>} changed */
  #change(changed) {
    this.#settings = { ...this.#settings, ...changed };
    this.#options.onSettings(changed);
  }
}

/**
 * M where nobody types, or Alt+M anywhere, which the Mac takes for a µ.
 *
 * @param {KeyboardEvent} event
 */
function mutes({ key, altKey, ctrlKey, metaKey, target }) {
  if (ctrlKey || metaKey) return false;
  if (altKey) return key.toLowerCase() === "m" || key === "µ";
  const taken = target instanceof Element && target.closest(`${TYPING}, select`);
  return key.toLowerCase() === "m" && !taken;
}
