/**
 * The connection: says hello, keeps it alive, notices when it is dead, and comes back.
 *
 * @import { ClientMessage, Hello, ServerMessage } from "./types.js"
 *
 * @typedef {{name: "connecting"} | {name: "open"} | {name: "resting"}
 *   | {name: "waiting", until: number}
 *   | {name: "stopped", code: number}} SocketState
 *   `until`: when it tries again, as Date.now(); resting: until the person does something
 * @typedef {{
 *   url: string,
 *   hello: () => (Hello | ClientMessage)[],
 *   onMessage: (message: ServerMessage) => void,
 *   onAudio: (buffer: ArrayBuffer) => void,
 *   onState: (state: SocketState) => void
 * }} SocketOptions
 */

const PING_EVERY_MS = 20_000;
const DEAD_AFTER_MS = 30_000;
// After the network has changed, a connection that lives answers quickly.
const DEAD_AFTER_CHANGE_MS = 4_000;
const CONNECT_MS = 15_000;
const BACK_OFF_MS = 500;
// Whatever was wrong, people are back within 5 s of its end.
const BACK_OFF_MAX_MS = 4_000;
const TOO_MANY_MS = 10_000;

const IDLE = 4408;
const TOO_MANY = 4429;

export class Socket {
  /** @param {SocketOptions} options */
  constructor(options) {
    this.#options = options;
  }

  #options;
  /** @type {WebSocket | null} */
  #socket = null;
  /** @type {SocketState} */
  #state = { name: "connecting" };
  #attempt = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #pingTimer;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #deadTimer;
  /** Seconds that the server asked us to stay away. @type {number | null} */
  #retryAfter = null;

  get state() {
    return this.#state;
  }

  get open() {
    return this.#state.name === "open";
  }

  start() {
    window.addEventListener("online", () => this.#networkChanged());
    window.addEventListener("offline", () => this.#networkChanged());
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible") this.#networkChanged();
    });
    window.addEventListener("pageshow", (event) => {
      if (event.persisted) this.wake();
    });
    this.#connect();
  }

  /**
   * @param {ClientMessage} message
   * @returns {boolean} whether there was a connection to send it on
   */
  send(message) {
    if (!this.open || this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify(message));
    return true;
  }

  /**
   * @param {ArrayBuffer} frame
   * @returns {boolean} whether there was a connection to send it on
   */
  sendAudio(frame) {
    if (!this.open || this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(frame);
    return true;
  }

  /** What is still on its way out. */
  get bufferedBytes() {
    return this.#socket?.bufferedAmount ?? 0;
  }

  /** The person does something: come back if we rest. */
  wake() {
    if (this.#state.name === "resting") this.#connect();
  }

  /** Try again now instead of when the back-off has passed. */
  retryNow() {
    if (this.#state.name === "waiting" || this.#state.name === "resting") this.#connect();
  }

  /** Say hello anew, on a new connection. */
  reopen() {
    this.#drop(1000);
    this.#connect();
  }

  #connect() {
    clearTimeout(this.#timer);
    this.#retryAfter = null;
    this.#setState({ name: "connecting" });
    const socket = new WebSocket(this.#options.url);
    socket.binaryType = "arraybuffer";
    this.#socket = socket;
    // A connection that hangs while it is made is as good as none.
    this.#timer = setTimeout(() => this.#lost(), CONNECT_MS);
    socket.onopen = () => {
      for (const message of this.#options.hello()) socket.send(JSON.stringify(message));
    };
    socket.onmessage = (event) => this.#receive(event.data);
    socket.onclose = (event) => this.#closed(event.code);
  }

  /** @param {unknown} data */
  #receive(data) {
    this.#alive();
    if (data instanceof ArrayBuffer) {
      this.#options.onAudio(data);
      return;
    }
    /** @type {ServerMessage} */
    const message = JSON.parse(String(data));
    if (message.type === "ready") {
      clearTimeout(this.#timer);
      this.#attempt = 0;
      this.#setState({ name: "open" });
      this.#pingLater();
    } else if (message.type === "error" && message.retry !== null && message.id === null) {
      this.#retryAfter = message.retry;
    } else if (message.type === "going_away") {
      this.#retryAfter = message.retry_after;
    }
    this.#options.onMessage(message);
  }

  #pingLater() {
    clearTimeout(this.#pingTimer);
    this.#pingTimer = setTimeout(() => {
      this.#ping(DEAD_AFTER_MS);
      this.#pingLater();
    }, PING_EVERY_MS);
  }

  /** @param {number} deadAfterMs unless an earlier ping is still without an answer */
  #ping(deadAfterMs) {
    if (!this.send({ type: "ping" })) return;
    this.#deadTimer ??= setTimeout(() => this.#lost(), deadAfterMs);
  }

  #alive() {
    clearTimeout(this.#deadTimer);
    this.#deadTimer = undefined;
  }

  #networkChanged() {
    if (this.open) {
      this.#alive();
      this.#ping(DEAD_AFTER_CHANGE_MS);
    } else if (navigator.onLine) {
      this.retryNow();
    }
  }

  #lost() {
    this.#drop(1000);
    this.#closed(1006);
  }

  /** @param {number} code */
  #drop(code) {
    const socket = this.#socket;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close(code);
    this.#socket = null;
    this.#stopTimers();
  }

  #stopTimers() {
    clearTimeout(this.#timer);
    clearTimeout(this.#pingTimer);
    this.#alive();
  }

  /** @param {number} code */
  #closed(code) {
    this.#stopTimers();
    this.#socket = null;
    const asked = this.#retryAfter === null ? null : this.#retryAfter * 1000;
    if (code === IDLE) this.#setState({ name: "resting" });
    else if (code === TOO_MANY) this.#retryIn(asked ?? TOO_MANY_MS);
    else if (code >= 4400 && code < 4500) this.#setState({ name: "stopped", code });
    else this.#retryIn((asked ?? 0) + this.#backOff());
  }

  #backOff() {
    const longest = Math.min(BACK_OFF_MAX_MS, BACK_OFF_MS * 2 ** this.#attempt);
    this.#attempt += 1;
    return longest * (0.5 + Math.random() / 2);
  }

  /** @param {number} ms */
  #retryIn(ms) {
    this.#setState({ name: "waiting", until: Date.now() + ms });
    this.#timer = setTimeout(() => this.#connect(), ms);
  }

  /** @param {SocketState} state */
  #setState(state) {
    this.#state = state;
    this.#options.onState(state);
  }
}
