"""Where live information comes from: sources, and the list of those that are asked.

A source of your own is a class with the two methods of ``Source``; an app adds it in ``ready()``
with ``register(MySource())``. docs/engines.md has an example.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

from dialogue.engine import UserTurn


class Source(Protocol):
    """Something that knows live information about one subject."""

    def matches(self, text: str) -> bool:
        """Whether a text asks for it. Called for every turn on the event loop: be quick."""
        ...

    def items(self, turn: UserTurn) -> AsyncIterator[str]:
        """One or two sentences for each thing asked, as soon as it is known.

        ``turn.text`` may also be a follow-up, such as "and in Paris?", that names only a place.
        """
        ...


_sources: list[Source] = []


def register(source: Source) -> None:
    """Ask ``source`` too, before those that were registered earlier."""
    _sources.insert(0, source)


def sources() -> tuple[Source, ...]:
    """All sources, in the order in which they are asked."""
    return tuple(_sources)
