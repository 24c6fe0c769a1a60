"""FastRTC on a loopback socket, at ``/websocket/offer``: G.711 mu-law at 8 kHz both ways.

Its ``ReplyOnPause`` ends a turn, and the turn itself is replayed as the answer. The detector of
pauses is a plain threshold, cheaper than the one that FastRTC brings. Runs in an environment of its
own (``environment.py``): fastrtc_server.py PORT
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

import numpy as np
import uvicorn
from fastapi import FastAPI
from fastrtc import ReplyOnPause, Stream

RATE = 8000
MOST_CALLERS = 1000
STEP = RATE // 50
# -40 dBFS.
LOUD = 327

Audio = tuple[int, np.ndarray]


class Threshold:
    """FastRTC's ``PauseDetectionModel``: how many seconds of 20 ms windows are loud."""

    def vad(self, audio: Audio, options: object) -> tuple[float, list[object]]:
        _, samples = audio
        windows = np.asarray(samples[: len(samples) // STEP * STEP], dtype=np.float64)
        loudness = np.sqrt((windows.reshape(-1, STEP) ** 2).mean(axis=1))
        return float((loudness > LOUD).sum() * STEP / RATE), []

    def warmup(self) -> None:
        """Nothing is to be loaded."""


def replay(audio: Audio) -> Iterator[Audio]:
    """The turn's own sound, 20 ms at a time."""
    rate, samples = audio
    sound = samples.reshape(-1)
    for start in range(0, len(sound), STEP):
        yield rate, sound[start : start + STEP].reshape(1, -1)


app = FastAPI()
Stream(
    ReplyOnPause(replay, input_sample_rate=RATE, output_sample_rate=RATE, model=Threshold()),
    modality="audio",
    mode="send-receive",
    concurrency_limit=MOST_CALLERS,
    verbose=False,
).mount(app)


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
