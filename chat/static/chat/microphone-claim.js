/**
 * One microphone for all tabs of this site: two that are open would make two turns of one sentence.
 * Whoever opens it in one tab takes it from the others.
 */

const CHANNEL = "voicechat.microphone";

export class MicrophoneClaim {
  /** @param {() => void} onTaken it was opened in another tab */
  constructor(onTaken) {
    this.#channel.addEventListener("message", onTaken);
  }

  #channel = new BroadcastChannel(CHANNEL);

  /** It is open here. */
  tell() {
    this.#channel.postMessage("open");
  }
}
