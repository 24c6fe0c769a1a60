/**
 * The VoiceBot page: buttons, levels, counts and the log of one call after the other.
 *
 * @import { CallState, Message } from "./call.js"
 * @import { MicrophoneChange } from "./microphone.js"
 * @typedef {{socketPath: string, worklets: {microphone: string, player: string}}} PageConfig
 */

import { find } from "../chat/dom.js";
import { say, useStrings } from "../chat/strings.js";
import { Call, TIMED_OUT } from "./call.js";
import { Level } from "./level.js";
import { Log } from "./log.js";
import { Microphone, MicrophoneError, requireSecurePage } from "./microphone.js";
import { Player } from "./player.js";

const COUNT_EVERY_MS = 200;
const RATE = 8_000;

/** @param {string} id */
function json(id) {
  return JSON.parse(find(document, `#${id}`, HTMLScriptElement).text);
}

useStrings(json("voicebot-strings"));
/** @type {PageConfig} */
const config = json("voicebot-config");
const url = new URL(config.socketPath, location.href.replace(/^http/, "ws")).href;

const card = find(document, ".call", HTMLElement);
const stateLine = find(card, ".call-state", HTMLElement);
const clock = find(card, ".call-clock", HTMLElement);
const problem = find(card, ".call-problem", HTMLElement);
const warning = find(card, ".call-warning", HTMLElement);
const connectButton = find(card, "[data-action=connect]", HTMLButtonElement);
const hangUpButton = find(card, "[data-action=hang-up]", HTMLButtonElement);
const log = new Log(
  find(document, ".log-scroll", HTMLElement),
  find(document, ".log-empty", HTMLElement),
);
const levels = {
  person: new Level(find(card, "[data-level=person]", HTMLElement)),
  bot: new Level(find(card, "[data-level=bot]", HTMLElement)),
};

/** @type {"idle" | "asking" | CallState} */
let state = "idle";
/** @type {AudioContext | null} */
let context = null;
/** @type {Microphone | null} */
let microphone = null;
/** @type {Player | null} */
let player = null;
/** @type {Call | null} */
let call = null;
let talkingSince = 0;
const NOTHING = { received: 0, played: 0, cleared: 0, queued: 0 };
let heard = NOTHING;
const counts = { chunks: 0, chunkBytes: 0, sentBytes: 0, receivedBytes: 0, marks: 0, clears: 0 };

async function connect() {
  show("asking");
  hide(problem);
  hide(warning);
  Object.assign(counts, { chunks: 0, chunkBytes: 0, sentBytes: 0, receivedBytes: 0 });
  Object.assign(counts, { marks: 0, clears: 0 });
  heard = NOTHING;
  try {
    requireSecurePage();
    // Within the gesture, so that the browser lets it sound.
    const opened = new AudioContext();
    context = opened;
    await Promise.all(
      Object.values(config.worklets).map((worklet) => opened.audioWorklet.addModule(worklet)),
    );
    microphone = await Microphone.open(opened, {
      onVoice: sendVoice,
      onChange: microphoneChanged,
    });
    player = new Player(opened, returnMark);
    levels.person.listen(microphone.output);
    levels.bot.listen(player.output);
    await opened.resume();
  } catch (error) {
    end(
      error instanceof MicrophoneError
        ? say(`microphone_${error.fault}`, { name: error.message })
        : say("no_sound"),
    );
    return;
  }
  log.begin();
  call = new Call(url, {
    onState: callChanged,
    onAudio: (samples) => {
      counts.receivedBytes += samples.length * 2;
      player?.play(samples);
    },
    onClear: () => {
      counts.clears += 1;
      player?.clear();
    },
    onMark: (mark) => player?.mark(mark),
    onError: (message) => tell(problem, message),
    onMessage: (direction, message) => log.add(direction, message),
  });
}

/** @param {Int16Array} samples */
function sendVoice(samples) {
  if (state !== "talking") return;
  call?.sendVoice(samples);
  counts.chunks += 1;
  counts.chunkBytes = samples.length * 2;
  counts.sentBytes += counts.chunkBytes;
}

/** @param {import("./call.js").Mark} mark */
function returnMark(mark) {
  counts.marks += 1;
  call?.returnMark(mark);
}

/** @param {MicrophoneChange} change */
function microphoneChanged(change) {
  if (change === "lost") {
    call?.hangUp();
    tell(problem, say("microphone_lost"));
  } else if (change === "heard") {
    hide(warning);
  } else {
    tell(warning, say(`microphone_${change}`));
  }
}

/**
 * @param {CallState} now
 * @param {number} code of the socket's end
 */
function callChanged(now, code) {
  if (now === "waiting") log.note(say("opened"));
  if (now === "talking") talkingSince = performance.now();
  if (now !== "ended") {
    show(now);
    return;
  }
  log.note(say("closed"), String(code || ""));
  end(problem.hidden ? whyEnded(code) : "");
}

/** @param {number} code */
function whyEnded(code) {
  if (code === TIMED_OUT) return say("timeout");
  if (code === 1000) return "";
  if (code === 4401 || code === 4403) return say("not_admitted");
  if (code === 4429 || code === 1013) return say("too_many");
  return say("lost", { code });
}

/** @param {string} why empty: as it should */
function end(why) {
  microphone?.close();
  levels.person.stop();
  levels.bot.stop();
  count();
  context?.close();
  context = microphone = player = call = null;
  hide(warning);
  if (why) tell(problem, why);
  show("ended");
}

/** @param {typeof state} now */
function show(now) {
  const hadFocus = document.activeElement === hangUpButton;
  state = now;
  card.dataset.state = now;
  const failed = now === "ended" && !problem.hidden;
  stateLine.textContent = say(failed ? "idle" : now);
  const free = now === "idle" || now === "ended";
  connectButton.disabled = !free;
  hangUpButton.disabled = free || now === "asking";
  clock.hidden = now !== "talking";
  if (free && hadFocus) connectButton.focus();
  if (now === "connecting") hangUpButton.focus();
}

/**
 * @param {HTMLElement} line
 * @param {string} text
 */
function tell(line, text) {
  line.textContent = text;
  line.hidden = false;
}

/** @param {HTMLElement} line */
function hide(line) {
  line.hidden = true;
  line.textContent = "";
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
  if (state === "talking") {
    const talked = Math.floor((performance.now() - talkingSince) / 1000);
    clock.textContent = `${Math.floor(talked / 60)}:${String(talked % 60).padStart(2, "0")}`;
  }
}

/** What a test wants to know. Samples count at 8 kHz; levels are root mean squares, 0 to 1. */
function stats() {
  heard = player?.stats ?? heard;
  const level = { person: levels.person.rms(), bot: levels.bot.rms() };
  return { state, level, ...counts, ...heard };
}

connectButton.addEventListener("click", connect);
hangUpButton.addEventListener("click", () => call?.hangUp());
window.addEventListener("pagehide", () => call?.hangUp());
setInterval(count, COUNT_EVERY_MS);
Object.assign(window, { voicebot: { stats } });
