"""The person's typed turns on their way into the database: those that wait, and the one being stored."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from .effects import StoreTurn
from .events import Typed
from .messages import LIMITS, Error


@dataclass(slots=True)
class Taking:
    """A turn that waits or is being stored. ``cut``: it is to be kept, but no longer answered."""

    typed: Typed
    cut: bool = False
    request: StoreTurn | None = None
    since: float = 0.0


class TypedTurns:
    def __init__(self) -> None:
        self._waiting: deque[Taking] = deque()
        self._storing: Taking | None = None

    @property
    def any_wait(self) -> bool:
        return bool(self._waiting)

    @property
    def is_storing(self) -> bool:
        return self._storing is not None

    def offer(self, typed: Typed) -> Error | None:
        """Take a turn to wait; an error says why not. One that is on its way already is no error."""
        # PostgreSQL keeps no NUL, and nobody types one.
        text = typed.text.replace("\0", "")
        if not text.strip():
            return Error("empty_text", "There is no text in it.", id=typed.id)
        if len(text) > LIMITS.text_chars:
            return Error(
                "too_long", f"The text is longer than {LIMITS.text_chars} characters.", id=typed.id
            )
        if typed.id is not None and self._is_known(typed.id):
            return None
        if len(self._waiting) >= LIMITS.pending:
            told = "Too many messages wait already; send this one again in a moment."
            return Error("busy", told, retry=1.0, id=typed.id)
        self._waiting.append(Taking(Typed(typed.id, text, typed.spoken)))
        return None

    def _is_known(self, id: str) -> bool:
        on_their_way = [*self._waiting, *([self._storing] if self._storing else [])]
        return any(taking.typed.id == id for taking in on_their_way)

    def cut(self) -> bool:
        """None of those that are on their way is to be answered; False: there are none."""
        for taking in self._waiting:
            taking.cut = True
        if self._storing is not None:
            self._storing.cut = True
        return self.is_storing or self.any_wait

    def store_next(self, turn: str, reply: str, now: float) -> StoreTurn:
        """The next one that waits is to be stored, under these ids."""
        taking = self._waiting.popleft()
        taking.request = StoreTurn(turn, reply, taking.typed.id, taking.typed.text)
        taking.since = now
        self._storing = taking
        return taking.request

    def settle(self, turn: str) -> Taking | None:
        """The answer of the database has come for ``turn``; None if nobody waits for it."""
        taking = self._storing
        if taking is None or taking.request is None or taking.request.turn != turn:
            return None
        self._storing = None
        return taking

    def forget_waiting(self) -> None:
        self._waiting.clear()
