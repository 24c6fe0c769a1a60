/**
 * The conversation as this page sees it: messages of the server go to those who show or play them,
 * what the person does goes to the server.
 *
 * @import { AskForm } from "./ask-form.js"
 * @import { Composer } from "./composer.js"
 * @import { Letter } from "./outbox.js"
 * @import { Settings } from "./settings.js"
 * @import { Sidebar } from "./sidebar.js"
 * @import { SocketState } from "./socket.js"
 * @import { Speaker } from "./speaker.js"
 * @import { Status } from "./status.js"
 * @import { Transcript } from "./transcript.js"
 * @import { TurnView } from "./turn.js"
 * @import { VoiceInput } from "./voice-input.js"
 * @import { Ask, ClientMessage, ErrorMessage, Hello, PageConfig, Ready, ReplyEnd, ServerMessage, State, Turn } from "./types.js"
 *
 * @typedef {{
 *   config: PageConfig, settings: Settings, transcript: Transcript, composer: Composer, status: Status,
 *   askForm: AskForm, sidebar: Sidebar, speaker: Speaker, voice: () => VoiceInput, root: HTMLElement,
 *   onSpeech: () => void, onStarted: (started: boolean) => void
 * }} Parts `onStarted`: the person has said something, or it was nothing after all
 */

import { say } from "../voicechat/strings.js";
import { socketUrl } from "./addresses.js";
import { Elsewhere } from "./elsewhere.js";
import { VOICE_RATE } from "./frames.js";
import { Identity } from "./identity.js";
import { Outbox } from "./outbox.js";
import { Socket } from "./socket.js";
import { SAMPLE_RATE } from "./speaker.js";
import { Spoken } from "./spoken.js";
import { newId } from "./text.js";
import { Utterances } from "./utterances.js";

