"""Keys of a telephone: those that are pressed soon after each other are one thing said."""

from __future__ import annotations

# So soon; the end key says that there are no more.
TOGETHER_S = 2.0
END_KEY = "#"
MOST = 64


class TelephoneKeys:
    """``pressed``: those that are not taken yet, in their order."""

    def __init__(self) -> None:
        self.pressed = ""
        self._last_at = 0.0

    def press(self, key: str, now: float) -> None:
        self.pressed = (self.pressed + key)[:MOST]
        self._last_at = now

    @property
    def due_at(self) -> float | None:
        """When no more belong to them; None: there are none."""
        return self._last_at + TOGETHER_S if self.pressed else None

    def is_due(self, now: float) -> bool:
        return self.due_at is not None and self.due_at <= now

    def take(self) -> str:
        taken, self.pressed = self.pressed, ""
        return taken
