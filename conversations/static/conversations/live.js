/**
 * Reads along while the conversation goes on: new and changed turns come as pieces of this page, what
 * the bot is saying as text that is added to its turn.
 *
 * @typedef {{type: "turns", live: boolean, all: boolean, facts: string, turns: string[]}} Turns
 *   `all`: nothing that changed is left out
 * @typedef {{type: "text", turn: string, text: string}} Text
 * @typedef {{type: "error", code: string, message: string}} Refusal
 * @typedef {"off" | "connecting" | "going-on" | "waiting" | "lost" | "refused" | "stale"} State
 */

const BACK_OFF_MS = 1_000;
const BACK_OFF_MAX_MS = 20_000;
// So close to the end of the page somebody reads the newest.
const NEAR_END_PX = 160;
const ANNOUNCEMENTS_KEPT = 6;

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
    this.#toggle.addEventListener("click", () => (this.#wanted ? this.#stop() : this.#start()));
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
  /** @type {WebSocket | null} */
  #socket = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  #start() {
    this.#wanted = true;
    this.#show("connecting");
    this.#connect();
  }

  #stop() {
    this.#wanted = false;
    clearTimeout(this.#timer);
    this.#socket?.close(1000);
    this.#socket = null;
    this.#show("off");
  }

  #connect() {
    const url = new URL(this.#bar.dataset.socket ?? "", location.href);
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
    if (code >= 4400 && code < 4500) {
      this.#wanted = false;
      this.#show("refused");
      this.#toggle.hidden = true;
      return;
    }
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
  #take({ live, all, facts, turns }) {
    this.#attempt = 0;
    this.#show(all ? (live ? "going-on" : "waiting") : "stale");
    if (!all) return;
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
    if (shown) {
      // Whoever hears it, or writes about it, is not disturbed; the next change shows it again.
      const sounds = [...shown.querySelectorAll("audio")];
      if (sounds.some((sound) => !sound.paused) || shown.contains(document.activeElement)) return;
      for (const detail of shown.querySelectorAll("details[open]")) {
        turn.querySelector(`details.${detail.className}`)?.setAttribute("open", "");
      }
      shown.replaceWith(turn);
    } else {
      this.#add(stretch, turn);
    }
    if (!turn.matches(".status-streaming")) this.#announce(turn);
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
