/**
 * The VoiceBot page: counts, clock and messages of one call after the other.
 *
 * @import { Mark } from "../playground/player-worklet.js"
 * @import { Worklets } from "../playground/sound.js"
 * @import { CallState } from "./call.js"
 */

import { Card } from "../playground/card.js";
import { Log } from "../playground/log.js";
import { Sound } from "../playground/sound.js";
import { find, fromServer } from "../voicechat/dom.js";
import { say, useStrings } from "../voicechat/strings.js";
import { Call, TIMED_OUT } from "./call.js";

const COUNT_EVERY_MS = 200;
const RATE = 8_000;
// 200 ms, as telephones send it.
const CHUNK = 1_600;

useStrings(fromServer("strings"));
/** @type {{socketPath: string, worklets: Worklets}} */
const { socketPath, worklets } = fromServer("config");
const url = new URL(socketPath, location.href.replace(/^http/, "ws")).href;

const clock = find(document, ".call-clock", HTMLElement);
const card = new Card({ onStart: connect, onStop: () => call?.hangUp() });
const log = new Log();
const sound = new Sound(card);

/** @type {Call | null} */
let call = null;
let talkingSince = 0;
const NOTHING = { received: 0, played: 0, cleared: 0, queued: 0 };
let heard = NOTHING;
const counts = { chunks: 0, chunkBytes: 0, sentBytes: 0, receivedBytes: 0, marks: 0, clears: 0 };

async function connect() {
  card.begin();
  Object.assign(counts, { chunks: 0, chunkBytes: 0, sentBytes: 0, receivedBytes: 0 });
  Object.assign(counts, { marks: 0, clears: 0 });
  heard = NOTHING;
  const problem = await sound.open({
    worklets,
    format: { rate: RATE, chunk: CHUNK },
    rate: RATE,
    onVoice: sendVoice,
    onMark: returnMark,
  });
  if (problem) {
    card.end(problem);
    return;
  }
  log.begin();
  call = new Call(url, {
    onState: callChanged,
    onAudio: (samples) => {
      counts.receivedBytes += samples.length * 2;
      sound.player?.play(samples);
    },
    onClear: () => {
      counts.clears += 1;
      sound.player?.clear();
    },
    onMark: (mark) => sound.player?.mark(mark),
    onError: (message) => card.tell(message),
    onMessage: (direction, message) => log.add(direction, message),
  });
}

/** @param {Int16Array} samples */
function sendVoice(samples) {
  if (card.state !== "talking") return;
  call?.sendVoice(samples);
  counts.chunks += 1;
  counts.chunkBytes = samples.length * 2;
  counts.sentBytes += counts.chunkBytes;
}

/** @param {Mark} mark */
function returnMark(mark) {
  counts.marks += 1;
  call?.returnMark(mark);
}

/**
 * @param {CallState} now
 * @param {number} code of the socket's end
 */
function callChanged(now, code) {
  if (now === "waiting") log.note(say("opened"));
  if (now === "talking") talkingSince = performance.now();
  if (now === "ended") {
    log.note(say("closed"), String(code || ""));
    count();
    sound.close();
    call = null;
    card.end(card.hasProblem ? "" : whyEnded(code));
  } else {
    card.show(now);
  }
  clock.hidden = now !== "talking";
}

/** @param {number} code */
function whyEnded(code) {
  if (code === TIMED_OUT) return say("timeout");
  if (code === 1000) return "";
  if (code === 4401 || code === 4403) return say("not_admitted");
  if (code === 4429 || code === 1013) return say("too_many");
  return say("lost", { code });
}

function count() {
  const seconds = (/** @type {number} */ samples) => `${(samples / RATE).toFixed(1)} s`;
  const kilobytes = (/** @type {number} */ bytes) => `${Math.round(bytes / 1000)} kB`;
  const now = stats();
  const shown = {
    sent: kilobytes(now.sentBytes),
    received: kilobytes(now.receivedBytes),
    played: seconds(now.played),
    waiting: seconds(now.queued),
    marks: String(now.marks),
    clears: String(now.clears),
  };
  for (const [name, text] of Object.entries(shown)) {
    find(document, `[data-count=${name}]`, HTMLElement).textContent = text;
  }
  if (card.state === "talking") {
    const talked = Math.floor((performance.now() - talkingSince) / 1000);
    clock.textContent = `${Math.floor(talked / 60)}:${String(talked % 60).padStart(2, "0")}`;
  }
}

/** What a test wants to know. Samples count at 8 kHz; levels are root mean squares, 0 to 1. */
function stats() {
  heard = sound.player?.stats ?? heard;
  return { state: card.state, level: card.loudness, ...counts, ...heard };
}

setInterval(count, COUNT_EVERY_MS);
Object.assign(window, { voicebot: { stats } });
