"""Recordings of people to test with, from Debian's pocketsphinx-testdata and alsa-utils."""

import wave
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from scripts import programs
from speech.pcm import SAMPLE_BYTES
from speech.resample import resample

LOUD = 0.02
"""Of full scale: what is above is voice, in a clean recording."""


@dataclass(frozen=True)
class Recording:
    """One WAV file: mono, 16 bit; ``text`` is what is said, in small letters."""

    path: Path
    text: str

    def __str__(self) -> str:
        return self.path.stem

    def pcm(self, rate: int) -> bytes:
        """S16LE mono at ``rate`` Hz."""
        return _pcm(self.path, rate)


def cards() -> list[Recording]:
    """Five short calls of playing cards, at 16 kHz, by one speaker."""
    return _transcribed(_sphinx("cards"), "cards.transcription")


def readings() -> list[Recording]:
    """Five sentences of a novel, at 16 kHz, by another."""
    return _transcribed(_sphinx("librivox"), "transcription")


def channels() -> list[Recording]:
    """Names of loudspeakers ("front center"), at 48 kHz, by a third."""
    folder = programs.find("alsa-recordings").parent
    files = (path for path in sorted(folder.glob("*.wav")) if path.stem != "Noise")
    return [Recording(path, path.stem.replace("_", " ").lower()) for path in files]


def voiced(pcm: bytes, rate: int) -> tuple[float, float]:
    """When the first and the last loud sample come, in ms: where a clean recording's voice is."""
    loud = np.flatnonzero(np.abs(np.frombuffer(pcm, "<i2").astype(float)) > LOUD * 32_768)
    return float(loud[0]) / rate * 1000, float(loud[-1] + 1) / rate * 1000


@cache
def _pcm(path: Path, rate: int) -> bytes:
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getsampwidth()) == (1, SAMPLE_BYTES)
        pcm, own_rate = file.readframes(file.getnframes()), file.getframerate()
    return pcm if own_rate == rate else resample(pcm, own_rate, rate)


def _sphinx(folder: str) -> Path:
    return programs.find("sphinx-recordings").parent.parent / folder


def _transcribed(folder: Path, transcription: str) -> list[Recording]:
    recordings = []
    for line in (folder / transcription).read_text().splitlines():
        said, _, name = line.rpartition("(")
        text = " ".join(said.replace("<s>", "").replace("</s>", "").split())
        recordings.append(Recording(folder / f"{name.rstrip(')')}.wav", text))
    return recordings