export class Conversation {
  /** @param {Parts} parts */
  constructor(parts) {
    this.#parts = parts;
    this.#identity = new Identity(parts);
    this.#settings = parts.settings;
    this.#socket = new Socket({
      url: socketUrl(parts.config.socketPath),
      hello: () => this.#hello(),
      onMessage: (message) => {
        this.#receive(message);
        this.#parts.composer.setBusy(this.busy);
        this.#showElsewhere();
      },
      onAudio: (buffer) => this.#spoken.hear(buffer),
      onState: (state) => this.#onConnection(state),
    });
    this.#spoken = new Spoken(parts.speaker, parts.transcript, (message) =>
      this.#socket.send(message),
    );
    this.#outbox = new Outbox((letter) => this.#post(letter));
    this.#utterances = new Utterances(parts.transcript, {
      onSaid: (turn) => this.#onSaid(turn),
      onNothing: () => parts.voice().nothing(),
    });
    this.#elsewhere = new Elsewhere(parts.root, () => this.#playHere());
  }

  #parts;
  #identity;
  #socket;
  #spoken;
  #outbox;
  #utterances;
  #elsewhere;
  #settings;
  /** What the bot waits for. @type {Ask | null} */
  #asked = null;
  #rev = 0;
  /** Up to here nothing can be missing: no reply was still being written. */
  #settledRev = 0;
  /** @type {Pick<State, "person" | "bot">} */
  #state = { person: "silent", bot: "silent" };

  start() {
    this.#socket.start();
  }

  /** What the person's voice is sent on. */
  get line() {
    return this.#socket;
  }

  get busy() {
    const { speaker, transcript } = this.#parts;
    // A reply may be spoken in another tab of the conversation.
    return (
      this.#socket.open && (this.#state.bot !== "silent" || speaker.playing || transcript.answering)
    );
  }

  // --- what the person does -------------------------------------------------------------------

  /** @param {string} text */
  say(text) {
    this.wake();
    if (this.#socket.open && this.busy) this.#spoken.silence();
    const letter = { id: newId(), text };
    const { transcript } = this.#parts;
    const turn = transcript.write(letter.id, text);
    this.#parts.onStarted(true);
    if (this.#socket.state.name === "stopped") transcript.leave(turn, "unsent");
    else if (!this.#outbox.post(letter)) turn.deliver("waiting");
  }

  /** @param {Record<string, string>} values what was filled in */
  answer(values) {
    if (this.#asked) this.#socket.send({ type: "input", id: this.#asked.id, values });
    this.#askNoMore();
  }

  /** The bot shall stop at once. */
  interrupt() {
    if (!this.busy) return;
    this.#spoken.silence();
    this.#socket.send({ type: "interrupt" });
    this.#parts.status.announce(say("stopped"));
  }

  /** @param {TurnView} turn that failed, or was refused */
  askAgain(turn) {
    const { transcript } = this.#parts;
    const asked =
      turn.role === "user" ? turn : transcript.turns[transcript.turns.indexOf(turn) - 1];
    if (!asked) return;
    if (turn.role === "user") transcript.remove(turn);
    this.say(asked.text);
    this.#parts.composer.focus();
  }

  /**
   * @param {TurnView} turn
   * @param {-1 | 0 | 1} value
   */
  rate(turn, value) {
    const sent = this.#socket.send({ type: "rate", turn: turn.id, value });
    this.#parts.status.announce(say(sent ? (value ? "rated" : "unrated") : "rating_not_sent"));
  }

  /** @param {Settings} settings */
  configure(settings) {
    const before = this.#settings;
    this.#settings = settings;
    this.#showElsewhere();
    this.#parts.status.speaks(settings.speak);
    if (settings.speak !== before.speak) this.#parts.speaker.setMuted(!settings.speak);
    const { voice, speed, speak } = settings;
    this.#socket.send({ type: "configure", voice, speed, audio: speak });
  }

  #playHere() {
    this.#parts.speaker.wake();
    this.#socket.send({ type: "take_audio" });
  }

  #showElsewhere() {
    const { transcript, speaker } = this.#parts;
    const able = this.#settings.speak && speaker.state !== "unavailable";
    this.#elsewhere.show(able && this.#socket.open && transcript.answering);
  }

  retryNow() {
    this.#socket.retryNow();
  }

  /** The person is there: come back if the connection rests. */
  wake() {
    this.#socket.wake();
  }

  // --- the connection -------------------------------------------------------------------------

  /** @returns {(Hello | ClientMessage)[]} */
  #hello() {
    const { config, speaker } = this.#parts;
    const { voice, speed } = this.#settings;
    /** @type {Hello} */
    const hello = {
      type: "hello",
      version: 1,
      conversation: this.#identity.wanted,
      last_rev: this.#settledRev,
      audio: {
        out:
          speaker.state === "unavailable"
            ? null
            : { encoding: "pcm_s16le", rate: SAMPLE_RATE, framing: "binary" },
        in: { encoding: "pcm_s16le", rate: VOICE_RATE },
      },
      record: this.#parts.voice().record,
      speed,
      language: config.bot.language || config.language,
    };
    if (voice) hello.voice = voice;
    if (hello.conversation === null) hello.bot = config.bot.slug;
    // Sound is agreed on all the same, so that it can be switched on later.
    return this.#settings.speak ? [hello] : [hello, { type: "configure", audio: false }];
  }

  /** @param {SocketState} state */
  #onConnection(state) {
    const { transcript } = this.#parts;
    this.#parts.status.connection(state);
    if (state.name !== "open") {
      this.#setState({ person: "silent", bot: "silent" });
      this.#parts.voice().offline();
      this.#utterances.failAll(say("speech_cut_off"));
    }
    if (state.name === "stopped") {
      // With nobody to talk to, what was written stays readable.
      this.#parts.composer.setDisabled(true);
      this.#parts.voice().end();
      for (const id of this.#outbox.giveUp()) {
        const turn = transcript.written(id);
        if (turn) transcript.leave(turn, "unsent");
      }
    }
  }

  /** @param {Letter} letter */
  #post(letter) {
    const sent = this.#socket.send({ type: "text", id: letter.id, text: letter.text });
    if (!sent) return false;
    this.#identity.begin();
    this.#parts.transcript.written(letter.id)?.deliver("sending");
    return true;
  }

  // --- what the server says -------------------------------------------------------------------

  /** @param {ServerMessage} message */
  #receive(message) {
    const { transcript, speaker } = this.#parts;
    switch (message.type) {
      case "ready":
        return this.#onReady(message);
      case "ack":
        return this.#onAck(message.id, message.turn, message.reply, message.rev);
      case "state":
        this.#parts.voice().person(message.person);
        if (message.person === "hearing") this.#identity.begin();
        return this.#setState(message);
      case "transcript":
        this.#identity.begin();
        this.#utterances.take(message);
        return this.#showStarted();
      case "reply_start":
        transcript.reply(message.reply, message.turn).start(message.kind);
        return speaker.follow(message.reply, message.generation);
      case "delta":
        return transcript.reply(message.reply, null).append(message.offset, message.text);
      case "cards":
        return transcript.reply(message.reply, null).showCards(message.cards);
      case "text_end":
        transcript.reply(message.reply, null).complete(message.text);
        return this.#showState();
      case "sentence":
        return this.#spoken.begin(message);
      case "clear":
        return this.#spoken.clear(message.generation);
      case "reply_end":
        return this.#onReplyEnd(message);
      case "turn":
        this.#take(message.turn);
        return this.#seeRev(message.rev);
      case "ask":
        return this.#onAsk(message);
      case "watched":
        return this.#parts.status.watched(message.watched);
      case "audio_owner":
        return this.#elsewhere.heardHere(message.here);
      case "error":
        return this.#onError(message);
      default:
        return undefined;
    }
  }

  /** @param {Ask} ask */
  #onAsk(ask) {
    this.#asked = ask;
    this.#parts.askForm.show(ask.fields);
    this.#parts.status.announce(say("asked"));
  }

  #askNoMore() {
    this.#asked = null;
    this.#parts.askForm.hide();
  }

  /** @param {Ready} ready */
  #onReady(ready) {
    this.#askNoMore();
    const { transcript, composer } = this.#parts;
    if (this.#identity.become(ready.conversation)) {
      // Nothing of the former was kept; its greeting comes again.
      for (const turn of [...transcript.turns]) if (turn.role !== "user") transcript.remove(turn);
    }
    this.#elsewhere.heardHere(true);
    const asked = ready.turns.find((turn) => turn.role === "user");
    if (asked) this.#identity.keep(asked.text);
    this.#spoken.reset();
    composer.setLimit(ready.limits.text_chars);
    composer.setDisabled(false);
    const told = new Set(ready.turns.map((turn) => turn.id));
    for (const turn of ready.turns) this.#take(turn);
    for (const turn of transcript.turns) {
      if (turn.status === "streaming" && !told.has(turn.id))
        turn.end("interrupted", turn.text, null);
    }
    this.#seeRev(ready.rev);
    this.#outbox.sendAll();
    this.#parts.voice().ready(ready);
  }

  /** @param {Turn} turn */
  #take(turn) {
    this.#outbox.remove(turn.client_id ?? turn.id);
    const live = this.#rev > 0;
    const view = this.#parts.transcript.take(turn);
    const final = turn.status !== "streaming";
    // What was there when the page opened is history.
    if (final && live && !view.announced && turn.rev > this.#settledRev) this.#announce(view);
    if (final) view.announced = true;
    if (turn.role !== "assistant") this.#parts.onStarted(true);
  }

  /** The person has ended. Should the connection be lost before it is stored, it is sent as a text. @param {TurnView} turn */
  #onSaid(turn) {
    if (turn.clientId) this.#outbox.keep({ id: turn.clientId, text: turn.text });
    turn.announced = true;
    this.#announce(turn);
  }

  /** What is being said may turn out to be nothing. */
  #showStarted() {
    this.#parts.onStarted(this.#parts.transcript.turns.some((turn) => turn.role !== "assistant"));
  }

  /**
   * @param {string} id
   * @param {string} turnId
   * @param {string} reply
   * @param {number} rev
   */
  #onAck(id, turnId, reply, rev) {
    const { transcript } = this.#parts;
    this.#outbox.remove(id);
    const turn = transcript.written(id);
    if (turn) {
      turn.announced = true;
      transcript.acknowledge(turn, turnId);
      this.#identity.keep(turn.text);
    }
    if (!transcript.get(reply)) transcript.reply(reply, turnId).think();
    this.#seeRev(rev);
  }

  /** @param {ReplyEnd} end */
  #onReplyEnd(end) {
    if (this.#asked?.reply === end.reply) this.#askNoMore();
    const turn = this.#parts.transcript.reply(end.reply, null);
    turn.end(end.status, end.text, end.heard);
    if (!turn.announced) this.#announce(turn);
    turn.announced = true;
    this.#spoken.end(end.reply);
    this.#seeRev(end.rev);
  }

  /** @param {ErrorMessage} error */
  #onError(error) {
    const { transcript, status, speaker } = this.#parts;
    if (error.code === "unknown_conversation" && this.#identity.mayBeUnknown) {
      this.#identity.forget();
      queueMicrotask(() => this.#socket.reopen());
      return;
    }
    if (error.code === "unknown_conversation") {
      this.#onDeleted();
      return;
    }
    if (error.id !== null && this.#outbox.has(error.id)) {
      speaker.release();
      if (error.retry !== null) {
        this.#outbox.sendAgainIn(error.id, error.retry);
        transcript.written(error.id)?.deliver("waiting");
        return;
      }
      this.#outbox.remove(error.id);
      const refused = transcript.written(error.id);
      if (refused) transcript.leave(refused, "refused", error.message);
      status.announce(error.message);
      return;
    }
    if (error.id !== null && this.#utterances.fail(error.id, error.message)) {
      status.announce(error.message);
      return;
    }
    const reply = error.id === null ? undefined : transcript.get(error.id);
    if (reply) reply.complain(error.message);
    else if (error.code !== "idle") status.notify(error.message);
  }

  /** The server closes the connection next, with a code that brings up the banner. */
  #onDeleted() {
    const { transcript, status } = this.#parts;
    status.deleted();
    this.#spoken.drop();
    for (const turn of transcript.turns)
      if (turn.status === "streaming") turn.end("interrupted", turn.text, null);
  }

  // --- the sound ------------------------------------------------------------------------------

  /**
   * The loudspeaker has come so far.
   *
   * @param {string} reply
   * @param {number} ms
   * @param {boolean} done
   */
  played(reply, ms, done) {
    this.#spoken.played(reply, ms, done);
    this.#parts.composer.setBusy(this.busy);
    this.#parts.onSpeech();
  }

  /** Marks what is being said. @returns {boolean} whether anything is */
  showSpoken() {
    return this.#spoken.mark();
  }

  // --- the rest -------------------------------------------------------------------------------

  /** @param {Pick<State, "person" | "bot">} state */
  #setState({ person, bot }) {
    this.#state = { person, bot };
    this.#showState();
    this.#parts.composer.setBusy(this.busy);
  }

  #showState() {
    const { person, bot } = this.#state;
    // Its answer is written; it does not read it out into what the person is saying.
    const waits = bot === "thinking" && person !== "silent" && this.#parts.transcript.hasWritten;
    this.#parts.status.bot(waits ? "waiting" : bot);
  }

  /** @param {TurnView} turn */
  #announce(turn) {
    const { status, config } = this.#parts;
    if (!turn.text) return;
    const name =
      turn.role === "user" ? say("you_said") : say("bot_said", { name: config.bot.name });
    status.announce(`${name} ${turn.text}`);
  }

  /** @param {number} rev */
  #seeRev(rev) {
    this.#rev = Math.max(this.#rev, rev);
    const streaming = this.#parts.transcript.turns.some((turn) => turn.status === "streaming");
    if (!streaming) this.#settledRev = this.#rev;
  }
}
