"""The person's turns on their way into the database: those that wait, and the one being stored."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from cachetools import LRUCache

from .effects import SpokenTurn, StoreTurn
from .events import Typed
from .messages import LIMITS, Ack, Error

ACKED = 64


@dataclass(slots=True)
class Taking:
    """A turn that waits or is being stored.

    ``id`` is what its sender calls it: the client's own id, or that of an utterance. ``draft`` is the
    reply that was begun before the turn was over. ``cut``: it is kept, but no longer answered.
    """

    id: str | None
    text: str
    answer_spoken: bool | None = None
    spoken: SpokenTurn | None = None
    draft: str | None = None
    cut: bool = False
    request: StoreTurn | None = None
    since: float | None = None


class Turns:
    def __init__(self, new_id: Callable[[], str]) -> None:
        self._new_id = new_id
        self._waiting: deque[Taking] = deque()
        self._storing: Taking | None = None
        # The last that were stored, by their sender's ids.
        self._acked: LRUCache[str | None, Ack] = LRUCache(ACKED)

    @property
    def any_wait(self) -> bool:
        return bool(self._waiting)

    @property
    def is_storing(self) -> bool:
        return self._storing is not None

    @property
    def any_on_their_way(self) -> bool:
        return self.is_storing or self.any_wait

    def offer(self, typed: Typed) -> Error | Ack | None:
        """Take a typed turn to wait; an error says why not. One that was stored is acknowledged again."""
        # PostgreSQL keeps no NUL, and nobody types one.
        text = typed.text.replace("\0", "")
        if not text.strip():
            return Error("empty_text", "There is no text in it.", id=typed.id)
        if len(text) > LIMITS.text_chars:
            return Error(
                "too_long", f"The text is longer than {LIMITS.text_chars} characters.", id=typed.id
            )
        if typed.id in self._acked:
            return self._acked[typed.id]
        if typed.id is not None and self._is_known(typed.id):
            return None
        if self.is_full:
            told = "Too many messages wait already; send this one again in a moment."
            return Error("busy", told, retry=1.0, id=typed.id)
        self._waiting.append(Taking(typed.id, text, typed.spoken))
        return None

    @property
    def is_full(self) -> bool:
        return len(self._waiting) >= LIMITS.pending

    def take_spoken(self, taking: Taking) -> None:
        """What was said goes before what was typed meanwhile, and after what was said before."""
        spoken = sum(before.spoken is not None for before in self._waiting)
        self._waiting.insert(spoken, taking)

    def _is_known(self, id: str) -> bool:
        on_their_way = [*self._waiting, *([self._storing] if self._storing else [])]
        return any(taking.id == id for taking in on_their_way)

    def cut(self) -> bool:
        """None of those that are on their way is to be answered; False: there are none."""
        for taking in self._waiting:
            taking.cut = True
        if self._storing is not None:
            self._storing.cut = True
        return self.any_on_their_way

    def store_next(self, now: float) -> Taking:
        """The next one that waits is to be stored, as its ``request`` says."""
        taking = self._storing = self._waiting.popleft()
        # An utterance's id is that of its turn; and a client that lost the answer sends it as its own.
        turn = taking.id if taking.spoken is not None and taking.id is not None else self._new_id()
        taking.request = StoreTurn(
            turn,
            taking.draft or self._new_id(),
            taking.id,
            taking.text,
            taking.spoken,
            taking.draft is not None,
        )
        if taking.since is None:
            taking.since = now
        return taking

    def settle(self, turn: str) -> Taking | None:
        """The answer of the database has come for ``turn``; None if nobody waits for it."""
        taking = self._storing
        if taking is None or taking.request is None or taking.request.turn != turn:
            return None
        self._storing = None
        return taking

    def remember(self, ack: Ack) -> None:
        """A turn was stored: sent again, it is not to cut the answer that it has got."""
        self._acked[ack.id] = ack

    def forget_waiting(self) -> None:
        self._waiting.clear()
