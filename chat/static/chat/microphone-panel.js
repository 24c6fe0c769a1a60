/**
 * Which microphone, what the browser does to its sound, and whether the voice is kept.
 *
 * @import { CaptureSettings, Settings } from "./settings.js"
 */

import { find } from "../voicechat/dom.js";
import { say } from "../voicechat/strings.js";

const SWITCHES = /** @type {const} */ ({
  echoCancellation: "#microphone-echo",
  noiseSuppression: "#microphone-noise",
  autoGainControl: "#microphone-gain",
});

export class MicrophonePanel {
  /**
   * @param {HTMLElement} root
   * @param {{
   *   settings: Settings, asksToRecord: boolean,
   *   onCapture: (changed: Partial<CaptureSettings>) => void, onKeep: (keep: boolean) => void
   * }} options `asksToRecord`: the person decides whether the voice is kept
   */
  constructor(root, { settings, asksToRecord, onCapture, onKeep }) {
    this.#panel = find(root, "#microphone-panel", HTMLElement);
    this.#device = find(this.#panel, "#microphone-device", HTMLSelectElement);
    this.#keep = find(this.#panel, "#microphone-keep", HTMLInputElement);
    find(this.#panel, ".microphone-keep", HTMLElement).hidden = !asksToRecord;
    this.showKeep(settings.keepVoice);
    this.#keep.addEventListener("change", () => onKeep(this.#keep.checked));
    this.#device.addEventListener("change", () => onCapture({ device: this.#device.value }));
    for (const [name, selector] of Object.entries(SWITCHES)) {
      const box = find(this.#panel, selector, HTMLInputElement);
      box.checked = settings[/** @type {keyof typeof SWITCHES} */ (name)];
      box.addEventListener("change", () => onCapture({ [name]: box.checked }));
    }
  }

  #panel;
  #device;
  #keep;

  open() {
    this.#panel.showPopover();
    this.#device.focus();
  }

  /** @param {boolean | null} keep */
  showKeep(keep) {
    this.#keep.checked = keep === true;
  }

  /**
   * @param {MediaDeviceInfo[]} devices
   * @param {string} chosen empty: the default one
   */
  showDevices(devices, chosen) {
    const named = devices.filter((device) => device.deviceId !== "default");
    const options = named.map(
      (device, index) =>
        new Option(
          device.label || say("microphone_number", { number: index + 1 }),
          device.deviceId,
        ),
    );
    this.#device.replaceChildren(new Option(say("microphone_default"), ""), ...options);
    this.#device.value = named.some((device) => device.deviceId === chosen) ? chosen : "";
  }
}
