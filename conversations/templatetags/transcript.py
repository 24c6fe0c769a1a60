"""How what was said is shown in pages. Everything returned is plain text, escaped as usual."""

from __future__ import annotations

from django import template

from conversations.models import Turn
from conversations.shown_cards import ShownCard, shown_cards
from conversations.visible_text import visible, visible_line

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


@register.filter
def minutes(ms: int | None) -> str:
    """Milliseconds as ``m:ss`` or ``h:mm:ss``, rounded to the second."""
    seconds = round((ms or 0) / 1000)
    hours, rest = divmod(seconds, 3600)
    if hours:
        return f"{hours}:{rest // 60:02}:{rest % 60:02}"
    return f"{rest // 60}:{rest % 60:02}"
