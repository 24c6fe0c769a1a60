"""When audio leaves, and how much of it has been heard. Pure; times are seconds, lengths ms.

Audio leaves at most ``lead_ms`` ahead of playback, so that an interruption has little to clear and
a late timer does not gap. Playback is followed by the clock: it starts when the first sound leaves
and stands still when it has run dry. A client that reports what it has played is believed instead,
and where it has fallen behind (sound blocked, tab asleep) the rest waits here.
"""

from __future__ import annotations

from collections import deque

from .events import Sound

# How far a reporting client may fall behind the clock before more audio waits for it.
PATIENCE_MS = 1_500.0
# A reporting client that makes no progress for this long will not play the rest.
STALLED_S = 30.0
# After all has been played by the clock, a report may still be under way for this long.
LAST_REPORT_S = 3.0
# Resampling at the client may lose this much of a reply.
ROUNDING_MS = 250.0


class Playback:
    def __init__(self, lead_ms: float, *, starts_at: float = 0.0) -> None:
        """``starts_at``: when the sound before this one, which cannot be cleared, has ended."""
        self._lead_ms = lead_ms
        self._waiting: deque[tuple[int, Sound]] = deque()
        self.waiting_ms = 0.0
        self.sent_ms = 0.0
        self.sent_samples = 0
        self.plays_until = starts_at
        self._reported_ms: float | None = None
        self._progress_at = 0.0
        self._stopped = False

    def push(self, sentence: int, sound: Sound) -> None:
        self._waiting.append((sentence, sound))
        self.waiting_ms += sound.ms

    def pop(self, now: float) -> tuple[int, Sound] | None:
        """The next sound if it may leave now."""
        leaves_at = self.leaves_at(now)
        if leaves_at is None or leaves_at > now:
            return None
        sentence, sound = self._waiting.popleft()
        if sound.ms:
            if not self.sent_ms:
                self._progress_at = now
            self.plays_until = max(self.plays_until, now) + sound.ms / 1000
            self.waiting_ms -= sound.ms
            self.sent_ms += sound.ms
            self.sent_samples += sound.samples
        return sentence, sound

    def leaves_at(self, now: float) -> float | None:
        """When the next sound may leave; None if none waits, or the client has to catch up first."""
        if not self._waiting:
            return None
        _, sound = self._waiting[0]
        if not sound.ms:
            return now
        if self._behind:
            return None  # until it reports
        # A whole clip longer than the lead may start within it.
        ahead_ms = self._lead_ms if sound.ms > self._lead_ms else self._lead_ms - sound.ms
        return self.plays_until - ahead_ms / 1000

    @property
    def _behind(self) -> bool:
        return (
            self._reported_ms is not None
            and self.sent_ms - self._reported_ms > self._lead_ms + PATIENCE_MS
        )

    @property
    def gives_up_at(self) -> float | None:
        """When a client that has fallen behind will be taken not to play the rest."""
        return self._progress_at + STALLED_S if self._behind and not self._stopped else None

    def report(self, ms: float, now: float, *, done: bool = False) -> None:
        """The client has played ``ms``; never back, never more than was sent.

        ``done``: it has nothing left to play, so the little that rounding takes counts as played.
        """
        ms = self.sent_ms if done and ms >= self.sent_ms - ROUNDING_MS else min(ms, self.sent_ms)
        if self._reported_ms is None or ms > self._reported_ms:
            self._reported_ms = ms
            self._progress_at = now

    def heard_ms(self, now: float) -> float:
        if self._reported_ms is not None:
            return self._reported_ms
        return max(0.0, self.sent_ms - max(0.0, self.plays_until - now) * 1000)

    def ends_at(self, now: float) -> float:
        """When all that was sent has been played, as far as is known now; ``now`` if it has been."""
        if self._waiting:
            return float("inf")
        if self._stopped:
            return now
        if self._reported_ms is None:
            return max(self.plays_until, now)
        if self._reported_ms >= self.sent_ms - 1:
            return now
        if self._behind:
            return float("inf")  # it gives up before
        return max(self.plays_until, self._progress_at) + LAST_REPORT_S

    def stop(self, now: float) -> None:
        """Forget what has not left; what was heard until now is all that will be heard."""
        self._waiting.clear()
        self.waiting_ms = 0.0
        self._reported_ms = self.heard_ms(now)
        self._stopped = True
