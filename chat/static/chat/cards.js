/**
 * Things to look at, such as listings.
 *
 * @import { Card } from "./types.js"
 */

import { find, fromTemplate } from "../voicechat/dom.js";
import { safeUrl } from "./text.js";

/**
 * @param {Card[]} cards
 * @returns {HTMLElement[]}
 */
export function renderCards(cards) {
  return cards.map(renderCard);
}

/** @param {Card} card */
function renderCard(card) {
  const element = fromTemplate("card-template");
  fill(element, ".card-price", card.price);
  fill(element, ".card-subtitle", card.subtitle);
  fill(element, ".card-text", card.text);
  fillTitle(find(element, ".card-title", HTMLElement), card);
  fillImage(find(element, ".card-image", HTMLElement), card);
  const facts = find(element, ".card-facts", HTMLElement);
  for (const [name, value] of card.facts ?? []) facts.append(renderFact(name, value));
  facts.hidden = facts.childElementCount === 0;
  return element;
}

/**
 * @param {HTMLElement} root
 * @param {string} selector
 * @param {string | undefined} text
 */
function fill(root, selector, text) {
  const element = find(root, selector, HTMLElement);
  element.textContent = text ?? "";
  element.hidden = !text;
}

/**
 * @param {HTMLElement} title
 * @param {Card} card
 */
function fillTitle(title, card) {
  const url = safeUrl(card.url ?? "");
  if (!url) {
    title.textContent = card.title;
    return;
  }
  const link = document.createElement("a");
  link.href = url;
  link.target = "_blank";
  link.rel = "noopener noreferrer";
  link.textContent = card.title;
  title.append(link);
}

/**
 * @param {HTMLElement} frame
 * @param {Card} card
 */
function fillImage(frame, card) {
  const source = imageUrl(card.image ?? "");
  frame.hidden = !source;
  if (!source) return;
  const image = document.createElement("img");
  image.alt = "";
  image.loading = "lazy";
  image.decoding = "async";
  image.referrerPolicy = "no-referrer";
  // The frame keeps its place and shows its drawing of a house instead.
  image.addEventListener("error", () => image.remove());
  image.src = source;
  frame.append(image);
}

/**
 * Images may lie on this server, too.
 *
 * @param {string} address
 */
function imageUrl(address) {
  if (address.startsWith("/") && !address.startsWith("//")) return address;
  return safeUrl(address);
}

/**
 * @param {string} name
 * @param {string} value
 */
function renderFact(name, value) {
  const row = document.createElement("div");
  const term = document.createElement("dt");
  const description = document.createElement("dd");
  term.textContent = name;
  description.textContent = value;
  row.append(term, description);
  return row;
}
