/**
 * The FastRTC page: what was said, the form, and the messages of one stream after the other.
 *
 * @import { Worklets } from "../playground/sound.js"
 * @import { Message, Output, StreamState } from "./stream.js"
 */

import { AskForm } from "../chat/ask-form.js";
import { Card } from "../playground/card.js";
import { Log } from "../playground/log.js";
import { Sound } from "../playground/sound.js";
import { find, fromServer } from "../voicechat/dom.js";
import { say, useStrings } from "../voicechat/strings.js";
import { RATE_IN, RATE_OUT, Stream } from "./stream.js";

// As many samples as FastRTC's own page sends at a time.
const CHUNK = 2_048;

useStrings(fromServer("strings"));
/** @type {{worklets: Worklets}} */
const { worklets } = fromServer("config");

const outputs = find(document, ".outputs", HTMLElement);
const noOutputs = find(document, ".outputs-empty", HTMLElement);
const card = new Card({ onStart: start, onStop: () => stream?.stop() });
const log = new Log();
const sound = new Sound(card);
const form = new AskForm(find(document, ".asked", HTMLElement), async (values) => {
  const taken = await stream?.fillIn(values);
  if (!taken) card.warn(say("input_not_taken"));
});

/** @type {Stream | null} */
let stream = null;

async function start() {
  card.begin();
  outputs.replaceChildren();
  noOutputs.hidden = false;
  const problem = await sound.open({
    worklets,
    format: { rate: RATE_IN, chunk: CHUNK },
    rate: RATE_OUT,
    onVoice: (samples) => card.state === "talking" && stream?.sendVoice(samples),
  });
  if (problem) {
    card.end(problem);
    return;
  }
  log.begin();
  stream = new Stream(location.href, {
    onState: streamChanged,
    onAudio: (samples) => sound.player?.play(samples),
    onAsk: (fields) => form.show(fields),
    onOutput: showOutput,
    onProblem: (kind, message) => (kind === "error" ? card.tell(message) : card.warn(message)),
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

/**
 * @param {StreamState} now
 * @param {number} code of the socket's end
 */
function streamChanged(now, code) {
  if (now !== "ended") {
    card.show(now);
    return;
  }
  log.note(say("closed"), String(code || ""));
  sound.close();
  form.hide();
  card.end(card.hasProblem || code === 1000 ? "" : say("lost", { code }));
}

/** What a test wants to know; samples count at 24 kHz. */
function stats() {
  return { state: card.state, level: card.loudness, id: stream?.id, ...sound.player?.stats };
}

Object.assign(window, { fastrtc: { stats } });
