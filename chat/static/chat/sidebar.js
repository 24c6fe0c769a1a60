/** One's conversations beside the chat; on a phone, a drawer over it. */

import { find, fromTemplate } from "../voicechat/dom.js";

export class Sidebar {
  /** @param {(conversation: string) => string} urlOf */
  constructor(urlOf) {
    this.#urlOf = urlOf;
    this.#aside = find(document, ".sidebar", HTMLElement);
    this.#main = find(document, "main", HTMLElement);
    this.#list = find(this.#aside, ".earlier", HTMLElement);
    this.#none = find(this.#aside, ".no-conversations", HTMLElement);
    this.#opener = find(document, "[data-action=open-sidebar]", HTMLButtonElement);
    this.#backdrop = find(document, ".sidebar-backdrop", HTMLElement);
    this.#opener.addEventListener("click", () => this.#open());
    this.#backdrop.addEventListener("click", () => this.close());
    find(this.#aside, "[data-action=close-sidebar]", HTMLButtonElement).addEventListener(
      "click",
      () => this.close(),
    );
    this.#aside.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !this.isOpen || document.querySelector(":popover-open")) return;
      event.preventDefault();
      this.close();
    });
    for (const time of this.#aside.querySelectorAll("time")) showWhen(time);
  }

  #urlOf;
  #aside;
  #main;
  #list;
  #none;
  #opener;
  #backdrop;

  get isOpen() {
    return this.#aside.classList.contains("is-open");
  }

  close() {
    if (!this.isOpen) return;
    this.#aside.classList.remove("is-open");
    this.#backdrop.hidden = true;
    this.#main.inert = false;
    this.#opener.setAttribute("aria-expanded", "false");
    this.#opener.focus();
  }

  /**
   * Shows a conversation that has just got its first words, as the one that is open.
   *
   * @param {string} conversation
   * @param {string} title
   */
  add(conversation, title) {
    const url = this.#urlOf(conversation);
    // It was there when the page was made.
    if ([...this.#list.querySelectorAll("a")].some((link) => link.pathname === url)) return;
    const item = fromTemplate("conversation-template");
    const link = find(item, "a", HTMLAnchorElement);
    link.href = url;
    link.setAttribute("aria-current", "page");
    find(item, ".earlier-title", HTMLElement).textContent = title;
    const time = find(item, "time", HTMLTimeElement);
    time.dateTime = new Date().toISOString();
    showWhen(time);
    this.#list.prepend(item);
    this.#none.hidden = true;
  }

  #open() {
    this.#aside.classList.add("is-open");
    this.#backdrop.hidden = false;
    this.#main.inert = true;
    this.#opener.setAttribute("aria-expanded", "true");
    find(this.#aside, "[data-action=close-sidebar]", HTMLButtonElement).focus();
  }
}

/** In the reader's time zone: the hour today, else the day. @param {HTMLTimeElement} time */
function showWhen(time) {
  const at = new Date(time.dateTime);
  const today = at.toDateString() === new Date().toDateString();
  time.textContent = today
    ? at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })
    : at.toLocaleDateString([], { day: "numeric", month: "short" });
  time.title = at.toLocaleString();
}
