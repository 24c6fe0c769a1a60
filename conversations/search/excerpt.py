"""The piece of a turn that shows why it was found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .query import Phrase, Query
from .words import Word, words

EXCERPT_CHARS = 200
BEFORE_CHARS = 50


@dataclass(frozen=True, slots=True)
class Piece:
    """Plain text as it was said: whoever shows it escapes it."""

    text: str
    is_hit: bool


@dataclass(frozen=True, slots=True)
class _Mark:
    start: int
    end: int
    phrase: Phrase


def excerpt(text: str, query: Query) -> tuple[Piece, ...]:
    """About ``EXCERPT_CHARS`` of ``text``, from where most of what is sought stands together.

    Where nothing of it stands, the beginning. A cut end shows as ``…``.
    """
    marks = sorted(_marks(words(text), query), key=lambda mark: (mark.start, -mark.end))
    start = max(0, _densest(marks) - BEFORE_CHARS)
    if start:
        # Begin with a whole word, if one begins soon.
        blank = text.find(" ", start, start + BEFORE_CHARS // 2)
        start = blank + 1 if blank >= 0 else start
    end = min(len(text), start + EXCERPT_CHARS)
    pieces = [Piece("…", is_hit=False)] if start else []
    at = start
    for mark in marks:
        if mark.end > end or mark.start < at:
            continue
        if mark.start > at:
            pieces.append(Piece(text[at : mark.start], is_hit=False))
        pieces.append(Piece(text[mark.start : mark.end], is_hit=True))
        at = mark.end
    if at < end:
        pieces.append(Piece(text[at:end], is_hit=False))
    if end < len(text):
        pieces.append(Piece("…", is_hit=False))
    return tuple(pieces)


def hits_in(text: str, query: Query) -> int:
    """How many of the wanted phrases stand in ``text``."""
    return len({mark.phrase for mark in _marks(words(text), query)})


def _densest(marks: list[_Mark]) -> int:
    """Where the stretch starts that holds most of the phrases; 0 without marks."""
    best, most = 0, 0
    for first, mark in enumerate(marks[:100]):
        last = mark.start + EXCERPT_CHARS - BEFORE_CHARS
        near = {other.phrase for other in marks[first : first + 50] if other.end <= last}
        if len(near) > most:
            best, most = mark.start, len(near)
    return best


def _marks(said: list[Word], query: Query) -> Iterator[_Mark]:
    for phrase in query.wanted:
        length = len(phrase.words)
        for first in range(len(said) - length + 1):
            stretch = said[first : first + length]
            if _is_said(phrase, stretch):
                yield _Mark(stretch[0].start, stretch[-1].end, phrase)


def _is_said(phrase: Phrase, stretch: list[Word]) -> bool:
    *whole, last = (word.folded for word in stretch)
    if tuple(whole) != phrase.words[:-1]:
        return False
    sought = phrase.words[-1]
    return last.startswith(sought) if phrase.is_beginning else last == sought
