"""The cards of a stored reply, in a form that is safe to show whoever wrote them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .models import Turn
from .visible_text import visible, visible_line


@dataclass(frozen=True, slots=True)
class ShownCard:
    """One card as text. ``link`` is an http(s) address or empty."""

    title: str
    subtitle: str
    price: str
    text: str
    link: str


NOTHING = ShownCard("", "", "", "", "")


def shown_cards(turn: Turn) -> list[ShownCard]:
    """The cards of ``turn``; what an engine stored in another shape is left out."""
    stored = turn.data.get("propertyData") if isinstance(turn.data, Mapping) else None
    cards = stored.get("cards") if isinstance(stored, Mapping) else None
    if not isinstance(cards, list):
        return []
    shown = [_shown(card) for card in cards if isinstance(card, Mapping)]
    return [card for card in shown if card != NOTHING]


def _shown(card: Mapping[str, Any]) -> ShownCard:
    def line(name: str) -> str:
        value = card.get(name)
        return visible_line(value) if isinstance(value, str) else ""

    link = line("url")
    text = card.get("text")
    return ShownCard(
        title=line("title"),
        subtitle=line("subtitle"),
        price=line("price"),
        text=visible(text) if isinstance(text, str) else "",
        link=link if link.lower().startswith(("http://", "https://")) else "",
    )
