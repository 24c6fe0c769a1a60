// In the loudspeaker's audio thread: counts its samples, and knows which was the last to sound.

class Ear extends AudioWorkletProcessor {
  constructor() {
    super();
    this.last = 0;
    this.port.onmessage = () => this.port.postMessage({ frame: currentFrame, last: this.last });
  }

  process([[samples]]) {
    for (let i = 0; i < (samples?.length ?? 0); i += 1) {
      if (samples[i] !== 0) this.last = currentFrame + i;
    }
    return true;
  }
}

registerProcessor("ear", Ear);
