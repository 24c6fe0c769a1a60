"""Search in everything that was ever said, behind one interface for both databases.

Results come **newest first**: a reviewer looks for what happened lately and reads on backwards,
and in turns of a sentence or two a rank says little. It is also what is quick: the index is read from its
end, and only as far as the page goes, however common the word is.

The order is that in which turns were finished. A page is followed by the entries *before* its last
one (``after``), so that pages neither shift nor slow down while new turns come in. How many hits
there are in all is not counted.

The database keeps the index itself, by triggers (``sqlite.py``, ``postgres.py``): whoever writes a
turn, it is searched as soon as it has ended, and whoever deletes it, it is found no more. What is
sought is said in ``query.py``, what a word is in ``words.py``.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from django.db import connections
from django.db.models import QuerySet

from conversations.models import Conversation, Turn

from .backends import index_of
from .excerpt import Piece, excerpt, hits_in
from .query import parse

__all__ = ["SEARCHED", "Hit", "HitPage", "Piece", "conversations_with", "search"]

# The columns of turns that are searched, as the last migration says (``migration.IndexTurns``).
SEARCHED = ("text", "corrected_text")


@dataclass(frozen=True, slots=True)
class Hit:
    """``turn`` comes with its conversation, person and user."""

    turn: Turn
    excerpt: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class HitPage:
    """``after`` asks for the next page; None: this is the last."""

    hits: tuple[Hit, ...]
    after: int | None


def search(
    sought: str,
    *,
    conversations: QuerySet[Conversation] | None = None,
    limit: int = 50,
    after: int | None = None,
) -> HitPage:
    """The newest turns with what is ``sought``, in all conversations or only in these.

    Takes any string: what is no word finds nothing. Permissions are the caller's.
    """
    query = parse(sought)
    if not query:
        return HitPage((), None)
    connection = connections[Turn.objects.db]
    found = index_of(connection).find(
        connection, query, conversations=conversations, before=after, limit=limit + 1
    )
    shown = found[:limit]
    turns = Turn.objects.select_related("conversation__person__user").in_bulk(
        [entry.turn_id for entry in shown]
    )
    hits = []
    for entry in shown:
        turn = turns.get(entry.turn_id)
        if turn is not None:  # else deleted just now
            said = [str(getattr(turn, column) or "") for column in SEARCHED]
            best = max(said, key=lambda text: hits_in(text, query))
            hits.append(Hit(turn, excerpt(best, query)))
    return HitPage(tuple(hits), shown[-1].id if len(found) > limit else None)


def conversations_with(
    sought: str, *, conversations: QuerySet[Conversation] | None = None, turns: int
) -> tuple[set[uuid.UUID], bool]:
    """The conversations of the newest so many ``turns`` with what is ``sought``.

    Also whether there are more such turns.
    """
    query = parse(sought)
    if not query:
        return set(), False
    connection = connections[Turn.objects.db]
    found = index_of(connection).find(
        connection, query, conversations=conversations, before=None, limit=turns + 1
    )
    return {entry.conversation_id for entry in found[:turns]}, len(found) > turns
