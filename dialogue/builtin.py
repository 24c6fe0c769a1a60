"""The engine that needs no network: it leads to one of three rooms.

*property* searches the listings, *realtime* asks the sources of live information, and *generic*
says what staff wrote for such a question, or honestly that it does not know.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

from django.utils import translation
from django.utils.translation import gettext as _

from conversations.database import in_database

from .answers import Match, book
from .engine import Cards, Item, Piece, Text, UserTurn
from .listings import search, speaking
from .listings.wishes import parse_query
from .places import LONGEST_TEXT, exact_names_in, place_names, plain, words_without_names
from .realtime.source import Source, sources

FOLLOW_UP_WORDS = frozenset(
    {
        "and",
        "or",
        "also",
        "then",
        "what",
        "how",
        "about",
        "in",
        "at",
        "for",
        "near",
        "the",
        "please",
    }
    | {"s", "is", "it", "there", "now", "ok", "okay", "today", "tonight", "tomorrow"}
)
"""What may stand beside the places in "and in Paris?"; any other word asks something new."""


class BuiltinEngine:
    """Answers from the database and the sources of live information."""

    async def reply(self, turn: UserTurn) -> AsyncIterator[Piece]:
        asked = _sources_for(turn)
        pieces = await in_database(_from_database, turn, is_live=bool(asked))
        if asked and not pieces:
            for source in asked:
                items = source.items(turn)
                try:
                    async for item in items:
                        yield Item(item)
                finally:
                    if (close := getattr(items, "aclose", None)) is not None:
                        await close()
            return
        for piece in pieces or _in_words(_i_do_not_know(turn)):
            yield piece


def _sources_for(turn: UserTurn) -> list[Source]:
    """The sources that a turn asks, or that it asks on: "and in Paris?"."""
    asked = _matching(turn.text)
    if asked or not _is_follow_up(turn.text):
        return asked
    names_a_place = bool(exact_names_in(turn.text, place_names()))
    for said in reversed(turn.history):
        if said.role != "user":
            continue
        asked = _matching(said.text)
        if asked or parse_query(said.text).is_search:
            # A day alone goes on only with a source that knows what "and tomorrow" is.
            day = f"and {plain(turn.text)}"
            return [source for source in asked if names_a_place or source.matches(day)]
    return []


def _matching(text: str) -> list[Source]:
    """One source, or one for each part of "the time and the weather in Paris"."""
    parts = re.split(r"\band\b", text[:LONGEST_TEXT], flags=re.IGNORECASE)
    of_parts = [source for part in parts if (source := _first_matching(part)) is not None]
    asked = [source for i, source in enumerate(of_parts) if source not in of_parts[:i]]
    if len(asked) > 1:
        return asked
    source = _first_matching(text)
    return [] if source is None else [source]


def _first_matching(text: str) -> Source | None:
    return next((source for source in sources() if source.matches(text)), None)


def _is_follow_up(text: str) -> bool:
    """Only places and days, and the small words around them."""
    return FOLLOW_UP_WORDS.issuperset(words_without_names(text, place_names()))


def _from_database(turn: UserTurn, *, is_live: bool) -> list[Piece]:
    """What staff wrote, else what is listed; nothing if neither answers the turn."""
    match = book.best(turn.text, turn.bot.slug)
    if match is not None and (match.is_certain or not _wants_more(turn, is_live=is_live)):
        return _answer(match)
    if is_live:
        return []
    wish = search.wish_of(turn.text, [said.text for said in turn.history if said.role == "user"])
    return [] if wish is None else _listed(search.find(wish), turn.language)


def _wants_more(turn: UserTurn, *, is_live: bool) -> bool:
    """Whether an answer that only may fit stands back."""
    return is_live or parse_query(turn.text).is_search


def _answer(match: Match) -> list[Piece]:
    return list(_in_words(match.text))


def _listed(found: search.Found, language: str) -> list[Piece]:
    with translation.override(language):
        cards = [speaking.card(listing) for listing in found.listings]
        pieces: list[Piece] = [Cards(cards)] if cards else []
        pieces.extend(Text(sentence) for sentence in speaking.summary(found))
    return pieces


def _i_do_not_know(turn: UserTurn) -> str:
    with translation.override(turn.language):
        if not turn.text.strip():
            return _("I did not catch that. Please say it again.")
        return _(
            "I have no answer to that. I am %(name)s, a bot that knows listings, times, the weather "
            "and what the staff have written down. Try: two-bedroom flat in Lisbon under 300,000 "
            "euros. Or: what time is it in Tokyo? Whoever runs me can connect a language model; "
            "ask me how."
        ) % {"name": turn.bot.name}


def _in_words(text: str) -> list[Text]:
    """Word by word, with the space behind each, as a language model streams."""
    return [Text(word) for word in re.findall(r"\s*\S+\s?", text)]
