/**
 * What the person has said and the server has not acknowledged. Sent again with the same id after
 * every reconnect; the server stores it once.
 *
 * @typedef {{id: string, text: string}} Letter
 */

export class Outbox {
  /** @param {(letter: Letter) => boolean} send whether there was a connection */
  constructor(send) {
    this.#send = send;
  }

  #send;
  /** In the order in which they were written. @type {Map<string, Letter>} */
  #letters = new Map();

  get size() {
    return this.#letters.size;
  }

  /**
   * @param {Letter} letter
   * @returns {boolean} whether it is under way
   */
  post(letter) {
    this.#letters.set(letter.id, letter);
    return this.#send(letter);
  }

  /** It is under way already; to be sent again if the connection is lost before it has arrived. @param {Letter} letter */
  keep(letter) {
    this.#letters.set(letter.id, letter);
  }

  sendAll() {
    for (const letter of this.#letters.values()) this.#send(letter);
  }

  /**
   * @param {string} id
   * @param {number} seconds
   */
  sendAgainIn(id, seconds) {
    setTimeout(() => {
      const letter = this.#letters.get(id);
      if (letter) this.#send(letter);
    }, seconds * 1000);
  }

  /** @param {string} id */
  has(id) {
    return this.#letters.has(id);
  }

  /** Nothing can be sent any more. @returns {string[]} the ids of what was not */
  giveUp() {
    const ids = [...this.#letters.keys()];
    this.#letters.clear();
    return ids;
  }

  /**
   * Arrived, or given up.
   *
   * @param {string} id
   */
  remove(id) {
    this.#letters.delete(id);
  }
}
