/**
 * Reads along while the conversation goes on: new and changed turns come as pieces of this page, what
 * the bot is saying as text that is added to its turn.
 *
 * @typedef {{type: "turns", rev: number, live: boolean, all: boolean, facts: string, turns: string[]}} Turns
 *   `rev`: up to which revision this shows it; `all`: nothing that changed is left out
 * @typedef {{type: "text", turn: string, text: string}} Text
 * @typedef {{type: "error", code: string, message: string}} Refusal
 * @typedef {"off" | "connecting" | "going-on" | "waiting" | "lost" | "refused" | "stale"} State
 */

const BACK_OFF_MS = 1_000;
// Whatever was wrong, one reads along within 5 s of its end.
const BACK_OFF_MAX_MS = 4_000;
// So close to the end of the page somebody reads the newest.
const NEAR_END_PX = 160;
const ANNOUNCEMENTS_KEPT = 6;
const TOO_MANY = 4429;

export class Live {
  /**
   * @param {HTMLElement} bar
   * @param {HTMLElement} review
   * @param {() => void} onChanged the page has other turns now
   */
  constructor(bar, review, onChanged) {
    this.#bar = bar;
    this.#review = review;
    this.#onChanged = onChanged;
    this.#toggle = /** @type {HTMLButtonElement} */ (bar.querySelector(".live-toggle"));
    this.#toggle.addEventListener("click", () =>
      this.#wanted ? this.#stop("off") : this.#start(),
    );
    this.#rev = Number(bar.dataset.rev);
    bar.hidden = false;
    if (bar.dataset.isLive === "yes") this.#start();
    else this.#show("off");
  }

  #bar;
  #review;
  #onChanged;
  #toggle;
  #wanted = false;
  #attempt = 0;
  // Up to which revision the page shows the conversation.
  #rev;
  /** @type {WebSocket | null} */
  #socket = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  #start() {
    this.#wanted = true;
    this.#show("connecting");
    this.#connect();
  }

  /** @param {State} state */
  #stop(state) {
    this.#wanted = false;
    clearTimeout(this.#timer);
    this.#socket?.close(1000);
    this.#socket = null;
    this.#show(state);
  }

  /** For good, as far as this page goes. @param {State} state */
  #end(state) {
    this.#stop(state);
    this.#toggle.hidden = true;
  }

  #connect() {
    const url = new URL(this.#bar.dataset.socket ?? "", location.href);
    url.searchParams.set("rev", String(this.#rev));
    url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(url);
    this.#socket = socket;
    socket.onmessage = (event) => this.#receive(JSON.parse(event.data));
    socket.onclose = ({ code }) => {
      if (this.#socket === socket) this.#closed(code);
    };
  }

  /** @param {number} code */
  #closed(code) {
    this.#socket = null;
    if (code >= 4400 && code < 4500 && code !== TOO_MANY) return this.#end("refused");
    const longest = Math.min(BACK_OFF_MAX_MS, BACK_OFF_MS * 2 ** this.#attempt);
    this.#attempt += 1;
    this.#show("lost");
    this.#timer = setTimeout(() => this.#connect(), longest * (0.5 + Math.random() / 2));
  }

  /** @param {Turns | Text | Refusal} message */
  #receive(message) {
    if (message.type === "text") this.#append(message);
    else if (message.type === "turns") this.#take(message);
  }

  /** @param {Turns} message */
  #take({ rev, live, all, facts, turns }) {
    // What comes after a gap would hide that there is one.
    if (!all) return this.#end("stale");
    this.#attempt = 0;
    this.#rev = rev;
    this.#show(live ? "going-on" : "waiting");
    const readsNewest = this.#isAtEnd();
    this.#review.ownerDocument.querySelector(".facts")?.replaceWith(element(facts));
    for (const html of turns) this.#put(element(html));
    this.#onChanged();
    if (turns.length > 0 && readsNewest) this.#showEnd();
  }

  /** @param {Element} stretch with one turn in it */
  #put(stretch) {
    const turn = stretch.querySelector(".turn");
    if (!turn) return;
    for (const form of turn.querySelectorAll("form")) form.prepend(...token());
    const shown = document.getElementById(turn.id);
    const wasSaid = shown !== null && !shown.matches(".status-streaming");
    if (shown) {
      // The next change shows it again.
      if (isInUse(shown)) return;
      for (const detail of shown.querySelectorAll("details[open]")) {
        turn.querySelector(`details.${detail.className}`)?.setAttribute("open", "");
      }
      shown.replaceWith(turn);
    } else {
      this.#add(stretch, turn);
    }
    if (!wasSaid && !turn.matches(".status-streaming")) this.#announce(turn);
  }

  /** @param {Element} stretch @param {Element} turn */
  #add(stretch, turn) {
    this.#review.querySelector(".nothing-said")?.remove();
    const last = [...this.#review.querySelectorAll(".stretch")].at(-1);
    const list = last?.querySelector(".transcript");
    if (!list || last?.getAttribute("data-call") !== stretch.getAttribute("data-call")) {
      this.#review.append(stretch);
      return;
    }
    const day = stretch.querySelector(".day-mark");
    const before = [...list.querySelectorAll(".day-mark")].at(-1);
    if (day && day.textContent !== before?.textContent) list.append(day);
    list.append(turn);
  }

  /** @param {Text} message */
  #append({ turn, text }) {
    const shown = document.getElementById(`turn-${turn}`)?.querySelector(".turn-text");
    if (!shown) return;
    const readsNewest = this.#isAtEnd();
    if (shown.matches(".turn-empty")) {
      shown.classList.remove("turn-empty");
      shown.setAttribute("dir", "auto");
      shown.textContent = "";
    }
    shown.append(text);
    if (readsNewest) this.#showEnd();
  }

  #isAtEnd() {
    const last = [...this.#review.querySelectorAll(".turn")].at(-1);
    return !last || last.getBoundingClientRect().bottom < innerHeight + NEAR_END_PX;
  }

  #showEnd() {
    const last = [...this.#review.querySelectorAll(".turn")].at(-1);
    last?.scrollIntoView({ block: "nearest", behavior: "instant" });
  }

  /** @param {Element} turn */
  #announce(turn) {
    const announcer = this.#bar.querySelector(".live-announcer");
    const who = turn.querySelector("strong")?.textContent ?? "";
    const said = turn.querySelector(".turn-text")?.textContent ?? "";
    const line = document.createElement("p");
    line.textContent = `${who}: ${said.trim()}`;
    announcer?.append(line);
    while ((announcer?.childElementCount ?? 0) > ANNOUNCEMENTS_KEPT) {
      announcer?.firstElementChild?.remove();
    }
  }

  /** @param {State} state */
  #show(state) {
    const { dataset } = this.#bar;
    dataset.state = state;
    const name = state.replace(/-(.)/, (_, letter) => letter.toUpperCase());
    const text = this.#bar.querySelector(".live-text");
    if (text && text.textContent !== dataset[name]) text.textContent = dataset[name] ?? "";
    const { start = "", stop = "" } = this.#toggle.dataset;
    this.#toggle.textContent = this.#wanted ? stop : start;
  }
}

/** Whether somebody hears the turn, or has begun to write about it. @param {Element} turn */
function isInUse(turn) {
  const sounds = [...turn.querySelectorAll("audio")];
  const fields = [...turn.querySelectorAll("textarea")];
  return (
    turn.contains(document.activeElement) ||
    sounds.some((sound) => !sound.paused) ||
    fields.some((field) => field.value !== field.defaultValue)
  );
}

/** @param {string} html of one element, made by the server @returns {Element} */
function element(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  const first = template.content.firstElementChild;
  if (!first) throw new Error("an empty piece of page");
  return document.importNode(first, true);
}

/** Forms that came over the socket lack it. @returns {Node[]} */
function token() {
  const own = document.querySelector("input[name=csrfmiddlewaretoken]");
  return own ? [own.cloneNode(true)] : [];
}
