"""What the live side and the recorder tell each other: plain values, and two errors."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from .spool import SpoolFile
from .stored import FinishedReply, StoredTurn

# (role, text as it was heard), oldest first.
History = tuple[tuple[Literal["user", "assistant"], str], ...]


class NotYours(Exception):
    """The conversation belongs to somebody else, or is gone."""


class UnknownTurn(Exception):
    """There is no such assistant turn in this conversation."""


@dataclass(frozen=True, slots=True)
class LiveCall:
    """What is known of a call before anything of it is stored.

    ``started_at`` is zero of its timeline; ``is_new``: the conversation is not in the database yet;
    ``is_open``: the call's own row is; ``recorded``: its sound may be kept. After the first
    ``begin_turn`` a call is not new and is open.
    """

    id: str
    conversation: str
    person: str
    bot_id: int
    language: str
    protocol: str
    instance: str
    started_at: datetime
    client_label: str = ""
    is_new: bool = False
    is_open: bool = False
    recorded: bool = True


@dataclass(frozen=True, slots=True)
class Recording:
    """A spooled stretch of sound of the turn ``file.turn_id``, and where it starts in the call."""

    file: SpoolFile
    start_ms: int


@dataclass(frozen=True, slots=True)
class SaidBefore:
    """What the bot said without being asked: a greeting, a reminder, a goodbye; and its sound."""

    reply: FinishedReply
    recordings: tuple[Recording, ...] = ()


@dataclass(frozen=True, slots=True)
class BegunTurn:
    """What ``begin_turn`` wrote or found; ``history`` is what was said before the turn.

    ``taken_over`` is the reply that the turn has ended.
    """

    turn: str
    reply: str
    rev: int
    duplicate: bool
    changed: tuple[StoredTurn, ...] = ()
    history: History = ()
    taken_over: str | None = None
