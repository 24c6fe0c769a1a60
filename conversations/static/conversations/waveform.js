/** The waveform of a call: the person's lane above, the bot's below, as far as played in colour. */

import WaveSurfer from "./vendor/wavesurfer/wavesurfer.esm.js";

// The Content-Security-Policy knows wavesurfer's style sheet by its hash, and this number is in it.
const LANE_PX = 36;
const LOUDEST = 255;

/**
 * Draws what `url` answers (`conversations/call_audio.py`) into `container`; it follows `audio`.
 *
 * @param {HTMLElement} container
 * @param {HTMLAudioElement} audio
 * @param {string} url
 * @returns {Promise<{missing: string[]}>} the segments whose files are not as they were stored
 */
export async function drawWaveform(container, audio, url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`the waveform was answered with ${response.status}`);
  const drawn = await response.json();
  const lanes = [drawn.person, drawn.bot].map((/** @type {number[]} */ peaks) =>
    peaks.map((peak) => peak / LOUDEST),
  );
  const surfer = WaveSurfer.create({
    container,
    media: audio,
    peaks: lanes,
    duration: drawn.duration_ms / 1000,
    height: LANE_PX,
    splitChannels: lanesIn(container),
    normalize: true,
    maxPeak: Math.max(0.1, ...lanes.flat()),
    barWidth: 2,
    barGap: 1,
    barRadius: 1,
    cursorWidth: 0,
    interact: false,
  });
  const recolour = () => surfer.setOptions({ splitChannels: lanesIn(container) });
  new MutationObserver(recolour).observe(document.documentElement, {
    attributeFilter: ["data-theme"],
  });
  for (const query of ["(prefers-color-scheme: dark)", "(forced-colors: active)"]) {
    matchMedia(query).addEventListener("change", recolour);
  }
  return { missing: drawn.missing };
}

/**
 * A canvas has no style sheet: the colours are those of the custom properties.
 *
 * @param {HTMLElement} container
 */
function lanesIn(container) {
  const style = getComputedStyle(container);
  const colour = (/** @type {string} */ name) => style.getPropertyValue(name).trim();
  return ["person", "bot"].map((who) => ({
    waveColor: colour("--lane-ahead"),
    progressColor: colour(`--lane-${who}`),
  }));
}
