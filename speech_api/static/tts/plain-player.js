/** Plays samples without a header (PCM and mu-law) as they come in: browsers know them by no name. */

const SAMPLE_BYTES = { raw: 2, mulaw: 1 };
/** Seconds between what comes first and its playing, so that what comes next is in time. */
const LEAD_S = 0.08;

/** One byte of G.711 mu-law, as a sample within ±1. @param {number} code */
export function fromMuLaw(code) {
  const bits = ~code & 0xff;
  const magnitude = (((bits & 0x0f) << 3) + 0x84) << ((bits & 0x70) >> 4);
  return (bits & 0x80 ? 0x84 - magnitude : magnitude - 0x84) / 32768;
}

/**
 * @param {Uint8Array} bytes whole samples
 * @param {"raw" | "mulaw"} format
 */
export function samplesOf(bytes, format) {
  if (format === "mulaw") return Float32Array.from(bytes, fromMuLaw);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const samples = new Float32Array(bytes.length / 2);
  for (let at = 0; at < samples.length; at += 1) samples[at] = view.getInt16(at * 2, true) / 32768;
  return samples;
}

export class PlainPlayer {
  /** @param {AudioContext} context that the person's click has started */
  constructor(context) {
    this.context = context;
    this.until = 0;
    /** @type {Set<AudioBufferSourceNode>} */
    this.sources = new Set();
    this.stopped = false;
  }

  /**
   * Play a whole answer; resolves when its last sample has been heard.
   * @param {ReadableStream<Uint8Array>} body
   * @param {"raw" | "mulaw"} format
   * @param {number} rate in Hz
   */
  async play(body, format, rate) {
    const reader = body.getReader();
    /** @type {Uint8Array} */
    let rest = new Uint8Array();
    for (;;) {
      const { done, value } = await reader.read();
      if (done || this.stopped) break;
      const bytes = new Uint8Array(rest.length + value.length);
      bytes.set(rest);
      bytes.set(value, rest.length);
      const whole = bytes.length - (bytes.length % SAMPLE_BYTES[format]);
      rest = bytes.subarray(whole);
      if (whole) this.schedule(samplesOf(bytes.subarray(0, whole), format), rate);
    }
    const left = this.stopped ? 0 : this.until - this.context.currentTime;
    await new Promise((resolve) => setTimeout(resolve, left * 1000));
  }

  /**
   * @param {Float32Array<ArrayBuffer>} samples
   * @param {number} rate
   */
  schedule(samples, rate) {
    const buffer = this.context.createBuffer(1, samples.length, rate);
    buffer.copyToChannel(samples, 0);
    const source = new AudioBufferSourceNode(this.context, { buffer });
    source.connect(this.context.destination);
    this.until = Math.max(this.until, this.context.currentTime + LEAD_S);
    source.start(this.until);
    this.until += buffer.duration;
    this.sources.add(source);
    source.onended = () => this.sources.delete(source);
  }

  stop() {
    this.stopped = true;
    for (const source of this.sources) source.stop();
  }
}
