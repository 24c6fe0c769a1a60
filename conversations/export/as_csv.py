"""Turns as CSV, one row each, for spreadsheets (RFC 4180).

UTF-8 with a byte order mark, without which Excel takes it for another encoding; every cell quoted;
rows end in CR LF, lines within a cell in LF. Hidden characters are made visible, as on pages.

A spreadsheet runs a cell that starts like a formula. Such a cell gets an apostrophe in front, as
the OWASP page on CSV injection says, and so does one that starts with apostrophes before that: take
one apostrophe away wherever ``is_defused`` says yes, and the text is as it was.

Where lists are separated by semicolons, as in much of Europe, a spreadsheet begins a cell after each
of them. What would be a formula there gets an apostrophe too, behind its semicolon.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator

from ..models import Turn
from ..shown_cards import shown_cards
from ..visible_text import visible, visible_line
from .kept import KeptConversation

BYTE_ORDER_MARK = "\ufeff"
COLUMNS = (
    "conversation", "title", "person", "bot", "grade", "tags", "call", "seq", "turn", "reply_to",
    "role", "kind", "status", "error", "created_at", "start_ms", "text", "heard_ms", "heard_text",
    "unheard_text", "corrected_text", "cards", "rating", "client_id", "engines", "timings",
)  # fmt: skip

# OWASP's list, with the full-width forms that some spreadsheets take for the same. Some skip blanks.
_FORMULA = re.compile("'*(?:[\t\r\n]|\\s*[-=+@\uff1d\uff0b\uff0d\uff20])")


# The same in a cell that begins within one.
_INNER_FORMULA = re.compile("(;)(?='*\\s*[-=+@\uff1d\uff0b\uff0d\uff20])")


def defused(text: str) -> str:
    """``text`` so that no spreadsheet takes it, or a part of it, for a formula."""
    text = _INNER_FORMULA.sub(r"\1'", text)
    return f"'{text}" if _FORMULA.match(text) else text


def is_defused(cell: str) -> bool:
    """Whether the first character of a cell is the apostrophe that ``defused`` put there."""
    return cell.startswith("'") and _FORMULA.match(cell) is not None


def heading() -> bytes:
    """The row of names, with which every file starts."""
    return (BYTE_ORDER_MARK + _row(COLUMNS)).encode()


def rows(kept: KeptConversation) -> Iterator[bytes]:
    """One row for each turn."""
    conversation = kept.conversation
    about = [
        str(conversation.pk),
        visible_line(conversation.title),
        visible_line(str(conversation.person)),
        visible_line(conversation.bot.name),
        "" if conversation.grade is None else str(conversation.grade),
        visible_line(", ".join(kept.tags)),
    ]
    for turn in kept.turns():
        yield _row(about + _cells(turn.turn)).encode("utf-8", "backslashreplace")


def _cells(turn: Turn) -> list[str]:
    spoken = turn.heard_ms is not None
    return [
        str(turn.call_id or ""),
        str(turn.seq),
        str(turn.pk),
        str(turn.reply_to_id or ""),
        turn.role,
        turn.kind,
        turn.status,
        visible_line(turn.error),
        turn.created_at.isoformat(),
        "" if turn.start_ms is None else str(turn.start_ms),
        visible(turn.text),
        str(turn.heard_ms) if spoken else "",
        visible(turn.heard_text) if spoken else "",
        visible(turn.unheard_text),
        visible(turn.corrected_text),
        "\n".join(
            " · ".join(filter(None, (card.title, card.price, card.link)))
            for card in shown_cards(turn)
        ),
        _rating(turn.rating),
        visible_line(turn.client_id or ""),
        _names_and_values(turn.engines),
        _names_and_values(turn.timings),
    ]


def _rating(rating: int | None) -> str:
    if not rating:
        return ""
    return "good" if rating > 0 else "bad"


def _names_and_values(stored: object) -> str:
    return visible(json.dumps(stored, ensure_ascii=False)) if stored else ""


def _row(cells: Iterable[str]) -> str:
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\r\n").writerow(
        [defused(cell) for cell in cells]
    )
    return text.getvalue()
