/**
 * What the person chose, remembered in this browser.
 *
 * @import { TalkMode } from "./types.js"
 *
 * @typedef {{
 *   speak: boolean, voice: string, speed: number, replaySpeed: number
 * }} VoiceSettings how replies are read aloud; `voice`: empty for the bot's own
 * @typedef {{
 *   device: string, echoCancellation: boolean, noiseSuppression: boolean, autoGainControl: boolean
 * }} CaptureSettings `device`: empty for the default one
 * @typedef {{mode: TalkMode, recordNoticed: boolean, keepVoice: boolean | null}} TalkSettings
 *   `recordNoticed`: was told that voice is recorded; `keepVoice`: the answer to whether it may be
 * @typedef {VoiceSettings & CaptureSettings & TalkSettings} Settings
 */

const KEY = "voicechat.settings";
/** @type {Settings} */
const DEFAULTS = {
  speak: true,
  voice: "",
  speed: 1,
  replaySpeed: 1,
  device: "",
  echoCancellation: true,
  noiseSuppression: true,
  autoGainControl: true,
  mode: "open",
  recordNoticed: false,
  keepVoice: null,
};

/** @returns {Settings} */
export function loadSettings() {
  /** @type {Partial<Record<keyof Settings, unknown>>} */
  let stored = {};
  try {
    stored = JSON.parse(localStorage.getItem(KEY) ?? "{}") ?? {};
  } catch {
    // Storage is forbidden, or somebody else wrote there: the defaults do.
  }
  return {
    speak: either(stored.speak, DEFAULTS.speak),
    voice: typeof stored.voice === "string" ? stored.voice : DEFAULTS.voice,
    speed: speedOf(stored.speed),
    replaySpeed: speedOf(stored.replaySpeed),
    device: typeof stored.device === "string" ? stored.device : DEFAULTS.device,
    echoCancellation: either(stored.echoCancellation, DEFAULTS.echoCancellation),
    noiseSuppression: either(stored.noiseSuppression, DEFAULTS.noiseSuppression),
    autoGainControl: either(stored.autoGainControl, DEFAULTS.autoGainControl),
    mode: stored.mode === "push_to_talk" ? stored.mode : DEFAULTS.mode,
    recordNoticed: either(stored.recordNoticed, DEFAULTS.recordNoticed),
    keepVoice: typeof stored.keepVoice === "boolean" ? stored.keepVoice : DEFAULTS.keepVoice,
  };
}

/** @param {Settings} settings */
export function saveSettings(settings) {
  try {
    localStorage.setItem(KEY, JSON.stringify(settings));
  } catch {
    // Not remembered, then.
  }
}

/**
 * @param {unknown} value
 * @param {boolean} otherwise
 */
function either(value, otherwise) {
  return typeof value === "boolean" ? value : otherwise;
}

/** @param {unknown} value */
function speedOf(value) {
  return typeof value === "number" && value >= 0.5 && value <= 2 ? value : 1;
}
