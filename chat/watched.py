"""Whoever is in a call is told when the staff read along, and when they do not any more."""

from __future__ import annotations

from . import messages as msg
from .bot import BotRegion
from .line import Line
from .watchers import Watchers


class Watched:
    """``aloud``: the person sees no page, and hears it, in the next pause."""

    def __init__(self, line: Line, bot: BotRegion, *, aloud: bool) -> None:
        self._line = line
        self._bot = bot
        self._aloud = aloud
        self._watchers = Watchers()
        self._is_told = False
        self._is_to_be_said = False

    def follows(self, watcher: str) -> None:
        """One of the staff has said so."""
        self._watchers.follows(watcher, self._line.now)

    @property
    def next_at(self) -> float | None:
        """When nobody may be there any more."""
        return self._watchers.next_at

    def advance(self, text: str, *, free: bool) -> None:
        """``text`` says it; ``free``: nothing else is said or waits to be."""
        watched = self._watchers.any_at(self._line.now)
        if not self._line.live:
            return
        if watched != self._is_told:
            self._is_told = watched
            self._line.send(msg.Watched(watched, text if watched else ""))
            self._is_to_be_said = watched and self._aloud
        if self._is_to_be_said and free:
            self._is_to_be_said = False
            self._bot.announce("generic", text, insists=True)
