"""Which call and turn a line of the log is about, known without each place saying so.

A task inherits what was said before it was started; so what is only known later goes into the object
that all tasks of a call share.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(slots=True)
class CallIds:
    """``socket`` is there from the start, the others once the conversation is open."""

    socket: str
    call: str = ""
    conversation: str = ""


_call: ContextVar[CallIds | None] = ContextVar("call", default=None)
_turn: ContextVar[str] = ContextVar("turn", default="")


def log_as(ids: CallIds) -> None:
    """From now on, and in all tasks that are started here, lines of the log are about this call."""
    _call.set(ids)


@contextmanager
def about_turn(turn: str) -> Iterator[None]:
    """Lines of the log within, and of tasks that are started within, are about this turn (its row's id)."""
    before = _turn.set(turn)
    try:
        yield
    finally:
        _turn.reset(before)


def log_ids() -> dict[str, str]:
    """The ids that are known here, by name."""
    ids = _call.get()
    found = {"turn": _turn.get()}
    if ids is not None:
        found |= {"socket": ids.socket, "call": ids.call, "conversation": ids.conversation}
    return {name: id for name, id in found.items() if id}
