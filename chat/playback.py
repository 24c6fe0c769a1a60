"""When audio leaves, and how much of it has been heard. Pure; times are seconds, lengths ms.

Audio leaves at most ``lead_ms`` ahead of playback, so that an interruption has little to clear and
a late timer does not gap. Playback is followed by the clock: it starts when the first sound leaves
and stands still when it has run dry. A client that reports what it has played is believed instead,
and where it has fallen behind (sound blocked, tab asleep) the rest waits here. One that reports only
now and then, by marks, is taken to have gone on since its last mark.

What has been sent and was not heard can be taken back (``hold``) and leaves again (``release``).
"""

from __future__ import annotations

from collections import deque

from .events import Sound

# How far a reporting client may fall behind the clock before more audio waits for it.
PATIENCE_MS = 1_500.0
# A reporting client that makes no progress for this long will not play the rest.
STALLED_S = 30.0
# A timer and the network may be so late.
LATE_MS = 100.0
# After all has been played by the clock, a report may still be under way for this long.
LAST_REPORT_S = 3.0
# Resampling at the client may lose this much of a reply.
ROUNDING_MS = 250.0


class Playback:
    def __init__(
        self,
        lead_ms: float,
        *,
        starts_at: float = 0.0,
        marks: bool = False,
        clears: bool = True,
    ) -> None:
        """``starts_at``: when the sound before this one, which cannot be cleared, has ended.

        ``clears``: what was sent can be taken back; otherwise all of it will be heard.
        """
        self._lead_ms = lead_ms
        self._marks = marks
        self._clears = clears
        self._waiting: deque[tuple[int, Sound]] = deque()
        self.waiting_ms = 0.0
        self.sent_ms = 0.0
        self.sent_samples = 0
        # What has been sent and may not have been heard, so that it can be taken back.
        self._sent: deque[tuple[int, Sound]] = deque()
        self.plays_until = starts_at
        self._reported_ms: float | None = None
        self._reported_at = 0.0
        self._progress_at = 0.0
        # How much had been heard when it was held; None: it is not.
        self._held_ms: float | None = None
        self._stopped = False

    @property
    def is_due(self) -> bool:
        """Whether the client has sound, or is to get some."""
        return self.sent_ms > 0 or self.waiting_ms > 0

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
        self._sent.append((sentence, sound))
        # The first report may show that the client is behind the clock.
        unsure_ms = PATIENCE_MS if self._reported_ms is None else 0.0
        self._forget_heard(self.heard_ms(now) - unsure_ms)
        return sentence, sound

    def leaves_at(self, now: float) -> float | None:
        """When the next sound may leave; None if none waits, or the client has to catch up first."""
        if not self._waiting or self._held_ms is not None:
            return None
        _, sound = self._waiting[0]
        if not sound.ms:
            return now
        if self._behind:
            return None  # until it reports
        # A whole clip longer than the lead may start within it; a piece about as long leaves a
        # little before the one before it has ended.
        least_ms = self._lead_ms if sound.ms > self._lead_ms else min(self._lead_ms, LATE_MS)
        ahead_ms = max(self._lead_ms - sound.ms, least_ms)
        return self.plays_until - ahead_ms / 1000

    @property
    def _behind(self) -> bool:
        return (
            not self._marks
            and self._reported_ms is not None
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
        if self._held_ms is not None:
            return  # of what has been taken back
        ms = self.sent_ms if done and ms >= self.sent_ms - ROUNDING_MS else min(ms, self.sent_ms)
        if self._reported_ms is None or ms > self._reported_ms:
            self._reported_ms = ms
            self._reported_at = self._progress_at = now

    def heard_ms(self, now: float) -> float:
        if self._held_ms is not None:
            return self._held_ms
        by_the_clock = max(0.0, self.sent_ms - max(0.0, self.plays_until - now) * 1000)
        if self._reported_ms is None:
            return by_the_clock
        if not self._marks or self._stopped:
            return self._reported_ms
        since_ms = (now - self._reported_at) * 1000
        return max(self._reported_ms, min(by_the_clock, self._reported_ms + since_ms))

    def ends_at(self, now: float) -> float:
        """When all that was sent has been played, as far as is known now; ``now`` if it has been."""
        if self._waiting:
            return float("inf")
        if self._stopped or not self.sent_ms:
            return now
        if self._reported_ms is None:
            return max(self.plays_until, now)
        if self._reported_ms >= self.sent_ms - 1:
            return now
        if self._behind:
            return float("inf")  # it gives up before
        return max(self.plays_until, self._progress_at) + LAST_REPORT_S

    def hold(self, now: float) -> None:
        """Take back what was sent and has not been heard: ``sent_ms`` is what remains.

        A clip cannot be cut: it is taken back whole, unless all of it has been heard.
        """
        heard_ms = self._held_ms = self.heard_ms(now)
        if self._stopped:
            return
        if not self._clears:
            self._held_ms = self.sent_ms
            self._sent.clear()
            return
        self._forget_heard(heard_ms)
        at_ms = self._sent_from_ms
        while self._sent:
            sentence, sound = self._sent.pop()
            self._waiting.appendleft((sentence, sound))
            self.waiting_ms += sound.ms
            self.sent_samples -= sound.samples
        if self._waiting:
            sentence, sound = self._waiting[0]
            rest = sound.after(max(0.0, heard_ms - at_ms))
            self._waiting[0] = (sentence, rest)
            if sound.samples and not rest.samples:
                self._waiting.popleft()  # less than half a sample was left
            self.waiting_ms -= sound.ms - rest.ms
            self.sent_samples += sound.samples - rest.samples
            at_ms += sound.ms - rest.ms
        self.sent_ms = at_ms
        if self._reported_ms is not None:
            self._reported_ms, self._reported_at = self.sent_ms, now
        self.plays_until = now

    def release(self, now: float) -> None:
        """What was taken back may leave again."""
        self._held_ms = None
        self._progress_at = self._reported_at = now
        self.plays_until = now if self._clears else max(self.plays_until, now)

    @property
    def _sent_from_ms(self) -> float:
        """Where the first of the sounds begins that may not have been heard."""
        return self.sent_ms - sum(sound.ms for _, sound in self._sent)

    def _forget_heard(self, heard_ms: float) -> None:
        end_ms = self._sent_from_ms
        while self._sent:
            end_ms += self._sent[0][1].ms
            if end_ms > heard_ms:
                return
            self._sent.popleft()

    def stop(self, now: float) -> None:
        """Forget what has not left; what was heard until now is all that will be heard."""
        heard_ms = self.heard_ms(now)
        self._waiting.clear()
        self._sent.clear()
        self.waiting_ms = 0.0
        self._reported_ms = heard_ms
        self._stopped = True
