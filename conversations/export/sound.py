"""The sound of turns out of the store, for an export that goes on whatever is wrong with a file."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Iterable, Iterator

from speech.codecs import decode_pieces

from .. import media
from ..models import AudioSegment
from .as_wav import LEFT, RATE, RIGHT, PlacedSound, frames_of

log = logging.getLogger(__name__)

READ_BYTES = 64 * 1024
Note = Callable[[AudioSegment, str], None]
MISSING = "the file is missing"
DAMAGED = "the file is damaged or cannot be read"
TOO_MANY = "too many sounds in one place"


def placed(segments: Iterable[AudioSegment], note: Note) -> Iterator[PlacedSound]:
    """The sounds of one call, to be mixed. ``note`` is told what is wrong with which."""
    for segment in segments:
        yield PlacedSound(
            name=str(segment.pk),
            channel=LEFT if segment.track == AudioSegment.Track.PERSON else RIGHT,
            start=frames_of(segment.start_ms),
            length=frames_of(segment.duration_ms),
            pcm=functools.partial(decoded, segment, note),
        )


def decoded(segment: AudioSegment, note: Note) -> Iterator[bytes]:
    """S16LE mono at ``as_wav.RATE``; ends, after a note, where the file gives no more."""
    try:
        with media.storage().open(segment.key, "rb") as file:
            yield from decode_pieces(file, RATE)
    except Exception as error:  # a store may raise its own errors; one file must not end an export
        _tell(segment, error, note)


def original(segment: AudioSegment, note: Note) -> Iterator[bytes] | None:
    """The file as it is, in pieces; None, after a note, where there is none."""
    try:
        file = media.storage().open(segment.key, "rb")
    except Exception as error:  # the same
        _tell(segment, error, note)
        return None

    def pieces() -> Iterator[bytes]:
        with file:
            try:
                while piece := file.read(READ_BYTES):
                    yield piece
            except Exception as error:  # the same
                _tell(segment, error, note)

    return pieces()


def _tell(segment: AudioSegment, error: Exception, note: Note) -> None:
    log.warning("segment %s cannot be exported: %s", segment.pk, type(error).__name__)
    note(segment, MISSING if isinstance(error, FileNotFoundError) else DAMAGED)
