/**
 * Which conversation the page shows, and the page's address: a new one has an id before anything of
 * it is said, and an address of its own once something is kept.
 *
 * @import { Composer } from "./composer.js"
 * @import { Sidebar } from "./sidebar.js"
 * @import { PageConfig } from "./types.js"
 * @typedef {{config: PageConfig, composer: Composer, sidebar: Sidebar}} IdentityParts
 */

import { beginningInAddress, conversationUrl } from "./addresses.js";

// As the server makes a title of the first words.
const TITLE_CHARS = 60;

export class Identity {
  /** @param {IdentityParts} parts */
  constructor(parts) {
    this.#parts = parts;
    this.#kept = parts.config.conversation !== null;
    this.#id = parts.config.conversation ?? beginningInAddress();
    this.#begun = this.#id !== null;
    parts.composer.keepDraftFor(this.#id);
  }

  #parts;
  /** @type {string | null} */
  #id;
  #kept;
  #begun;

  /** The conversation that the server is asked for; null: a new one. */
  get wanted() {
    return this.#begun ? this.#id : null;
  }

  /** Whether the server was asked for one of which nothing may have been kept. */
  get mayBeUnknown() {
    return !this.#kept && this.#id !== null;
  }

  /**
   * The server has told which one it is.
   *
   * @param {string} id
   * @returns {boolean} whether it is another one than before, of which nothing was kept
   */
  become(id) {
    const isAnother = this.#id !== null && this.#id !== id;
    this.#id = id;
    return isAnother;
  }

  /**
   * The person says something in a new conversation. From now on the page is reloaded into it; the
   * server knows its own address only when the first turn is kept.
   */
  begin() {
    if (this.#begun || this.#id === null) return;
    this.#begun = true;
    history.replaceState(null, "", `#${this.#id}`);
    this.#parts.composer.keepDraftFor(this.#id);
  }

  /** Its first words have been kept: it has an address now. @param {string} words */
  keep(words) {
    if (this.#kept || this.#id === null) return;
    this.#kept = this.#begun = true;
    const { config, composer, sidebar } = this.#parts;
    const title = [...words.trim().replace(/\s+/g, " ")].slice(0, TITLE_CHARS).join("");
    history.replaceState(null, "", conversationUrl(config, this.#id));
    document.title = `${title} – voicechat`;
    composer.keepDraftFor(this.#id);
    sidebar.add(this.#id, title);
  }

  /** It was never kept: what waits goes into a new one. */
  forget() {
    this.#id = null;
    this.#begun = false;
    history.replaceState(null, "", location.pathname);
    this.#parts.composer.keepDraftFor(null);
  }
}
