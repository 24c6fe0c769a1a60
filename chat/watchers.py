"""Which members of the staff follow the conversation just now. Each says so again and again."""

from __future__ import annotations

# They say so this often; of whom nothing is heard for three times as long is gone. Nobody says that
# they leave: whoever loads their page again has not been away.
SAY_EVERY_S = 5.0
GONE_AFTER_S = 3 * SAY_EVERY_S


class Watchers:
    def __init__(self) -> None:
        self._until: dict[str, float] = {}

    def follows(self, watcher: str, now: float) -> None:
        self._until[watcher] = now + GONE_AFTER_S

    def any_at(self, now: float) -> bool:
        """Whether somebody follows at ``now``; forgets those who are gone."""
        self._until = {who: until for who, until in self._until.items() if until > now}
        return bool(self._until)

    @property
    def next_at(self) -> float | None:
        """When all of them may be gone; None: nobody follows."""
        return max(self._until.values(), default=None)
