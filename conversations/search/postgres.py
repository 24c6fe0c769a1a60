"""The index in PostgreSQL: a table of stored vectors with a GIN index, kept by triggers.

Not a generated column of the turns themselves: a reply that streams is written every two seconds,
and each version of its row would carry a vector through every index. Beside them there is an entry
only once the turn has ended; and the entry's key is the order in which results are read.

The vectors are made by a function of our own (``words.py`` has its rule), not by ``to_tsvector``:
PostgreSQL's parser takes a sentence of Chinese for one word, ``ann@example.com`` for one too, and what
else it takes for a letter depends on the locale of the server.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.models import QuerySet

from conversations.models import Conversation

from .entries import Entry, chosen, entries
from .query import Phrase, Query
from .words import DIACRITICS, INDEXED_CHARS, SEPARATORS, UNSPACED, VOICED, WORD_CHARS

# Where the database's own locale is "C", it knows capitals of ASCII only. One of these is there on
# every platform that Django 5 supports; the first that is there is taken.
_COLLATIONS = ("und-x-icu", "pg_c_utf8", "C.utf8", "en_US.utf8", "en_US.UTF-8")

_FUNCTIONS = (
    """CREATE FUNCTION conversations_words(said text) RETURNS tsvector
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
        SELECT coalesce(string_agg(
            '''' || left(word, {word_chars}) || ''':' || place, ' ' ORDER BY place
        )::tsvector, '')
        FROM unnest(string_to_array(trim(regexp_replace(
            regexp_replace(
                replace(replace(lower(
                    regexp_replace(
                        normalize(left(said, {indexed_chars}), NFKD), '[{diacritics}]', '', 'g'
                    ) COLLATE "{collation}"
                ), 'ß', 'ss'), chr(962), chr(963)),
                '([{unspaced}][{voiced}]?)', ' \\1 ', 'g'
            ),
            '[{separators}]+', ' ', 'g'
        )), ' ')) WITH ORDINALITY AS said_in_order(word, place)
        WHERE word <> ''
    $$""",
    """CREATE FUNCTION conversations_keep_words() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'TRUNCATE' THEN
            TRUNCATE conversations_turnwords;
        ELSIF TG_OP = 'DELETE' THEN
            DELETE FROM conversations_turnwords WHERE turn_id = OLD.id;
        ELSE
            INSERT INTO conversations_turnwords (turn_id, conversation_id, words)
                VALUES (NEW.id, NEW.conversation_id, conversations_words({new}))
                ON CONFLICT (turn_id) DO UPDATE SET words = excluded.words;
        END IF;
        RETURN NULL;
    END $$""",
)
_TABLE = """CREATE TABLE conversations_turnwords (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    turn_id uuid NOT NULL UNIQUE,
    conversation_id uuid NOT NULL,
    words tsvector NOT NULL
)"""
_FILL = """INSERT INTO conversations_turnwords (turn_id, conversation_id, words)
    SELECT id, conversation_id, conversations_words({said}) FROM conversations_turn AS turn
    WHERE status <> 'streaming' AND {said} <> '' ORDER BY created_at, seq"""
_INDEX = (
    """CREATE INDEX conversations_turnwords_words ON conversations_turnwords USING gin (words)"""
)
_TRIGGERS = (
    """CREATE TRIGGER turnwords_said AFTER INSERT ON conversations_turn FOR EACH ROW
    WHEN (NEW.status <> 'streaming' AND {new} <> '')
    EXECUTE FUNCTION conversations_keep_words()""",
    """CREATE TRIGGER turnwords_corrected AFTER UPDATE OF status, {columns} ON conversations_turn
    FOR EACH ROW
    WHEN (NEW.status <> 'streaming' AND (OLD.status = 'streaming' OR {old} <> {new}))
    EXECUTE FUNCTION conversations_keep_words()""",
    """CREATE TRIGGER turnwords_deleted AFTER DELETE ON conversations_turn FOR EACH ROW
    EXECUTE FUNCTION conversations_keep_words()""",
    """CREATE TRIGGER turnwords_truncated AFTER TRUNCATE ON conversations_turn
    EXECUTE FUNCTION conversations_keep_words()""",
)
_REMOVE = (
    "DROP FUNCTION IF EXISTS conversations_keep_words CASCADE",
    "DROP FUNCTION IF EXISTS conversations_words CASCADE",
    "DROP TABLE IF EXISTS conversations_turnwords",
)
# GIN knows no order: of a common word it gives all entries, to be sorted. So the newest are read
# first, backwards by their key, and only if they do not fill the page, GIN is asked for the rest: the
# word is rare then. (Left to choose, the planner reads all entries backwards for a phrase whose words
# are common and never meet.)
_NEWEST = 20_000
_FIND_IN_NEWEST = """SELECT entry.id, entry.turn_id, entry.conversation_id
FROM (
    SELECT * FROM conversations_turnwords WHERE id < %s AND id >= %s ORDER BY id DESC OFFSET 0
) AS entry
WHERE entry.words @@ %s::tsquery AND {chosen} ORDER BY entry.id DESC LIMIT %s"""
# By an expression, so that the key's own order is of no use.
_FIND_IN_REST = """SELECT entry.id, entry.turn_id, entry.conversation_id
FROM conversations_turnwords AS entry
WHERE entry.words @@ %s::tsquery AND entry.id < %s AND {chosen}
ORDER BY entry.id + 0 DESC LIMIT %s"""


def prepare(connection: BaseDatabaseWrapper) -> None:
    """Nothing: PostgreSQL has its function in the database."""


def install(schema_editor: BaseDatabaseSchemaEditor, columns: Sequence[str]) -> None:
    """Index these columns of turns, from now on and what is there."""
    names = {
        "said": _joined("turn", columns),
        "old": _joined("OLD", columns),
        "new": _joined("NEW", columns),
        "columns": ", ".join(columns),
        "collation": _collation(schema_editor.connection),
        "word_chars": WORD_CHARS,
        "indexed_chars": INDEXED_CHARS,
        "diacritics": DIACRITICS,
        "unspaced": UNSPACED,
        "voiced": VOICED,
        "separators": SEPARATORS,
    }
    # A million turns take longer than a statement may, otherwise.
    schema_editor.execute("SET LOCAL statement_timeout = 0")
    for statement in (*_FUNCTIONS, _TABLE, _FILL, _INDEX, *_TRIGGERS):
        schema_editor.execute(statement.format(**names), params=None)


def remove(schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Take the index away, if there is one."""
    for statement in _REMOVE:
        schema_editor.execute(statement, params=None)


