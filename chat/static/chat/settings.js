/**
 * How replies are read aloud, remembered in this browser.
 *
 * @typedef {{speak: boolean, voice: string, speed: number, replaySpeed: number}} Settings `voice`: empty for the bot's own
 */

const KEY = "voicechat.settings";
/** @type {Settings} */
const DEFAULTS = { speak: true, voice: "", speed: 1, replaySpeed: 1 };

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
    speak: typeof stored.speak === "boolean" ? stored.speak : DEFAULTS.speak,
    voice: typeof stored.voice === "string" ? stored.voice : DEFAULTS.voice,
    speed: speedOf(stored.speed),
    replaySpeed: speedOf(stored.replaySpeed),
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

/** @param {unknown} value */
function speedOf(value) {
  return typeof value === "number" && value >= 0.5 && value <= 2 ? value : 1;
}
