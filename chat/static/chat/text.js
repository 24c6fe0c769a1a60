/** Text as the wire and the page count it. The wire counts code points, the DOM UTF-16 units. */

/** @param {string} text */
export function codePoints(text) {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}

/**
 * Where in the string the code point number `points` stands.
 *
 * @param {string} text
 * @param {number} points
 */
export function indexOfPoint(text, points) {
  let index = 0;
  for (let left = points; left > 0 && index < text.length; left -= 1) {
    index += /** @type {number} */ (text.codePointAt(index)) > 0xffff ? 2 : 1;
  }
  return index;
}

const URL_IN_TEXT = /https?:\/\/[^\s<>"'`]+/gi;
const AFTER_URL = /[.,;:!?)\]}»”’…]+$/;

/**
 * Pieces of a text, with the http(s) addresses in it told apart.
 *
 * @param {string} text
 * @returns {{text: string, url: string | null}[]}
 */
export function splitLinks(text) {
  const pieces = [];
  let end = 0;
  for (const match of text.matchAll(URL_IN_TEXT)) {
    const address = match[0].replace(AFTER_URL, "");
    const url = safeUrl(address);
    if (!url) continue;
    if (match.index > end) pieces.push({ text: text.slice(end, match.index), url: null });
    pieces.push({ text: address, url });
    end = match.index + address.length;
  }
  if (end < text.length) pieces.push({ text: text.slice(end), url: null });
  return pieces;
}

/**
 * An absolute http(s) address, or null for anything else.
 *
 * @param {string} address
 */
export function safeUrl(address) {
  try {
    const url = new URL(address);
    return url.protocol === "https:" || url.protocol === "http:" ? url.href : null;
  } catch {
    return null;
  }
}

/** A new id; on plain http the browser has no `randomUUID`. */
export function newId() {
  if (typeof crypto.randomUUID === "function") return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