def find(
    connection: BaseDatabaseWrapper,
    query: Query,
    *,
    conversations: QuerySet[Conversation] | None,
    before: int | None,
    limit: int,
) -> list[Entry]:
    """The newest matching entries, of those older than the entry ``before``."""
    condition, chosen_by = chosen(conversations, connection)
    expression = _expression(query)
    end = _end(connection) if before is None else before
    begin = end - _NEWEST
    found = entries(
        connection,
        _FIND_IN_NEWEST.format(chosen=condition),
        [end, begin, expression, *chosen_by, limit],
    )
    if len(found) < limit:
        found += entries(
            connection,
            _FIND_IN_REST.format(chosen=condition),
            [expression, begin, *chosen_by, limit - len(found)],
        )
    return found


def _end(connection: BaseDatabaseWrapper) -> int:
    """Behind the newest entry."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(max(id), 0) + 1 FROM conversations_turnwords")
        row = cursor.fetchone()
    return int(row[0]) if row else 0


def forget_deleted(connection: BaseDatabaseWrapper) -> None:
    """Drop from the index the words of entries that are deleted. Not inside a transaction.

    GIN keeps a word that no entry has any more: the index is built again, while it goes on being
    read and written. What is free in a file is overwritten when PostgreSQL uses it again.
    """
    with connection.cursor() as cursor:
        # A million entries take longer than a statement may, otherwise.
        cursor.execute("SET statement_timeout = 0")
        try:
            cursor.execute("VACUUM conversations_turnwords")
            cursor.execute("REINDEX INDEX CONCURRENTLY conversations_turnwords_words")
        finally:
            cursor.execute("RESET statement_timeout")


def _collation(connection: BaseDatabaseWrapper) -> str:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT collname FROM pg_collation WHERE collencoding IN (-1, pg_char_to_encoding('UTF8'))"
        )
        known = {name for (name,) in cursor.fetchall()}
    return next((name for name in _COLLATIONS if name in known), "default")


def _joined(row: str, columns: Sequence[str]) -> str:
    return " || chr(10) || ".join(f"coalesce({row}.{column}, '')" for column in columns)


def _expression(query: Query) -> str:
    """As the text of a tsquery (PostgreSQL, 8.11.2). A word holds no quotation mark."""
    wanted = [*map(_phrase, query.wanted), *(f"!({_phrase(phrase)})" for phrase in query.unwanted)]
    return " & ".join(wanted)


def _phrase(phrase: Phrase) -> str:
    words = " <-> ".join(f"'{word}'" for word in phrase.words)
    return f"({words}:*)" if phrase.is_beginning else f"({words})"
