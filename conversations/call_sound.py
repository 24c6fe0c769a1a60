"""Any part of a call's stereo WAV, without making what is before it.

The file is never stored: ``export.as_wav`` says what each byte of it is. A frame has a fixed size,
so a range of bytes is a stretch of the timeline, and of the sounds only those in it are decoded.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import replace
from functools import partial

from speech.pcm import SAMPLE_BYTES

from .byte_range import ByteRange
from .export import as_wav
from .export.as_wav import FRAME_BYTES, PlacedSound


def wav_part(
    sounds: Iterable[PlacedSound], length: int, part: ByteRange, note: Callable[[str], None]
) -> Generator[bytes, None, None]:
    """The bytes ``part`` of ``as_wav.wav(sounds, length, note)``, second by second."""
    header = next(as_wav.wav((), length, note))
    if part.start < len(header):
        yield header[part.start : part.stop]
    start, stop = max(0, part.start - len(header)), part.stop - len(header)
    if stop <= start:
        return
    first, last = start // FRAME_BYTES, -(-stop // FRAME_BYTES)
    heard = [_from(sound, first) for sound in sounds if sound.start < last and sound.end > first]
    skipped, left = start - first * FRAME_BYTES, stop - start
    with closing(as_wav.wav(heard, last - first, note)) as pieces:
        next(pieces)
        for piece in pieces:
            wanted = piece[skipped : skipped + left]
            skipped, left = 0, left - len(wanted)
            yield wanted


def _from(sound: PlacedSound, first: int) -> PlacedSound:
    """The same on a timeline whose zero is at frame ``first``."""
    missed = first - sound.start
    if missed <= 0:
        return replace(sound, start=-missed)
    return replace(
        sound,
        start=0,
        length=sound.length - missed,
        pcm=partial(_without_start, sound.pcm, missed * SAMPLE_BYTES),
    )


def _without_start(pcm: Callable[[], Iterator[bytes]], count: int) -> Iterator[bytes]:
    pieces = pcm()
    for piece in pieces:
        if count < len(piece):
            yield piece[count:]
            yield from pieces
        count -= len(piece)
