"""What an index answers with, whichever database keeps it."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any, NamedTuple

from django.core.exceptions import EmptyResultSet
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import QuerySet

from conversations.models import Conversation


class Entry(NamedTuple):
    """A turn in the index. ``id`` rises in the order in which turns were finished."""

    id: int
    turn_id: uuid.UUID
    conversation_id: uuid.UUID


def chosen(
    conversations: QuerySet[Conversation] | None, connection: BaseDatabaseWrapper
) -> tuple[str, tuple[Any, ...]]:
    """A condition on ``entry.conversation_id``, and its parameters."""
    if conversations is None:
        return "TRUE", ()
    compiler = conversations.order_by().values("pk").query.get_compiler(connection.alias)
    try:
        sql, parameters = compiler.as_sql()
    except EmptyResultSet:
        return "FALSE", ()
    return f"entry.conversation_id IN ({sql})", tuple(parameters)


def entries(connection: BaseDatabaseWrapper, sql: str, parameters: Sequence[Any]) -> list[Entry]:
    """The rows (id, turn_id, conversation_id) of a SELECT."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return [Entry(id, _uuid(turn), _uuid(within)) for id, turn, within in cursor.fetchall()]


def _uuid(kept: uuid.UUID | str) -> uuid.UUID:
    return kept if isinstance(kept, uuid.UUID) else uuid.UUID(kept)
