"""Many rows at once, faster than ``bulk_create``, and with the times that they say."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connections, router
from django.db.models import AutoField, Model


def write_rows(model: type[Model], rows: Sequence[Model]) -> None:
    """Insert ``rows`` of ``model`` as they are: what ``auto_now_add`` would set stays as given.

    A key that the database counts is left to it; the rows are not told.
    """
    if not rows:
        return
    connection = connections[router.db_for_write(model)]
    columns = [
        column for column in model._meta.local_concrete_fields if not isinstance(column, AutoField)
    ]
    quote = connection.ops.quote_name
    names = ", ".join(quote(str(column.column)) for column in columns)
    places = ", ".join(["%s"] * len(columns))
    values = [
        [column.get_db_prep_save(getattr(row, column.attname), connection) for column in columns]
        for row in rows
    ]
    with connection.cursor() as cursor:
        cursor.executemany(
            f"INSERT INTO {quote(model._meta.db_table)} ({names}) VALUES ({places})",  # noqa: S608
            values,
        )
