"""The answers that staff wrote, kept in memory, and the one that fits a question best.

Uses the database, and so belongs into ``conversations.database.in_database``.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Max
from django.db.models.signals import post_delete, post_save
from rapidfuzz import fuzz, process

from .models import Answer
from .places import plain

CHECK_EVERY_S = 3.0
"""How old what is in memory may be: another process may have saved an answer."""

LONGEST_QUESTION = 200  # characters; nobody phrases a question that staff foresaw in more
GOOD_ENOUGH = 80.0
CERTAIN = 95.0

# What people wrap a question in, which says nothing about what they ask.
FILLERS = frozenset(
    {"please", "hey", "ok", "okay", "well", "so", "um", "uh", "now", "just", "really", "actually"}
    | {"tell", "me", "then"}
)


@dataclass(frozen=True, slots=True)
class Match:
    """An answer and how well its question fits, in percent."""

    text: str
    likeness: float

    @property
    def is_certain(self) -> bool:
        return self.likeness >= CERTAIN


class AnswerBook:
    """All enabled answers of all bots, read again when one changes."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._check_at = 0.0
        self._version: object = None
        self._texts: dict[str, dict[str, str]] = {}  # bot's slug, or "" -> question -> answer

    def forget(self) -> None:
        """Look at the database before the next answer."""
        self._check_at = 0.0

    def best(self, question: str, bot: str = "") -> Match | None:
        """The answer to a question that is like enough, a bot's own before everybody's."""
        asked = _asked(question)
        if not asked or len(asked) > LONGEST_QUESTION:
            return None
        self._refresh()
        best: Match | None = None
        for slug in dict.fromkeys((bot, "")):
            texts = self._texts.get(slug, {})
            found = process.extractOne(
                asked, texts.keys(), scorer=_likeness, score_cutoff=GOOD_ENOUGH
            )
            if found is not None and (best is None or found[1] > best.likeness):
                best = Match(texts[found[0]], found[1])
        return best

    def _refresh(self) -> None:
        now = self._clock()
        if now < self._check_at:
            return
        self._check_at = now + CHECK_EVERY_S
        version = Answer.objects.aggregate(Max("updated_at"), Count("pk"))
        if version == self._version:
            return
        texts: dict[str, dict[str, str]] = {}
        for answer in Answer.objects.filter(enabled=True).select_related("bot").order_by("pk"):
            of_bot = texts.setdefault(answer.bot.slug if answer.bot else "", {})
            of_bot.update({_asked(phrasing): answer.text for phrasing in answer.phrasings})
        self._texts, self._version = texts, version


def _asked(question: str) -> str:
    words = plain(question).split()
    return " ".join(word for word in words if word not in FILLERS) or " ".join(words)


def _likeness(asked: str, phrasing: str, **_cutoff: Any) -> float:
    """Percent. Extra words count half, so that "hello" does not answer a whole question."""
    return (fuzz.token_sort_ratio(asked, phrasing) + fuzz.token_set_ratio(asked, phrasing)) / 2


book = AnswerBook()


def watch() -> None:
    """Have this process see its own changes at once."""
    for signal in (post_save, post_delete):
        signal.connect(_changed, sender=Answer, dispatch_uid="dialogue.answers")


def _changed(**_signal: Any) -> None:
    book.forget()
