/** G.711 mu-law (ITU-T G.711): 16 bit samples as 8 bits and back, as base64. */

const BIAS = 0x84;
const CLIP = 32_635;
// More arguments than this at once and some browsers give up.
const PART = 8_192;

const DECODED = Int16Array.from({ length: 256 }, (_, code) => {
  const bits = ~code & 0xff;
  const magnitude = ((((bits & 0x0f) << 3) + BIAS) << ((bits & 0x70) >> 4)) - BIAS;
  return bits & 0x80 ? -magnitude : magnitude;
});

/** @param {number} sample */
function code(sample) {
  const sign = sample < 0 ? 0x80 : 0;
  const magnitude = Math.min(CLIP, Math.abs(sample)) + BIAS;
  // Segments begin at powers of two, the first at 2^7.
  const segment = 24 - Math.clz32(magnitude);
  return ~(sign | (segment << 4) | ((magnitude >> (segment + 3)) & 0x0f)) & 0xff;
}

/** @param {Int16Array} samples */
export function encode(samples) {
  const codes = Uint8Array.from(samples, code);
  let text = "";
  for (let at = 0; at < codes.length; at += PART) {
    text += String.fromCharCode(...codes.subarray(at, at + PART));
  }
  return btoa(text);
}

/**
 * @param {string} payload
 * @returns {Int16Array<ArrayBuffer>}
 */
export function decode(payload) {
  const text = atob(payload);
  return Int16Array.from(text, (letter) => DECODED[letter.charCodeAt(0)] ?? 0);
}
