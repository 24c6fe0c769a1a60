"""Work that takes much memory: so much of it at a time, and no more."""

from __future__ import annotations

import threading

from .errors import SpeechError

RETRY_S = 5.0


class Places:
    """``most`` places. Who finds none is asked to come back."""

    def __init__(self, most: int) -> None:
        self.free = most
        self._lock = threading.Lock()

    def take(self) -> Place:
        """A place; it has to be left. Raises ``SpeechError`` 503."""
        with self._lock:
            if not self.free:
                message = "Too much of this is done just now. Try again in a moment."
                raise SpeechError(503, "busy", message, retry_s=RETRY_S)
            self.free -= 1
        return Place(self)

    def give_back(self) -> None:
        with self._lock:
            self.free += 1


class Place:
    """One that was taken. Django closes responses in another thread, so any may leave it."""

    def __init__(self, places: Places) -> None:
        self._places: Places | None = places

    def hand_over(self) -> Place:
        """The same place, to be left by somebody else."""
        assert self._places is not None
        other, self._places = Place(self._places), None
        return other

    def leave(self) -> None:
        """A second call does nothing."""
        places, self._places = self._places, None
        if places is not None:
            places.give_back()
