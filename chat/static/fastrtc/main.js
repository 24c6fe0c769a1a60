/**
 * The FastRTC page: buttons, levels, what was said, the form, and the messages of one stream.
 *
 * @import { Message, Output, StreamState } from "./stream.js"
 * @typedef {{worklets: {microphone: string, player: string}}} PageConfig
 */

import { AskForm } from "../chat/ask-form.js";
import { find } from "../chat/dom.js";
import { say, useStrings } from "../chat/strings.js";
import { Level } from "../voicebot/level.js";
import { Log } from "../voicebot/log.js";
import { Microphone, MicrophoneError, requireSecurePage } from "../voicebot/microphone.js";
import { Player } from "../voicebot/player.js";
import { RATE_IN, RATE_OUT, Stream } from "./stream.js";

// As many samples as FastRTC's own page sends at a time.
const CHUNK = 2_048;

/** @param {string} id */
function json(id) {
  return JSON.parse(find(document, `#${id}`, HTMLScriptElement).text);
}

useStrings(json("fastrtc-strings"));
/** @type {PageConfig} */
const config = json("fastrtc-config");

const card = find(document, ".call", HTMLElement);
const stateLine = find(card, ".call-state", HTMLElement);
const problem = find(card, ".call-problem", HTMLElement);
const warning = find(card, ".call-warning", HTMLElement);
const startButton = find(card, "[data-action=start]", HTMLButtonElement);
const stopButton = find(card, "[data-action=stop]", HTMLButtonElement);
const outputs = find(document, ".outputs", HTMLElement);
const noOutputs = find(document, ".outputs-empty", HTMLElement);
const log = new Log(
  find(document, ".log-scroll", HTMLElement),
  find(document, ".log-empty", HTMLElement),
);
const levels = {
  person: new Level(find(card, "[data-level=person]", HTMLElement)),
  bot: new Level(find(card, "[data-level=bot]", HTMLElement)),
};
const form = new AskForm(find(document, ".asked", HTMLElement), async (values) => {
  const taken = await stream?.fillIn(values);
  if (!taken) tell(warning, say("input_not_taken"));
});

/** @type {"idle" | "asking" | StreamState} */
let state = "idle";
/** @type {AudioContext | null} */
let context = null;
/** @type {Microphone | null} */
let microphone = null;
/** @type {Player | null} */
let player = null;
/** @type {Stream | null} */
let stream = null;

async function start() {
  show("asking");
  hide(problem);
  hide(warning);
  outputs.replaceChildren();
  noOutputs.hidden = false;
  try {
    requireSecurePage();
    // Within the gesture, so that the browser lets it sound.
    const opened = new AudioContext();
    context = opened;
    await Promise.all(
      Object.values(config.worklets).map((worklet) => opened.audioWorklet.addModule(worklet)),
    );
    microphone = await Microphone.open(opened, {
      onVoice: (samples) => state === "talking" && stream?.sendVoice(samples),
      onChange: microphoneChanged,
      format: { rate: RATE_IN, chunk: CHUNK },
    });
    player = new Player(opened, () => {}, RATE_OUT);
    levels.person.listen(microphone.output);
    levels.bot.listen(player.output);
    await opened.resume();
  } catch (error) {
    end(
      error instanceof MicrophoneError
        ? say(`microphone_${error.fault}`, { name: error.message })
        : say("no_sound"),
      "idle",
    );
    return;
  }
  log.begin();
  stream = new Stream(location.href, {
    onState: streamChanged,
    onAudio: (samples) => player?.play(samples),
    onAsk: (fields) => form.show(fields),
    onOutput: showOutput,
    onProblem: (kind, message) => tell(kind === "error" ? problem : warning, message),
    onMessage: logMessage,
  });
}

/**
 * @param {"sent" | "received"} direction
 * @param {Message} message
 */
function logMessage(direction, message) {
  if (message.type === "log" && message.data === "response_starting") form.hide();
  const { event, type, status, ...rest } = message;
  log.add(direction, { event: event ?? type ?? status ?? "", ...rest });
}

/** @param {Output} output */
function showOutput({ role, content, cards }) {
  noOutputs.hidden = true;
  const line = document.createElement("p");
  line.dataset.role = role;
  line.textContent = `${say(role === "user" ? "you" : "bot")} ${content}`;
  outputs.append(line);
  if (!cards) return;
  const list = document.createElement("ul");
  for (const { title, subtitle, price } of cards) {
    const item = document.createElement("li");
    item.textContent = [title, subtitle, price].filter(Boolean).join(" · ");
    list.append(item);
  }
  outputs.append(list);
}

/** @param {import("../voicebot/microphone.js").MicrophoneChange} change */
function microphoneChanged(change) {
  if (change === "lost") {
    stream?.stop();
    tell(problem, say("microphone_lost"));
  } else if (change === "heard") {
    hide(warning);
  } else {
    tell(warning, say(`microphone_${change}`));
  }
}

/**
 * @param {StreamState} now
 * @param {number} code of the socket's end
 */
function streamChanged(now, code) {
  if (now !== "ended") {
    show(now);
    return;
  }
  log.note(say("closed"), String(code || ""));
  end(problem.hidden && code !== 1000 ? say("lost", { code }) : "");
}

/**
 * @param {string} why empty: as it should
 * @param {"ended" | "idle"} now idle: it has not begun
 */
function end(why, now = "ended") {
  microphone?.close();
  levels.person.stop();
  levels.bot.stop();
  context?.close();
  context = microphone = player = null;
  form.hide();
  hide(warning);
  if (why) tell(problem, why);
  show(now);
}

/** @param {typeof state} now */
function show(now) {
  state = now;
  card.dataset.state = now;
  stateLine.textContent = say(now);
  const free = now === "idle" || now === "ended";
  const hadFocus = document.activeElement === stopButton;
  startButton.disabled = !free;
  stopButton.disabled = free || now === "asking";
  if (free && hadFocus) startButton.focus();
  if (now === "connecting") stopButton.focus();
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

/** What a test wants to know; samples count at 24 kHz. */
function stats() {
  const level = { person: levels.person.rms(), bot: levels.bot.rms() };
  return { state, level, id: stream?.id, ...player?.stats };
}

startButton.addEventListener("click", start);
stopButton.addEventListener("click", () => stream?.stop());
window.addEventListener("pagehide", () => stream?.stop());
Object.assign(window, { fastrtc: { stats } });
