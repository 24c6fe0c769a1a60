"""How what was said is shown in pages. Everything returned is plain text, escaped as usual."""

from __future__ import annotations

from typing import NamedTuple

from django import template

from conversations.models import Turn
from conversations.shown_cards import ShownCard, shown_cards
from conversations.visible_text import visible, visible_line
from conversations.waterfall import Waterfall, waterfall

register = template.Library()
register.filter("visible", visible)
register.filter("visible_line", visible_line)


@register.filter
def heard_part(turn: Turn) -> str:
    """What the person heard, or read where nothing was spoken."""
    return visible(turn.text[: len(turn.text) - len(turn.unheard_text)])


@register.filter
def unheard_part(turn: Turn) -> str:
    return visible(turn.unheard_text)


@register.filter
def cards(turn: Turn) -> list[ShownCard]:
    return shown_cards(turn)


class Span(NamedTuple):
    """Where a turn lies on its call's timeline, in ms."""

    start_ms: int
    end_ms: int


@register.filter
def sound_span(turn: Turn, may_hear: bool) -> Span | None:
    """From its first sound to its last; just its start where it has none. None: not to be heard."""
    if not may_hear:
        return None
    sounds = [(one.start_ms, one.start_ms + one.duration_ms) for one in turn.segments.all()]
    if sounds:
        return Span(min(start for start, _ in sounds), max(end for _, end in sounds))
    return None if turn.start_ms is None else Span(turn.start_ms, turn.start_ms)


@register.filter
def waterfall_of(turn: Turn) -> Waterfall | None:
    return waterfall(turn.timings)


@register.filter
def seconds(ms: int) -> str:
    """Milliseconds as ``0.81 s``; below a tenth of a second as ``42 ms``."""
    return f"{ms} ms" if ms < 100 else f"{ms / 1000:.2f} s"


@register.filter
def minutes(ms: int | None) -> str:
    """Milliseconds as ``m:ss`` or ``h:mm:ss``, rounded to the second."""
    seconds = round((ms or 0) / 1000)
    hours, rest = divmod(seconds, 3600)
    if hours:
        return f"{hours}:{rest // 60:02}:{rest % 60:02}"
    return f"{rest // 60}:{rest % 60:02}"
