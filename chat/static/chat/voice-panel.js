/**
 * Whether and how replies are read aloud.
 *
 * @import { Settings } from "./settings.js"
 * @import { Voice } from "./types.js"
 */

import { find } from "../voicechat/dom.js";
import { say } from "../voicechat/strings.js";

export class VoicePanel {
  /**
   * @param {HTMLElement} root
   * @param {{settings: Settings, voices: Voice[], available: boolean, onChange: (settings: Settings) => void}} options
   */
  constructor(root, { settings, voices, available, onChange }) {
    this.#settings = { ...settings };
    this.#onChange = onChange;
    this.#speak = find(root, "[data-action=speak]", HTMLButtonElement);
    this.#switch = find(root, "#voice-speak", HTMLInputElement);
    this.#voice = find(root, "#voice-name", HTMLSelectElement);
    this.#speed = find(root, "#voice-speed", HTMLInputElement);
    this.#speedShown = find(root, "#voice-speed-shown", HTMLOutputElement);
    for (const group of groups(voices)) this.#voice.append(group);
    this.#voice.value = voices.some((voice) => voice.id === settings.voice) ? settings.voice : "";
    this.#speed.value = String(settings.speed);
    if (!available) this.disable();
    this.#speak.addEventListener("click", () => this.#change({ speak: !this.#settings.speak }));
    this.#switch.addEventListener("change", () => this.#change({ speak: this.#switch.checked }));
    this.#voice.addEventListener("change", () => this.#change({ voice: this.#voice.value }));
    this.#speed.addEventListener("input", () => this.#show());
    this.#speed.addEventListener("change", () =>
      this.#change({ speed: Number(this.#speed.value) }),
    );
    this.#show();
  }

  #settings;
  #onChange;
  #speak;
  #switch;
  #voice;
  #speed;
  #speedShown;

  /** The browser cannot play. */
  disable() {
    for (const control of [this.#speak, this.#switch, this.#voice, this.#speed])
      control.disabled = true;
    this.#settings.speak = false;
    this.#show();
  }

  /** @param {Partial<Settings>} changed */
  #change(changed) {
    Object.assign(this.#settings, changed);
    this.#show();
    this.#onChange({ ...this.#settings });
  }

  #show() {
    const { speak } = this.#settings;
    this.#speak.setAttribute("aria-pressed", String(speak));
    this.#switch.checked = speak;
    const speed = `${Number(this.#speed.value).toLocaleString()} ×`;
    this.#speedShown.value = speed;
    this.#speed.setAttribute("aria-valuetext", speed);
  }
}

/**
 * Options by language, in the reader's words.
 *
 * @param {Voice[]} voices
 */
function groups(voices) {
  const names = new Intl.DisplayNames([document.documentElement.lang || "en"], {
    type: "language",
  });
  /** @type {Map<string, HTMLOptGroupElement>} */
  const byLanguage = new Map();
  for (const voice of voices) {
    const label = languageName(names, voice.language);
    let group = byLanguage.get(label);
    if (!group) {
      group = document.createElement("optgroup");
      group.label = label;
      byLanguage.set(label, group);
    }
    group.append(
      new Option(say("voice_of_engine", { name: voice.name, engine: voice.engine }), voice.id),
    );
  }
  return [...byLanguage.values()].sort((a, b) => a.label.localeCompare(b.label));
}

/**
 * @param {Intl.DisplayNames} names
 * @param {string} tag
 */
function languageName(names, tag) {
  try {
    return names.of(tag) ?? tag;
  } catch {
    return tag;
  }
}
