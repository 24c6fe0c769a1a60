"""The voices that the page offers."""

from __future__ import annotations

from collections.abc import Sequence

from speech.tts.engine import Voice

from .process import process


def voices_for_page() -> Sequence[Voice]:
    """Of all engines that are set up, in reach or not, best engine first."""
    return process().voices.voices()
