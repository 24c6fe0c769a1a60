"""What a person on the page ``/tts/`` wants spoken: kept for some minutes, for them alone.

A browser plays a stream by its address, which must not hold the text: addresses are logged on the way.
So the page posts the text, and gets an address of it.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.core.cache import cache

KEPT_S: Final = 300
MOST_READS: Final = 5
"""A player may ask for the beginning first, and once more for a download."""


@dataclass(frozen=True, slots=True)
class Clip:
    """``fields`` of a command, and the id of the person who may hear it."""

    person: str
    fields: Mapping[str, Any]


def keep(clip: Clip) -> uuid.UUID:
    """Keep a clip; by this id it is found again. Blocks."""
    id = uuid.uuid4()
    cache.set(_name(id), (clip.person, dict(clip.fields)), KEPT_S)
    return id


def find(id: uuid.UUID, person: str) -> Clip | None:
    """The clip, if it is that person's and has not been read too often. Blocks."""
    kept = cache.get(_name(id))
    if kept is None or kept[0] != person:
        return None
    reads = f"{_name(id)}-reads"
    cache.add(reads, 0, KEPT_S)
    if cache.incr(reads) > MOST_READS:
        return None
    return Clip(*kept)


def _name(id: uuid.UUID) -> str:
    return f"speech-clip-{id}"
