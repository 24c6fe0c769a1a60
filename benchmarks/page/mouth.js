// Runs in the chat page before its own scripts: gives it a microphone that we speak into, on the
// clock of its own loudspeaker, and shows us what the loudspeaker is given.

(() => {
  const connect = AudioNode.prototype.connect;
  const bench = {
    /** What the page has connected to a loudspeaker. @type {AudioNode | null} */
    last: null,
    /** @type {MediaStreamAudioDestinationNode | null} */
    microphone: null,
    /** @type {AudioWorkletNode | null} */
    ear: null,

    /** Hear the loudspeaker from now on, by the worklet that is written in `script`. */
    async listen(/** @type {string} */ script) {
      const context = bench.last.context;
      const url = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
      await context.audioWorklet.addModule(url);
      bench.ear = new AudioWorkletNode(context, "ear");
      connect.call(bench.last, bench.ear);
      connect.call(bench.ear, context.destination);
    },

    /** @returns {Promise<{frame: number, last: number}>} now, and the last sample that sounded */
    heard() {
      return new Promise((resolve) => {
        bench.ear.port.onmessage = ({ data }) => resolve(data);
        bench.ear.port.postMessage("?");
      });
    },

    /**
     * Speak `samples` (at `rate`, the first of them loud) in `seconds` from now.
     *
     * @returns {number} the frame of the loudspeaker's clock in which the voice begins
     */
    say(
      /** @type {number[]} */ samples,
      /** @type {number} */ rate,
      /** @type {number} */ seconds,
    ) {
      const { context } = bench.microphone;
      const buffer = context.createBuffer(1, samples.length, rate);
      buffer.getChannelData(0).set(samples);
      const source = new AudioBufferSourceNode(context, { buffer });
      connect.call(source, bench.microphone);
      const at = context.currentTime + seconds;
      source.start(at);
      return Math.round(at * context.sampleRate);
    },
  };
  AudioNode.prototype.connect = function (to, ...rest) {
    if (to instanceof AudioDestinationNode) bench.last = this;
    return connect.call(this, to, ...rest);
  };
  navigator.mediaDevices.getUserMedia = async () => {
    bench.microphone = new MediaStreamAudioDestinationNode(bench.last.context, { channelCount: 1 });
    return bench.microphone.stream;
  };
  Object.assign(window, { bench });
})();
