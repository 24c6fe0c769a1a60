/**
 * Puts the page together.
 *
 * @import { Settings } from "./settings.js"
 * @import { PageConfig } from "./types.js"
 */

import { find, fromServer } from "../voicechat/dom.js";
import { say, useStrings } from "../voicechat/strings.js";
import { conversationUrl } from "./addresses.js";
import { AskForm } from "./ask-form.js";
import { Composer } from "./composer.js";
import { Conversation } from "./conversation.js";
import { Meter } from "./meter.js";
import { Player } from "./player.js";
import { loadSettings, saveSettings } from "./settings.js";
import { Sidebar } from "./sidebar.js";
import { Speaker } from "./speaker.js";
import { Status } from "./status.js";
import { Transcript } from "./transcript.js";
import { VoiceInput } from "./voice-input.js";
import { VoicePanel } from "./voice-panel.js";

/** @type {PageConfig} */
const config = fromServer("config");
useStrings(fromServer("strings"));

const root = find(document, ".chat", HTMLElement);
const welcome = find(root, ".welcome", HTMLElement);
let settings = loadSettings();

const speaker = new Speaker({
  workletUrl: config.urls.worklet,
  onPlayed: (reply, ms, done) => conversation.played(reply, ms, done),
  onState: (state) => {
    status.speaker(state);
    if (state === "unavailable") voicePanel.disable();
  },
});
const status = new Status(root, {
  loginUrl: config.urls.login,
  botName: config.bot.name,
  onRetry: () => conversation.retryNow(),
  onWake: () => speaker.wake(),
});
const composer = new Composer(root, {
  onSend: (text) => {
    player.close();
    conversation.say(text);
  },
  onStop: stop,
  onType: () => conversation.wake(),
});
const player = new Player({
  speed: settings.replaySpeed,
  onSpeed: (replaySpeed) => {
    change({ replaySpeed });
  },
  onProblem: (text) => status.notify(text),
});
const transcript = new Transcript(root, config.bot.name, {
  onAskAgain: (turn) => {
    player.close();
    conversation.askAgain(turn);
  },
  onRate: (turn, value) => conversation.rate(turn, value),
  onReplay: (turn) => {
    conversation.interrupt();
    player.replay(turn);
  },
  onCopied: () => status.notify(say("copied")),
});
const voicePanel = new VoicePanel(root, {
  settings,
  voices: config.voices,
  available: speaker.state !== "unavailable",
  onChange: (changed) => {
    change({ speak: changed.speak, voice: changed.voice, speed: changed.speed });
    speaker.wake();
    conversation.configure(settings);
  },
});
const meter = new Meter(
  root,
  () => speaker.level(),
  () => conversation.showSpoken(),
);
const askForm = new AskForm(find(root, ".asked", HTMLElement), (values) =>
  conversation.answer(values),
);
const sidebar = new Sidebar((id) => conversationUrl(config, id));
const conversation = new Conversation({
  root,
  config,
  settings,
  transcript,
  composer,
  status,
  askForm,
  sidebar,
  speaker,
  voice: () => voice,
  onSpeech: () => {
    player.pause();
    meter.run();
  },
  onStarted: (started) => {
    welcome.hidden = started;
    root.toggleAttribute("data-new", !started);
  },
});
const voice = new VoiceInput(root, conversation.line, {
  config,
  settings,
  status,
  onOpen: () => {
    conversation.wake();
    if (settings.speak) speaker.wake();
  },
  onSettings: change,
});

// The browser lets sound start only where the person does something.
for (const gesture of ["pointerdown", "keydown", "touchend"]) {
  document.addEventListener(gesture, () => settings.speak && speaker.wake(), { passive: true });
}
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || event.defaultPrevented || event.isComposing) return;
  if (sidebar.isOpen || document.querySelector(":popover-open")) return;
  stop();
});
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible" && speaker.state === "interrupted") speaker.wake();
});
for (const chip of welcome.querySelectorAll("[data-question]")) {
  chip.addEventListener("click", () => {
    conversation.say(chip.textContent?.trim() ?? "");
    composer.focus();
  });
}

status.speaks(settings.speak);
status.speaker(speaker.state);
if (matchMedia("(hover: hover)").matches) composer.focus();
conversation.start();

// For tests, and for whoever reports a fault of the sound.
Object.assign(window, { voicechat: { speaker, voice } });

/** @param {Partial<Settings>} changed */
function change(changed) {
  settings = { ...settings, ...changed };
  saveSettings(settings);
}

/** Whatever speaks falls silent: the bot, or a replay. */
function stop() {
  player.pause();
  conversation.interrupt();
}
