"""What became of all that was said while something broke."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from .reviewer import Review


@dataclass(slots=True)
class Tally:
    """Times in seconds.

    ``come_in_s``: until everybody was connected at first. ``before_s``, ``back_s``: from a question of
    everybody's to its last acknowledgement, right before the fault and from its end on.
    ``told_s``: the longest that anybody waited to be told that a turn was not taken.
    ``reviewer_back_s``: from the end of the fault until a reviewer saw a turn that was said after it.
    ``ended_s``: from the death of an instance until the last of its answers was told to have ended.
    """

    people: int
    sent: int
    acknowledged: int
    found: int
    doubled: int
    unanswered: int
    review: Review
    answers: Counter[str] = field(default_factory=Counter)
    closes: Counter[int] = field(default_factory=Counter)
    reviewer_closes: Counter[int] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    told_to_leave: int = 0
    come_in_s: float = 0.0
    before_s: float = 0.0
    back_s: float = 0.0
    told_s: float = 0.0
    reviewer_back_s: float = 0.0
    ended_s: float | None = None

    def __str__(self) -> str:
        review = self.review
        ended = f"; its answers had ended after {self.ended_s:.1f} s" if self.ended_s else ""
        told = f", told after {self.told_s:.1f} s at most" if self.errors else ""
        return (
            f"{self.people} people: {self.sent} sent, {self.acknowledged} acknowledged, "
            f"{self.found} of them found, {self.doubled} doubled; answers {listed(self.answers)}; "
            f"closes {listed(self.closes)}; errors {listed(self.errors)}{told}; "
            f"they came in within {self.come_in_s:.1f} s, a turn took {self.before_s:.1f} s before and "
            f"{self.back_s:.1f} s right after; of {review.turns} turns the reviewer missed "
            f"{review.missed}, saw {review.doubled} twice, had closes {listed(self.reviewer_closes)} "
            f"and was back after {self.reviewer_back_s:.1f} s{ended}"
        )


def listed(counts: Counter[int] | Counter[str]) -> str:
    """``1006: 25, 1012: 1``, or none."""
    pairs = sorted((str(getattr(what, "value", what)), count) for what, count in counts.items())
    return ", ".join(f"{what}: {count}" for what, count in pairs) or "none"
