"""Where the time of a turn went: its timings as the bars of a waterfall. Pure arithmetic.

Timings are milliseconds since the true end of what the person said (``chat.utterance``,
``chat.reply``): when each stage was reached. A bar runs from the latest stage it had to wait for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

SCALE = 100.0
# What took longer was no answer; and beyond 2 ** 53 a float cannot tell one millisecond from the next.
LONGEST_MS = 86_400_000.0
# The delivery takes as long as the answer does; of it only the beginning is drawn.
ROOM_BEHIND_ANSWER = 1.2


@dataclass(frozen=True, slots=True)
class _Stage:
    """What is waited for, after which others of those that were reached before it."""

    name: str
    label: str | Promise
    after: tuple[str, ...] = ()


_STAGES = (
    _Stage("endpoint", _("End of speech")),
    _Stage("transcript", _("Speech to text")),
    _Stage("stored", _("Stored"), ("endpoint", "transcript")),
    _Stage("first_text", _("First token"), ("transcript", "stored")),
    _Stage("first_sentence", _("First sentence"), ("first_text",)),
    _Stage("first_sound", _("Text to speech"), ("first_sentence",)),
    _Stage("first_audio", _("First audio"), ("first_sound", "stored")),
    _Stage("ended", _("Delivered"), ("first_audio", "first_text")),
)


@dataclass(frozen=True, slots=True)
class Bar:
    """One stage. ``x`` and ``width`` are parts of ``SCALE``; ``is_cut``: it goes on beyond."""

    stage: str
    label: str | Promise
    start_ms: int
    end_ms: int
    x: float
    width: float
    is_cut: bool

    @property
    def took_ms(self) -> int:
        return self.end_ms - self.start_ms


@dataclass(frozen=True, slots=True)
class Waterfall:
    """``answer_ms``: when the first sound of the answer left, or ``is_text`` its first words.

    None: it was not answered.
    """

    bars: tuple[Bar, ...]
    answer_ms: int | None
    is_text: bool


def waterfall(timings: Any) -> Waterfall | None:
    """The bars of a turn's stored timings, in order; None if there is nothing to draw.

    What is no number, or no time within a day after the end of speech, is left out.
    """
    reached = _times(timings)
    if not reached:
        return None
    answer = reached.get("first_audio", reached.get("first_text"))
    if answer is None:
        end = max(reached.values())
    else:
        others = [at for stage, at in reached.items() if stage != "ended"]
        end = max(answer * ROOM_BEHIND_ANSWER, *others)
    bars = []
    for stage in _STAGES:
        at = reached.get(stage.name)
        if at is None:
            continue
        start = max(
            (reached[one] for one in stage.after if reached.get(one, at + 1) <= at), default=0
        )
        bars.append(_bar(stage, start, at, end))
    return Waterfall(
        tuple(bars),
        None if answer is None else round(answer),
        answer is not None and "first_audio" not in reached,
    )


def _times(timings: Any) -> dict[str, float]:
    if not isinstance(timings, Mapping):
        return {}
    known = {stage.name for stage in _STAGES}
    return {
        stage: float(at)
        for stage, at in timings.items()
        if stage in known
        and isinstance(at, int | float)
        and not isinstance(at, bool)
        and 0 <= at < LONGEST_MS
    }


def _bar(stage: _Stage, start: float, at: float, end: float) -> Bar:
    part = SCALE / end if end else 0.0
    return Bar(
        stage=stage.name,
        label=stage.label,
        start_ms=round(start),
        end_ms=round(at),
        x=round(min(start, end) * part, 2),
        width=round((min(at, end) - min(start, end)) * part, 2),
        is_cut=at > end,
    )
