/** S16LE samples as base64 and back: the payload of `media`. */

// More arguments than this at once and some browsers give up.
const PART = 8192;

/** @param {Int16Array} samples */
export function encode(samples) {
  const view = new DataView(new ArrayBuffer(samples.length * 2));
  samples.forEach((sample, index) => {
    view.setInt16(index * 2, sample, true);
  });
  const bytes = new Uint8Array(view.buffer);
  let text = "";
  for (let at = 0; at < bytes.length; at += PART) {
    text += String.fromCharCode(...bytes.subarray(at, at + PART));
  }
  return btoa(text);
}

/**
 * @param {string} payload half a sample at its end is dropped
 * @returns {Int16Array<ArrayBuffer>}
 */
export function decode(payload) {
  const text = atob(payload);
  const bytes = Uint8Array.from(text, (letter) => letter.charCodeAt(0));
  const view = new DataView(bytes.buffer);
  const samples = new Int16Array(bytes.length >> 1);
  for (let index = 0; index < samples.length; index += 1) {
    samples[index] = view.getInt16(index * 2, true);
  }
  return samples;
}
