/**
 * The turns in their order, and the view of them: follows the end while the reader is there.
 *
 * @import { Turn } from "./types.js"
 * @import { Delivery, TurnActions } from "./turn.js"
 */

import { find } from "../voicechat/dom.js";
import { TurnView } from "./turn.js";

// How near the end counts as being there, in CSS px.
const AT_END_PX = 64;
// A turn without a number of its own stands so far behind the one it follows.
const BEHIND = 0.001;

export class Transcript {
  /**
   * @param {HTMLElement} root
   * @param {string} botName
   * @param {TurnActions} actions
   */
  constructor(root, botName, actions) {
    this.#view = find(root, ".transcript", HTMLElement);
    this.#list = find(root, ".turns", HTMLElement);
    this.#pill = find(root, ".to-end", HTMLButtonElement);
    this.#botName = botName;
    this.#actions = actions;
    this.#view.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    this.#pill.addEventListener("click", () => {
      this.toEnd();
      this.#view.focus({ preventScroll: true });
    });
    const grown = new ResizeObserver((changed) =>
      this.#follow(changed.some(({ target }) => target === this.#list)),
    );
    grown.observe(this.#list);
    grown.observe(this.#view);
  }

  #view;
  #list;
  #pill;
  #botName;
  #actions;
  #atEnd = true;
  #top = 0;
  /** In the order shown. @type {TurnView[]} */
  #turns = [];
  /** @type {Map<string, TurnView>} */
  #byId = new Map();
  /** @type {Map<string, TurnView>} */
  #byClientId = new Map();
  /** What the server does not get, and what each follows. @type {Map<TurnView, TurnView | undefined>} */
  #left = new Map();

  /** @param {string} id */
  get(id) {
    return this.#byId.get(id);
  }

  /** @param {string} clientId */
  written(clientId) {
    return this.#byClientId.get(clientId);
  }

  get turns() {
    return /** @type {readonly TurnView[]} */ (this.#turns);
  }

  /** Whether an answer is complete as text, and goes on as sound or waits to. */
  get hasWritten() {
    return this.#turns.some((turn) => turn.status === "streaming" && turn.written);
  }

  /** Whether an answer is still being written or spoken, in whichever tab. */
  get answering() {
    return this.#turns.some((turn) => turn.role === "assistant" && turn.status === "streaming");
  }

  /**
   * What the person has just written.
   *
   * @param {string} clientId
   * @param {string} text
   */
  write(clientId, text) {
    const turn = new TurnView("user", this.#botName, this.#actions);
    turn.clientId = clientId;
    turn.write(text);
    this.#byClientId.set(clientId, turn);
    this.#place(turn);
    this.toEnd();
    return turn;
  }

  /**
   * The server has stored it as `id`, to be answered by `reply`.
   *
   * @param {TurnView} turn
   * @param {string} id
   */
  acknowledge(turn, id) {
    turn.id = id;
    this.#byId.set(id, turn);
    // Its place is told only by a later message; until then it is after all that is known.
    if (turn.seq === Number.MAX_SAFE_INTEGER) {
      turn.seq = this.#lastSeq() + 1;
      this.#place(turn);
    }
    turn.deliver("sent");
  }

  /**
   * The reply with this id, which may be new.
   *
   * @param {string} id
   * @param {string | null} replyTo
   */
  reply(id, replyTo) {
    const known = this.#byId.get(id);
    if (known) return known;
    const turn = new TurnView("assistant", this.#botName, this.#actions);
    turn.id = id;
    turn.replyTo = replyTo;
    const asked = replyTo ? this.#byId.get(replyTo) : null;
    turn.seq = (asked ? asked.seq : this.#lastSeq()) + 0.5;
    this.#byId.set(id, turn);
    this.#place(turn);
    return turn;
  }

  /**
   * A turn as the server has it.
   *
   * @param {Turn} turn
   */
  take(turn) {
    // A turn that was spoken has the id of its utterance.
    let view = this.#byId.get(turn.id) ?? this.#byClientId.get(turn.client_id ?? turn.id);
    view ??= new TurnView(turn.role, this.#botName, this.#actions);
    this.#left.delete(view);
    this.#byId.set(turn.id, view);
    if (turn.client_id) this.#byClientId.set(turn.client_id, view);
    view.take(turn);
    this.#place(view);
    return view;
  }

  /**
   * The server does not get it: it stays where it was said, behind what it follows.
   *
   * @param {TurnView} turn
   * @param {Delivery} delivery
   */
  leave(turn, delivery, problem = "") {
    this.#left.set(turn, this.#turns[this.#turns.indexOf(turn) - 1]);
    turn.deliver(delivery, problem);
  }

  /** @param {TurnView} turn */
  remove(turn) {
    for (const [left, before] of this.#left)
      if (before === turn) this.#left.set(left, this.#turns[this.#turns.indexOf(turn) - 1]);
    this.#left.delete(turn);
    this.#turns = this.#turns.filter((other) => other !== turn);
    this.#byId.delete(turn.id);
    if (turn.clientId) this.#byClientId.delete(turn.clientId);
    turn.element.remove();
    this.#turns.at(-1)?.setLast(true);
  }

  toEnd() {
    this.#atEnd = true;
    this.#follow(false);
  }

  #lastSeq() {
    return this.#turns.reduce(
      (last, turn) => (turn.seq < Number.MAX_SAFE_INTEGER ? Math.max(last, turn.seq) : last),
      0,
    );
  }

  /** @param {TurnView} turn @returns {number} */
  #rank(turn) {
    if (!this.#left.has(turn)) return turn.seq;
    const before = this.#left.get(turn);
    return before ? this.#rank(before) + BEHIND : -1;
  }

  /** @param {TurnView} turn */
  #place(turn) {
    const before = this.#turns.indexOf(turn);
    if (before >= 0) this.#turns.splice(before, 1);
    let at = this.#turns.length;
    const rank = this.#rank(turn);
    while (at > 0 && this.#rank(/** @type {TurnView} */ (this.#turns[at - 1])) > rank) at -= 1;
    const next = this.#turns[at];
    this.#turns.splice(at, 0, turn);
    // Moving an element takes the focus from it.
    if (before !== at) this.#list.insertBefore(turn.element, next ? next.element : null);
    for (const [left, followed] of this.#left) if (followed === turn) this.#place(left);
    for (const other of this.#turns.slice(-3)) other.setLast(other === this.#turns.at(-1));
  }

  #scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = this.#view;
    if (scrollHeight - scrollTop - clientHeight < AT_END_PX) {
      this.#atEnd = true;
      this.#pill.hidden = true;
    } else if (scrollTop < this.#top && this.#top <= scrollHeight - clientHeight) {
      // Only the person scrolls up, and the browser where there is no room left to stay. Text that
      // grows leaves us above the end, too, for a moment.
      this.#atEnd = false;
    }
    this.#top = scrollTop;
  }

  /** @param {boolean} more there may be something that the reader has not seen */
  #follow(more) {
    if (this.#atEnd) {
      this.#view.scrollTop = this.#view.scrollHeight;
      this.#top = this.#view.scrollTop;
      this.#pill.hidden = true;
    } else if (more) {
      this.#pill.hidden = false;
    }
  }
}
