"""Conversations as the formats take them: rows of the database that need not be asked again."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ..models import AudioSegment, Call, Conversation, Turn


@dataclass(frozen=True, slots=True)
class KeptTurn:
    """A turn and its sound, in the order of the timeline."""

    turn: Turn
    segments: tuple[AudioSegment, ...] = ()


@dataclass(frozen=True, slots=True)
class KeptCall:
    """A call, its number in the conversation, from 1, and where its last sound ends, in ms.

    Number 0 without a row is for turns whose call is not known: zero of their timeline is the
    first of them.
    """

    number: int
    call: Call | None
    sound_ms: int = 0

    @property
    def id(self) -> uuid.UUID | None:
        return None if self.call is None else self.call.pk


@dataclass(frozen=True, slots=True)
class KeptConversation:
    """A conversation with its person, users and bot, its calls in their order and names of tags.

    ``turns()`` gives all turns in their order, ``turns(call)`` those of one call. Either may be
    asked for several times; of a long conversation a part is in memory at any time.
    """

    conversation: Conversation
    calls: tuple[KeptCall, ...]
    turns: Callable[..., Iterator[KeptTurn]]
    tags: tuple[str, ...] = ()
