"""The values that a column has, without reading all rows.

Neither database skips from one value in an index to the next by itself: for ``DISTINCT`` PostgreSQL
reads all of a hundred thousand rows, on every page of a list that can be narrowed by the column.
"""

from __future__ import annotations

from django.db import connections

from .models import Conversation

# wiki.postgresql.org/wiki/Loose_indexscan; SQLite takes the same.
_NEXT = """WITH RECURSIVE found(value) AS (
    SELECT min({column}) FROM {table} WHERE {column} > ''
    UNION ALL
    SELECT (SELECT min({column}) FROM {table} WHERE {column} > found.value)
    FROM found WHERE found.value IS NOT NULL
) SELECT value FROM found WHERE value IS NOT NULL LIMIT %s"""


def distinct_values(column: str, limit: int) -> list[str]:
    """The least ``limit`` values of a text column of conversations, but the empty one.

    As many looks into the column's index as there are values.
    """
    connection = connections[Conversation.objects.db]
    quote = connection.ops.quote_name
    sql = _NEXT.format(column=quote(column), table=quote(Conversation._meta.db_table))
    with connection.cursor() as cursor:
        cursor.execute(sql, [limit])
        return [value for (value,) in cursor.fetchall()]
