/**
 * The page that speaks a text: the form, the sound, and the request beside them.
 *
 * @import { Fields } from "./requests.js"
 * @typedef {{clips: string, endpoint: string}} PageConfig
 */

import { find, fromServer } from "../voicechat/dom.js";
import { say, useStrings } from "../voicechat/strings.js";
import { PlainPlayer } from "./plain-player.js";
import { file, requests } from "./requests.js";

/** @type {PageConfig} */
const config = fromServer("config");
useStrings(fromServer("strings"));
const form = find(document, ".tts-form", HTMLFormElement);
const text = find(document, "#tts-text", HTMLTextAreaElement);
const voice = find(document, "#tts-voice", HTMLSelectElement);
const speed = find(document, "#tts-speed", HTMLSelectElement);
const format = find(document, "#tts-format", HTMLSelectElement);
const audio = find(document, ".tts-audio", HTMLAudioElement);
const problem = find(document, ".tts-problem", HTMLElement);
const state = find(document, ".tts-state", HTMLElement);
const stopButton = find(document, "[data-action=stop]", HTMLButtonElement);
const save = find(document, ".tts-save", HTMLAnchorElement);
const copied = find(document, ".tts-copied", HTMLElement);
const copyButton = find(document, "[data-action=copy]", HTMLButtonElement);
const code = find(document, ".tts-request code", HTMLElement);
const token = find(document, "[name=csrfmiddlewaretoken]", HTMLInputElement).value;

/** @type {AudioContext | null} */
let context = null;
/** @type {PlainPlayer | null} */
let plain = null;
/** Tells what belongs to the latest click from what came before it. */
let latest = 0;

/** @returns {Fields} */
function fields() {
  return {
    text: text.value,
    voice: voice.value,
    output_format: format.value,
    speed: Number(speed.value),
  };
}

function showRequest() {
  const chosen = find(document, "[name=language]:checked", HTMLInputElement).value;
  code.textContent = requests[chosen]?.(config.endpoint, fields()) ?? "";
  copied.textContent = "";
}

/** @param {string} name */
function tell(name) {
  state.textContent = say(name);
}

/** @param {string} sentence */
function fail(sentence) {
  problem.textContent = sentence;
  problem.hidden = false;
  state.textContent = "";
  stopButton.disabled = true;
}

function silence() {
  plain?.stop();
  plain = null;
  audio.pause();
}

/** @returns {Promise<string>} the address of the sound; throws a sentence for the person */
async function clip() {
  /** @type {Response} */
  let answer;
  try {
    answer = await fetch(config.clips, {
      method: "POST",
      headers: { "X-CSRFToken": token, "Content-Type": "application/json" },
      body: JSON.stringify(fields()),
    });
  } catch {
    throw say("lost");
  }
  if (answer.ok) return (await answer.json()).url;
  // Its session has ended: trying again is no help.
  if (answer.status === 403) throw say("reload");
  const isTold = answer.headers.get("Content-Type")?.includes("json");
  throw isTold ? (await answer.json()).message : say("failed");
}

/**
 * @param {string} url
 * @param {"raw" | "mulaw"} kind
 */
async function playPlain(url, kind) {
  audio.hidden = true;
  context ??= new AudioContext();
  await context.resume();
  const answer = await fetch(url);
  if (!answer.ok || !answer.body) throw say("failed");
  plain = new PlainPlayer(context);
  tell("playing");
  await plain.play(answer.body, kind, Number(answer.headers.get("X-Sample-Rate")));
}

/** @param {string} url */
async function playFile(url) {
  audio.hidden = false;
  audio.src = url;
  try {
    await audio.play();
  } catch (error) {
    // The browser wants another click, and the player is there for it.
    if (error instanceof DOMException && error.name === "NotAllowedError") tell("blocked");
    else if (!(error instanceof DOMException && error.name === "AbortError")) throw say("failed");
  }
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  silence();
  latest += 1;
  const mine = latest;
  problem.hidden = true;
  save.hidden = true;
  stopButton.disabled = false;
  tell("speaking");
  try {
    const kind = format.value;
    const name = file(fields());
    const url = await clip();
    if (mine !== latest) return;
    Object.assign(save, { href: url, download: name, hidden: false });
    if (kind === "raw" || kind === "mulaw") {
      await playPlain(url, kind);
      if (mine === latest) finish("done");
    } else {
      await playFile(url);
    }
  } catch (sentence) {
    if (mine === latest) fail(typeof sentence === "string" ? sentence : say("failed"));
  }
});

/** @param {string} name */
function finish(name) {
  tell(name);
  stopButton.disabled = true;
}

stopButton.addEventListener("click", () => {
  latest += 1;
  silence();
  finish("stopped");
});
audio.addEventListener("playing", () => {
  tell("playing");
  stopButton.disabled = false;
});
audio.addEventListener("ended", () => finish("done"));
audio.addEventListener("error", () => fail(say("failed")));
copyButton.addEventListener("click", async () => {
  try {
    await navigator.clipboard.writeText(code.textContent ?? "");
    copied.textContent = say("copied");
  } catch {
    // On a page without HTTPS there is no clipboard.
    getSelection()?.selectAllChildren(code);
    copied.textContent = say("selected");
  }
});
text.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
});
document.addEventListener("input", showRequest);
showRequest();
