"""What the recorder takes and gives: plain values, so that the live side needs no database."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import msgspec


class StoredAudio(msgspec.Struct, frozen=True):
    """Where a stretch of a turn's sound can be fetched, and where it lies on the call's timeline."""

    url: str
    start_ms: int
    duration_ms: int


class StoredTurn(msgspec.Struct, frozen=True):
    """A turn as clients see it. ``at`` is ISO 8601; ``heard`` is None where nothing was spoken."""

    id: str
    seq: int
    rev: int
    role: str
    kind: str
    status: str
    text: str
    heard: str | None
    heard_ms: int | None
    cards: tuple[dict[str, Any], ...]
    error: str
    rating: int | None
    client_id: str | None
    reply_to: str | None
    audio: tuple[StoredAudio, ...]
    at: str


@dataclass(frozen=True, slots=True)
class StoredConversation:
    """A conversation as it stands: its revision and the turns the client has not seen."""

    id: str
    rev: int
    turns: tuple[StoredTurn, ...]


@dataclass(frozen=True, slots=True)
class FinishedReply:
    """How a reply ended. ``heard_ms`` is None where nothing was spoken; times are in milliseconds."""

    id: str
    kind: str
    status: str
    text: str
    cards: tuple[dict[str, Any], ...] = ()
    items: tuple[str, ...] = ()
    heard_text: str = ""
    heard_ms: int | None = None
    error: str = ""
    timings: dict[str, float] = field(default_factory=dict)
    engines: dict[str, str] = field(default_factory=dict)

    @property
    def said(self) -> str:
        """What of it counts as said: all that was written, but of speech only what was heard."""
        return self.text if self.heard_ms is None else self.heard_text
