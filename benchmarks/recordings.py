"""What callers say: people's recordings, cut into frames once, for all who say them.

People in a quiet room: their silence is faint noise and not zeros, so that a detector has to listen.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from speech.pcm import SAMPLE_BYTES
from tests.speech.recordings import LOUD, Recording, cards, readings

# Of noise with this deviation the level is -65 dBFS.
NOISE_DEVIATION = 18.0
LEAD_IN_MS = 100
# In these nobody pauses for longer than 0.11 s. The scripted recogniser finds that every pause might
# be the end, which a real one does not.
FLUENT = ("001", "004", "0870", "0920", "0930")
# A voice is where so much of 20 ms is loud; a click of the tape before it is none.
LOUD_SHARE = 0.1

Samples = npt.NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Moment:
    """A sample of what is said: it is in frame number ``frame``, ``tail_s`` before the end of that."""

    frame: int
    tail_s: float


@dataclass(frozen=True, slots=True)
class Speech:
    """``frames`` of S16LE mono; ``onset`` and ``end`` are the voice's first and last loud sample."""

    frames: tuple[bytes, ...]
    onset: Moment
    end: Moment


def fluent() -> list[Recording]:
    """Calls of cards and sentences of a novel, by two people: 0.8 to 6.5 s."""
    return [said for said in (*cards(), *readings()) if said.path.stem.endswith(FLUENT)]


def speech(
    recording: Recording, rate: int, frame_ms: int, *, phase_ms: float = 0.0, most_s: float = 60.0
) -> Speech:
    """A recording's voice in a quiet room. Where it begins in a frame is ``phase_ms``."""
    spoken = voice(recording, rate, most_s=most_s)
    length = rate * frame_ms // 1000
    onset = round((LEAD_IN_MS + phase_ms) * rate / 1000)
    end = onset + len(spoken) - 1
    room = quiet(rate, -(-(end + 1) // length) * length)
    room[onset : end + 1] = spoken
    return Speech(cut(room, length), _moment(onset, length, rate), _moment(end, length, rate))


def voice(recording: Recording, rate: int, *, most_s: float = 60.0) -> Samples:
    """From the voice's first loud sample to its last; of a longer one the first ``most_s``."""
    samples = _from_loud_to_loud(np.frombuffer(recording.pcm(rate), "<i2"), rate)
    return _from_loud_to_loud(samples[: round(most_s * rate)], rate)


def _from_loud_to_loud(samples: Samples, rate: int) -> Samples:
    loud = np.abs(samples.astype(np.int32)) > LOUD * 32_768
    window = rate // 50
    # How many are loud of the 20 ms that begin with a sample, and of those that end with it.
    counts = np.convolve(loud, np.ones(window, np.int32))
    enough = LOUD_SHARE * window
    first = np.flatnonzero(loud & (counts[window - 1 :] >= enough))[0]
    last = np.flatnonzero(loud & (counts[: len(loud)] >= enough))[-1]
    return samples[first : last + 1]


def quiet(rate: int, samples: int) -> Samples:
    """The noise of a quiet room, the same each time."""
    noise = np.random.default_rng(rate).normal(0.0, NOISE_DEVIATION, samples)
    return noise.astype(np.int16)


def cut(samples: Samples, length: int) -> tuple[bytes, ...]:
    """Frames of ``length`` samples, of which there is a whole number."""
    pcm, size = samples.tobytes(), length * SAMPLE_BYTES
    return tuple(pcm[at : at + size] for at in range(0, len(pcm), size))


def _moment(sample: int, length: int, rate: int) -> Moment:
    frame = sample // length
    return Moment(frame, ((frame + 1) * length - sample) / rate)
