/**
 * Every message of the call, the latest 200 lines of them. A stream of audio, or of marks, is one.
 *
 * @typedef {{event: string, media?: {payload: string}, mark?: object}} Message the first of what else it holds is shown
 * @typedef {"sent" | "received"} Direction
 */

import { find } from "../voicechat/dom.js";
import { say } from "../voicechat/strings.js";

const LINES = 200;

export class Log {
  // What scrolls is hidden as long as there is nothing; something else stands there instead.
  #scroll = find(document, ".log-scroll", HTMLElement);
  #empty = find(document, ".log-empty", HTMLElement);
  #body = find(this.#scroll, "tbody", HTMLTableSectionElement);
  #beganAt = 0;
  /** The lines that go on, by direction and event. @type {Map<string, {row: HTMLTableRowElement, count: number}>} */
  #streams = new Map();

  /** A new call: its times count from now. */
  begin() {
    this.#beganAt = performance.now();
    this.#streams.clear();
  }

  /**
   * @param {Direction} direction
   * @param {Message} message
   */
  add(direction, message) {
    const { event, media, ...rest } = message;
    const content = media
      ? say("piece", { bytes: bytesOf(media.payload) })
      : JSON.stringify(Object.values(rest)[0] ?? {});
    if (media || message.mark) {
      this.#stream(direction, event, content);
    } else {
      this.#streams.clear();
      this.#line(direction, event, content === "{}" ? "" : content);
    }
  }

  /**
   * What no message tells: the socket opened or closed.
   *
   * @param {string} event
   * @param {string} [content]
   */
  note(event, content = "") {
    this.#streams.clear();
    this.#line(null, event, content);
  }

  /**
   * One line for all of a kind, until something else happens. Shows the latest.
   *
   * @param {Direction} direction
   * @param {string} event
   * @param {string} content
   */
  #stream(direction, event, content) {
    const name = `${direction} ${event}`;
    const stream = this.#streams.get(name);
    if (!stream?.row.isConnected) {
      this.#streams.set(name, { row: this.#line(direction, event, content), count: 1 });
      return;
    }
    stream.count += 1;
    const { row, count } = stream;
    this.#change(() => {
      /** @type {HTMLTableCellElement} */ (row.cells[3]).textContent = say("several", {
        count,
        content,
      });
    });
  }

  /**
   * @param {Direction | null} direction
   * @param {string} event
   * @param {string} content
   */
  #line(direction, event, content) {
    const row = document.createElement("tr");
    row.dataset.direction = direction ?? "";
    const seconds = (performance.now() - this.#beganAt) / 1000;
    for (const text of [`${seconds.toFixed(2)} s`, "", event, content]) {
      row.insertCell().textContent = text;
    }
    if (direction) {
      const arrow = document.createElement("span");
      arrow.className = "log-arrow";
      arrow.textContent = say(direction);
      row.cells[1]?.append(arrow);
    }
    this.#change(() => {
      this.#body.append(row);
      while (this.#body.rows.length > LINES) this.#body.deleteRow(0);
      this.#empty.hidden = true;
      this.#scroll.hidden = false;
    });
    return row;
  }

  /** Who looks at the end goes on looking at the end. @param {() => void} change */
  #change(change) {
    const { scrollTop, clientHeight, scrollHeight } = this.#scroll;
    const atEnd = scrollTop + clientHeight >= scrollHeight - 8;
    change();
    if (atEnd) this.#scroll.scrollTop = this.#scroll.scrollHeight;
  }
}

/** @param {string} payload base64 */
function bytesOf(payload) {
  const padding = payload.endsWith("==") ? 2 : Number(payload.endsWith("="));
  return (payload.length * 3) / 4 - padding;
}
