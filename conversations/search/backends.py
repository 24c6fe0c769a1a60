"""The index of whichever database a connection is to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from django.db import NotSupportedError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.backends.signals import connection_created
from django.db.models import QuerySet
from django.dispatch import receiver

from conversations.models import Conversation

from . import postgres, sqlite
from .entries import Entry
from .query import Query


class Index(Protocol):
    """What the module of a database has; see ``sqlite.py``."""

    def prepare(self, connection: BaseDatabaseWrapper) -> None: ...

    def install(self, schema_editor: BaseDatabaseSchemaEditor, columns: Sequence[str]) -> None: ...

    def remove(self, schema_editor: BaseDatabaseSchemaEditor) -> None: ...

    def find(
        self,
        connection: BaseDatabaseWrapper,
        query: Query,
        *,
        conversations: QuerySet[Conversation] | None,
        before: int | None,
        limit: int,
    ) -> list[Entry]: ...

    def forget_deleted(self, connection: BaseDatabaseWrapper) -> None: ...


_INDEXES: dict[str, Index] = {"sqlite": sqlite, "postgresql": postgres}


def index_of(connection: BaseDatabaseWrapper) -> Index:
    """Raises ``NotSupportedError`` for a database that voicechat does not run on."""
    try:
        return _INDEXES[connection.vendor]
    except KeyError:
        raise NotSupportedError(f"voicechat cannot search in {connection.vendor}") from None


@receiver(connection_created)
def prepare_connection(sender: object, connection: BaseDatabaseWrapper, **_more: Any) -> None:
    """The triggers of some databases call what every connection must be given."""
    index_of(connection).prepare(connection)
