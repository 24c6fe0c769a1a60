"""Microphones for Chromium: its own fake device, and one that a test speaks into."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np

ALLOWED = "--use-fake-ui-for-media-stream"
FAKE = (ALLOWED, "--use-fake-device-for-media-stream")
RATE = 48_000


def plays(path: Path) -> tuple[str, ...]:
    """The fake device plays a WAV file, once. It begins anew whenever the microphone is opened."""
    return (*FAKE, f"--use-file-for-fake-audio-capture={path}%noloop")


def a_tone(path: Path, hertz: float, amplitude: float, seconds: float) -> Path:
    """A WAV file with a sine at 48 kHz. ``amplitude`` is a share of full scale."""
    samples = np.sin(2 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE) * amplitude
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((samples * 32_767).astype("<i2").tobytes())
    return path


# A microphone of the test's own: ``microphone.level`` is how loud its tone of 440 Hz is,
# ``microphone.refuse`` the name of an error, ``microphone.wait`` a promise to wait for first.
OWN = """
(() => {
  const context = new AudioContext();
  const gain = context.createGain();
  const out = context.createMediaStreamDestination();
  const oscillator = context.createOscillator();
  gain.gain.value = 0.3;
  oscillator.connect(gain).connect(out);
  oscillator.start();
  window.microphone = {
    refuse: "", wait: null, asked: [], tracks: [],
    set level(value) { gain.gain.value = value; },
  };
  navigator.mediaDevices.getUserMedia = async (wishes) => {
    microphone.asked.push(wishes.audio);
    await microphone.wait;
    const refuse = microphone.refuse;
    if (refuse) throw new DOMException("", refuse);
    const stream = out.stream.clone();
    microphone.tracks.push(stream.getAudioTracks()[0]);
    return stream;
  };
})();
"""

# What the person was told before is not told again.
NOTICED = "localStorage.getItem('voicechat.settings') ?? localStorage.setItem('voicechat.settings', '{\"recordNoticed\":true}');"
# As it comes: no echo canceller, no noise suppression, no gain control.
RAW = """localStorage.setItem("voicechat.settings", JSON.stringify({
  recordNoticed: true, echoCancellation: false, noiseSuppression: false, autoGainControl: false }));"""
