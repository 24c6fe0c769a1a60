"""Tables of states and what may happen in each."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import TypeVar

State = TypeVar("State", bound=Enum)


class IllegalMove(Exception):
    """The table does not allow it: a fault of ours."""


def move(table: Mapping[tuple[State, str], State], state: State, signal: str) -> State:
    """Where ``signal`` leads from ``state``. Raises ``IllegalMove``."""
    try:
        return table[state, signal]
    except KeyError:
        raise IllegalMove(f"{type(state).__name__} {state.value}: {signal}") from None
