/**
 * Binary frames of the socket: a header of 16 bytes, big-endian, then samples (docs/protocol.md).
 *
 * @typedef {{
 *   generation: number, sequence: number, position: number, first: boolean, last: boolean, payload: Uint8Array
 * }} AudioFrame `position`: of the first sample, in samples from the start of the reply
 */

const HEADER_BYTES = 16;
const BOT_AUDIO = 1;
const PERSON_AUDIO = 2;
const GENERATIONS = 65_536;
const SEQUENCES = 2 ** 32;

/** Of the person's voice, in Hz. */
export const VOICE_RATE = 16_000;
export const VOICE_FRAME_MS = 20;
export const VOICE_FRAME_SAMPLES = (VOICE_RATE * VOICE_FRAME_MS) / 1000;
export const VOICE_FRAME_BYTES = HEADER_BYTES + 2 * VOICE_FRAME_SAMPLES;

/**
 * @param {ArrayBuffer} buffer
 * @returns {AudioFrame | null} null for what is not audio of the bot; later versions may add types
 */
export function parseAudioFrame(buffer) {
  if (buffer.byteLength < HEADER_BYTES) return null;
  const view = new DataView(buffer);
  if (view.getUint8(0) !== BOT_AUDIO) return null;
  const flags = view.getUint8(1);
  return {
    generation: view.getUint16(2),
    sequence: view.getUint32(4),
    position: Number(view.getBigUint64(8)),
    first: (flags & 1) !== 0,
    last: (flags & 2) !== 0,
    payload: new Uint8Array(buffer, HEADER_BYTES),
  };
}

/**
 * A frame of the person's voice.
 *
 * @param {Int16Array} samples
 * @param {number} sequence rises by one with each frame
 * @param {number} position of the first sample, from where the microphone was opened
 */
export function voiceFrame(samples, sequence, position) {
  const buffer = new ArrayBuffer(HEADER_BYTES + 2 * samples.length);
  const view = new DataView(buffer);
  view.setUint8(0, PERSON_AUDIO);
  view.setUint32(4, sequence % SEQUENCES);
  view.setBigUint64(8, BigInt(position));
  for (const [i, sample] of samples.entries()) view.setInt16(HEADER_BYTES + 2 * i, sample, true);
  return buffer;
}

/**
 * Whether generation `a` came before `b`. They count modulo 65,536.
 *
 * @param {number} a
 * @param {number} b
 */
export function isOlder(a, b) {
  const ahead = (((b - a) % GENERATIONS) + GENERATIONS) % GENERATIONS;
  return ahead > 0 && ahead < GENERATIONS / 2;
}

/** Makes whole 16-bit samples of payloads that may be cut in the middle of one. */
export class SampleJoiner {
  /** @type {number | null} */
  #half = null;

  /**
   * @param {Uint8Array} bytes
   * @returns {Int16Array<ArrayBuffer>}
   */
  join(bytes) {
    const carried = this.#half === null ? 0 : 1;
    const total = bytes.length + carried;
    const joined = new Uint8Array(total);
    if (this.#half !== null) joined[0] = this.#half;
    joined.set(bytes, carried);
    this.#half = total % 2 ? /** @type {number} */ (joined[total - 1]) : null;
    const view = new DataView(joined.buffer);
    const samples = new Int16Array(total >> 1);
    for (let i = 0; i < samples.length; i += 1) samples[i] = view.getInt16(2 * i, true);
    return samples;
  }

  /** Forgets half a sample: what comes next is something else. */
  reset() {
    this.#half = null;
  }
}
