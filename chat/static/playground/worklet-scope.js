/**
 * What an AudioWorkletGlobalScope has and TypeScript's DOM library does not know.
 *
 * @type {{
 *   sampleRate: number,
 *   AudioWorkletProcessor: new () => {port: MessagePort},
 *   registerProcessor: (name: string, processor: unknown) => void
 * }}
 */
export const scope = /** @type {any} */ (globalThis);
