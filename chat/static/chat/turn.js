/**
 * One turn in the transcript: its text as it grows, what was heard of it, its cards and actions.
 *
 * @import { Card, Role, StoredAudio, Turn, TurnStatus } from "./types.js"
 *
 * @typedef {{
 *   onAskAgain: (turn: TurnView) => void,
 *   onRate: (turn: TurnView, value: -1 | 0 | 1) => void,
 *   onReplay: (turn: TurnView) => void,
 *   onCopied: () => void
 * }} TurnActions
 * @typedef {"hearing" | "waiting" | "sending" | "sent" | "refused" | "unsent"} Delivery
 *   hearing: the person is still speaking; unsent: and it cannot be sent any more
 */

import { find, fromTemplate } from "../voicechat/dom.js";
import { say } from "../voicechat/strings.js";
import { renderCards } from "./cards.js";
import { codePoints, indexOfPoint, splitLinks } from "./text.js";

export class TurnView {
  /**
   * @param {Role} role
   * @param {string} botName
   * @param {TurnActions} actions
   */
  constructor(role, botName, actions) {
    this.role = role;
    this.element = fromTemplate("turn-template");
    this.element.dataset.role = role;
    this.#text = find(this.element, ".turn-text", HTMLElement);
    this.#note = find(this.element, ".turn-note", HTMLElement);
    this.#cards = find(this.element, ".turn-cards", HTMLElement);
    this.#time = find(this.element, ".turn-time", HTMLTimeElement);
    this.#buttons = {
      replay: find(this.element, "[data-action=replay]", HTMLButtonElement),
      copy: find(this.element, "[data-action=copy]", HTMLButtonElement),
      up: find(this.element, "[data-action=up]", HTMLButtonElement),
      down: find(this.element, "[data-action=down]", HTMLButtonElement),
      again: find(this.element, "[data-action=again]", HTMLButtonElement),
      unfold: find(this.element, "[data-action=unfold]", HTMLButtonElement),
    };
    find(this.element, ".turn-who", HTMLElement).textContent =
      role === "user" ? say("you_said") : say("bot_said", { name: botName });
    this.#listen(actions);
    this.#setTime(new Date());
    this.#show();
  }

  /** Of the turn in the database; empty until the server has told it. */
  id = "";
  /** @type {string | null} */
  clientId = null;
  /** @type {string | null} */
  replyTo = null;
  seq = Number.MAX_SAFE_INTEGER;
  rev = 0;
  /** @type {TurnStatus} */
  status = "done";
  /** All its text is there. */
  written = false;
  /** @type {StoredAudio[]} */
  audio = [];
  announced = false;
  text = "";
  #points = 0;
  /** Deltas beyond a gap, by their offset in code points. @type {Map<number, string>} */
  #beyond = new Map();
  /** @type {string | null} */
  #heard = null;
  /** @type {Delivery} */
  #delivery = "sent";
  /** Nothing of it was heard, and the person who cut it off has not asked to see it. */
  #folded = false;
  #problem = "";
  kind = "";
  /** The server that was answering is gone. */
  #lost = false;
  #rating = 0;
  #cardCount = 0;
  #text;
  #note;
  #cards;
  #time;
  #buttons;

  /** @param {Turn} turn as the server has it */
  take(turn) {
    this.id = turn.id;
    this.clientId = turn.client_id ?? this.clientId;
    this.replyTo = turn.reply_to;
    this.seq = turn.seq;
    this.rev = turn.rev;
    this.kind = turn.kind;
    this.#delivery = "sent";
    this.#rating = turn.rating ?? 0;
    this.audio = turn.audio;
    this.#lost = turn.error === "instance_lost";
    if (turn.status === "failed") this.#problem ||= say("reply_failed");
    else if (turn.status !== "interrupted" || turn.text) this.#problem = "";
    this.#setTime(new Date(turn.at));
    this.showCards(turn.cards);
    // What streams here may be ahead of what is stored.
    if (turn.status === "streaming" && this.text.startsWith(turn.text)) {
      this.status = turn.status;
      this.#show();
    } else {
      this.end(turn.status, turn.text, turn.heard);
    }
  }

  /** The reply is on its way and there is nothing to show yet. */
  think() {
    this.status = "streaming";
    this.#show();
  }

  /** @param {string} kind */
  start(kind) {
    this.kind = kind;
    this.status = "streaming";
    // Whoever comes back later, or reloads, wants to read what they have missed.
    this.#folded = true;
    this.#show();
  }

  /** @param {string} text of one's own, not yet acknowledged */
  write(text) {
    this.#setText(text);
    this.#show();
  }

  /** @param {string} text what was understood of one's own words so far */
  hear(text) {
    this.#delivery = "hearing";
    this.write(text);
  }

  /**
   * More of the text. What overlaps is known; what lies beyond a gap waits for the gap to be filled.
   *
   * @param {number} offset in code points
   * @param {string} text
   */
  append(offset, text) {
    if (offset > this.#points) {
      this.#beyond.set(offset, text);
      this.#show();
      return;
    }
    const fresh = text.slice(indexOfPoint(text, this.#points - offset));
    if (fresh) {
      this.text += fresh;
      this.#points += codePoints(fresh);
      const last = this.#text.lastChild;
      if (last instanceof Text && this.kind !== "realtime") last.appendData(fresh);
      else this.#renderText();
    }
    for (const [start, piece] of this.#beyond) {
      if (start > this.#points) continue;
      this.#beyond.delete(start);
      this.append(start, piece);
    }
    this.#show();
  }

  /** Its text is complete; its sound may go on, or wait. @param {string} text */
  complete(text) {
    this.written = true;
    if (text !== this.text) this.#setText(text);
    this.#show();
  }

  /**
   * @param {TurnStatus} status
   * @param {string} text
   * @param {string | null} heard null: it was not spoken
   */
  end(status, text, heard) {
    this.status = status;
    this.#heard = heard;
    this.#setText(text);
    this.#show();
  }

  /** @param {Card[]} cards */
  showCards(cards) {
    if (!cards.length || cards.length === this.#cardCount) return;
    this.#cardCount = cards.length;
    this.#cards.replaceChildren(...renderCards(cards));
    this.#cards.hidden = false;
  }

  /** @param {Delivery} delivery */
  deliver(delivery, problem = "") {
    this.#delivery = delivery;
    this.#problem = problem;
    this.#show();
  }

  /** @param {string} problem told under the text */
  complain(problem) {
    this.#problem = problem;
    this.#show();
  }

  /** @param {boolean} replaying */
  setReplaying(replaying) {
    this.#buttons.replay.setAttribute("aria-pressed", String(replaying));
  }

  /** Whether this is the last turn, whose actions stay in sight. @param {boolean} last */
  setLast(last) {
    this.element.classList.toggle("is-last", last);
  }

  /** The reader's element to put a player into. */
  get playerSlot() {
    return find(this.element, ".turn-player", HTMLElement);
  }

  /**
   * The stretch of the shown text between two code points; null if it is not there (yet).
   *
   * @param {number} start in code points
   * @param {number} end in code points
   * @returns {Range | null}
   */
  range(start, end) {
    const from = indexOfPoint(this.text, start);
    const to = from + indexOfPoint(this.text.slice(from), end - start);
    if (to <= from) return null;
    const range = new Range();
    let passed = 0;
    let started = false;
    const walker = document.createTreeWalker(this.#text, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node instanceof Text; node = walker.nextNode()) {
      const length = node.data.length;
      if (!started && from < passed + length) {
        range.setStart(node, from - passed);
        started = true;
      }
      if (started && to <= passed + length) {
        range.setEnd(node, to - passed);
        return range;
      }
      passed += length;
    }
    return null;
  }

  /** @param {TurnActions} actions */
  #listen(actions) {
    const { replay, copy, up, down, again, unfold } = this.#buttons;
    unfold.addEventListener("click", () => {
      this.#folded = !this.#folded;
      this.#show();
    });
    replay.addEventListener("click", () => actions.onReplay(this));
    again.addEventListener("click", () => actions.onAskAgain(this));
    copy.addEventListener("click", async () => {
      await copyText(this.text);
      actions.onCopied();
    });
    const rate = (/** @type {-1 | 1} */ value) => {
      this.#rating = this.#rating === value ? 0 : value;
      this.#show();
      actions.onRate(this, /** @type {-1 | 0 | 1} */ (this.#rating));
    };
    up.addEventListener("click", () => rate(1));
    down.addEventListener("click", () => rate(-1));
  }

  /** @param {Date} at */
  #setTime(at) {
    this.#time.dateTime = at.toISOString();
    this.#time.textContent = at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
    this.#time.title = at.toLocaleString();
  }

  /** @param {string} text */
  #setText(text) {
    this.text = text;
    this.#points = codePoints(text);
    this.#beyond.clear();
    this.#renderText();
  }

  #renderText() {
    const unheard = this.#unheardFrom;
    const realtime = this.kind === "realtime";
    // Items are lines; each keeps its line break, so that places in the text stay what they are.
    const lines = realtime ? this.text.split(/(?<=\n)/) : [this.text];
    const nodes = [];
    let passed = 0;
    for (const line of lines) {
      const cut = Math.max(0, Math.min(line.length, unheard - passed));
      const parts = [...this.#linked(line.slice(0, cut)), ...this.#unheard(line.slice(cut))];
      passed += line.length;
      if (realtime && line.trim()) {
        const item = document.createElement("span");
        item.className = "turn-item";
        item.append(...parts);
        nodes.push(item);
      } else {
        nodes.push(...parts);
      }
    }
    this.#text.replaceChildren(...nodes);
  }

  /** It was spoken, and not a word of it was heard. */
  get #missed() {
    const over = this.status !== "streaming" && this.kind !== "greeting";
    return over && this.#heard === "" && this.text.trim() !== "";
  }

  /** Where the part that was not heard begins. Of what can only be read nothing is struck through. */
  get #unheardFrom() {
    const all = this.text.length;
    if (this.status === "streaming" || this.kind === "greeting" || !this.#heard) return all;
    if (!this.text.startsWith(this.#heard)) return all;
    return this.text.slice(this.#heard.length).trim() ? this.#heard.length : all;
  }

  /** @param {string} text */
  #linked(text) {
    if (this.status === "streaming") return text ? [document.createTextNode(text)] : [];
    return splitLinks(text).map((piece) => {
      if (!piece.url) return document.createTextNode(piece.text);
      const link = document.createElement("a");
      link.href = piece.url;
      link.target = "_blank";
      link.rel = "noopener noreferrer";
      link.textContent = piece.text;
      return link;
    });
  }

  /** @param {string} text */
  #unheard(text) {
    if (!text) return [];
    const mark = document.createElement("s");
    mark.className = "turn-unheard";
    mark.textContent = text;
    return [mark];
  }

  #show() {
    const { element } = this;
    const mine = this.role === "user";
    element.dataset.status = this.status;
    element.dataset.kind = this.kind;
    element.dataset.delivery = this.#delivery;
    const streaming = this.status === "streaming";
    const hearing = this.#delivery === "hearing";
    const growing = (streaming && !this.written) || hearing;
    const foldable = this.#missed && this.status === "interrupted";
    const folded = foldable && this.#folded;
    element.setAttribute("aria-busy", String(growing));
    element.classList.toggle("is-folded", folded);
    element.classList.toggle("is-thinking", streaming && !this.text && !this.#cardCount);
    element.classList.toggle("has-gap", this.#beyond.size > 0);
    this.#text.hidden = !this.text || folded;
    const note = this.#noteText();
    this.#note.textContent = note;
    this.#note.hidden = !note;

    const settled = !streaming && this.#delivery === "sent";
    const rateable =
      settled && this.role === "assistant" && this.kind !== "greeting" && this.id !== "";
    const { replay, copy, up, down, again, unfold } = this.#buttons;
    unfold.hidden = !foldable;
    unfold.textContent = say(folded ? "unheard_show" : "unheard_hide");
    unfold.setAttribute("aria-expanded", String(!folded));
    replay.hidden = this.audio.length === 0;
    copy.hidden = growing || !this.text;
    up.hidden = down.hidden = !rateable || !this.text;
    up.setAttribute("aria-pressed", String(this.#rating === 1));
    down.setAttribute("aria-pressed", String(this.#rating === -1));
    const unanswered = this.status === "failed" || (this.#lost && !streaming);
    again.hidden = mine ? this.#delivery !== "refused" : !unanswered;
    this.#time.hidden = streaming || hearing;
  }

  #noteText() {
    if (this.#delivery === "waiting") return say("waiting_to_send");
    if (this.#delivery === "unsent") return say("not_sent");
    if (this.#problem) return this.#problem;
    if (this.status === "failed") return say("reply_failed");
    if (this.#lost && this.status === "interrupted") return say("reply_lost");
    if (this.kind === "greeting") return "";
    if (this.#missed) return this.status === "done" ? say("reply_not_heard") : "";
    if (this.status === "done" && this.#unheardFrom < this.text.length) return say("reply_unheard");
    if (this.status !== "interrupted") return "";
    if (this.#heard === null) return say(this.written ? "reply_not_read" : "reply_stopped");
    return this.#unheardFrom < this.text.length
      ? say("reply_interrupted_unheard")
      : say("reply_stopped");
  }
}

/** @param {string} text */
async function copyText(text) {
  if (navigator.clipboard) {
    await navigator.clipboard.writeText(text);
    return;
  }
  // Plain http has no clipboard; the old way still works there.
  const area = document.createElement("textarea");
  const focused = document.activeElement;
  area.value = text;
  area.className = "visually-hidden";
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
  if (focused instanceof HTMLElement) focused.focus();
}
