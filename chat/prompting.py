"""Somebody on the telephone who says nothing: a reminder, then a goodbye."""

from __future__ import annotations

REMIND_AFTER_S = 10.0


class Prompting:
    """Counts the silence of both sides. ``texts``: what to say, the last being the goodbye."""

    def __init__(self) -> None:
        self._texts: tuple[str, ...] = ()
        self._said = 0
        self._quiet_since: float | None = None

    def begin(self, texts: tuple[str, ...]) -> None:
        self._texts = tuple(text for text in texts if text)

    def heard_from(self) -> None:
        """The person spoke, typed or pressed a key."""
        self._said = 0
        self._quiet_since = None

    def watch(self, *, quiet: bool, now: float) -> None:
        """``quiet``: neither side says anything at this moment."""
        if not quiet:
            self._quiet_since = None
        elif self._quiet_since is None:
            self._quiet_since = now

    @property
    def due_at(self) -> float | None:
        """When the next is to be said, or, after the last of them, the call to be ended."""
        if self._quiet_since is None or not self._texts:
            return None
        return self._quiet_since + (0.0 if self.is_through else REMIND_AFTER_S)

    @property
    def is_through(self) -> bool:
        """All has been said, and there was no answer."""
        return self._said == len(self._texts)

    def next_text(self) -> str:
        text = self._texts[self._said]
        self._said += 1
        return text
