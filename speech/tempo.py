"""Faster or slower speech at the same pitch, for engines that cannot do it themselves."""

from typing import cast

import av.error
import numpy as np
from av.audio.frame import AudioFrame
from av.filter import Graph

from speech.pcm import SAMPLE_BYTES, clamp_speed

_NOTICEABLE = 0.01  # a change of speed by 1 %


def change_tempo(pcm: bytes, rate: int, speed: float) -> bytes:
    """``pcm`` (a complete clip of S16LE mono at ``rate`` Hz) spoken at ``speed`` (0.5-2.0).

    Uses FFmpeg's ``atempo`` (WSOLA, within 0.5-100 without loss of samples). Blocking.
    """
    speed = clamp_speed(speed)
    if abs(speed - 1) < _NOTICEABLE or not pcm:
        return pcm
    graph = Graph()
    source = graph.add_abuffer(format="s16", sample_rate=rate, layout="mono", time_base=None)
    tempo = graph.add("atempo", f"{speed:.3f}")
    form = graph.add("aformat", "sample_fmts=s16:channel_layouts=mono")
    sink = graph.add("abuffersink")
    source.link_to(tempo)
    tempo.link_to(form)
    form.link_to(sink)
    graph.configure()
    samples = np.frombuffer(pcm, dtype="<i2").reshape(1, -1)
    frame = AudioFrame.from_ndarray(samples, format="s16", layout="mono")
    frame.sample_rate = rate
    frame.pts = 0
    graph.push(frame)
    graph.push(None)
    out = bytearray()
    while True:
        try:
            piece = cast(AudioFrame, graph.pull())
        except (av.error.EOFError, BlockingIOError):
            return bytes(out)
        out += bytes(piece.planes[0])[: piece.samples * SAMPLE_BYTES]
