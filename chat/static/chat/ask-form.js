/**
 * What an engine asks the person for: a small form, in the place that the page has for it.
 *
 * @import { AskField } from "./types.js"
 */

import { say } from "../voicechat/strings.js";

export class AskForm {
  /**
   * @param {HTMLElement} place empty and hidden as long as nothing is asked
   * @param {(values: Record<string, string>) => void} onFilledIn
   */
  constructor(place, onFilledIn) {
    this.#place = place;
    this.#onFilledIn = onFilledIn;
  }

  #place;
  #onFilledIn;

  get asks() {
    return !this.#place.hidden;
  }

  /** @param {AskField[]} fields */
  show(fields) {
    const form = document.createElement("form");
    form.className = "ask-form";
    form.setAttribute("aria-label", say("asked"));
    const heading = document.createElement("p");
    heading.className = "ask-heading";
    heading.textContent = say("asked");
    form.append(heading, ...fields.map(row));
    const button = document.createElement("button");
    button.className = "button";
    button.textContent = say("ask_send");
    form.append(button);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      /** @type {Record<string, string>} */
      const values = {};
      for (const [name, value] of new FormData(form)) values[name] = String(value);
      this.hide();
      this.#onFilledIn(values);
    });
    this.#place.replaceChildren(form);
    this.#place.hidden = false;
  }

  /** Nothing is asked any more. */
  hide() {
    this.#place.replaceChildren();
    this.#place.hidden = true;
  }
}

/** @param {AskField} field */
function row(field) {
  const label = document.createElement("label");
  const name = document.createElement("span");
  name.textContent = field.label || field.name;
  const control = field.kind === "choice" ? choice(field) : input(field);
  control.name = field.name;
  control.required = field.required ?? false;
  label.append(name, control);
  return label;
}

/** @param {AskField} field */
function input(field) {
  const control = document.createElement("input");
  control.type = field.kind ?? "text";
  if (control.type === "number") control.step = "any";
  control.maxLength = 2_000;
  return control;
}

/** @param {AskField} field */
function choice(field) {
  const control = document.createElement("select");
  control.append(...(field.choices ?? []).map((text) => new Option(text)));
  return control;
}
