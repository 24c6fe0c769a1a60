/** The page's words, translated by the server. */

/** @type {Record<string, string>} */
let known = {};

/** @param {Record<string, string>} strings */
export function useStrings(strings) {
  known = strings;
}

/**
 * The text with this name; `%(word)s` in it is replaced.
 *
 * @param {string} name
 * @param {Record<string, string | number>} words
 */
export function say(name, words = {}) {
  const text = known[name];
  if (text === undefined) throw new Error(`no text named ${name}`);
  return text.replace(/%\((\w+)\)s/g, (_, word) => String(words[word] ?? ""));
}
