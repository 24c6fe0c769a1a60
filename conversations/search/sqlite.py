"""The index in SQLite: a table of words, and FTS5 over it.

Triggers of the table of turns keep the words, triggers of the words keep FTS5, which holds no text
of its own (external content). The words are in a table with an integer key because that of turns
has none: what FTS5 would refer to there may change with every VACUUM.

The triggers call ``voicechat_words``, which every connection of Django gets (``backends.py``). Whoever
writes turns by other means is refused (*no such function*), not forgotten; reading needs nothing.

FTS5 marks what is deleted, and drops it when it merges. From SQLite 3.42 on it is told to drop it at
once (``secure-delete``); with older ones ``forget_deleted`` does it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.models import QuerySet

from conversations.models import Conversation

from .entries import Entry, chosen, entries
from .query import Phrase, Query
from .words import indexed_words

_SECURE_DELETE = sqlite3.sqlite_version_info >= (3, 42)

# Words are split at blanks and made of ASCII letters, digits and what is not ASCII: just what the
# tokenizer "ascii" keeps together. Nothing is ranked: no sizes. Beginnings of three letters, which
# have the most words, have an index of their own.
_TABLES = (
    """CREATE TABLE conversations_turnwords (
        id integer PRIMARY KEY,
        turn_id char(32) NOT NULL UNIQUE,
        conversation_id char(32) NOT NULL,
        words text NOT NULL
    )""",
    """CREATE VIRTUAL TABLE conversations_turnwords_fts USING fts5(
        words, content='conversations_turnwords', content_rowid='id', tokenize='ascii',
        columnsize=0, prefix='3'
    )""",
)
_FILL = (
    """INSERT INTO conversations_turnwords (turn_id, conversation_id, words)
        SELECT id, conversation_id, voicechat_words({said}) FROM conversations_turn AS turn
        WHERE status <> 'streaming' AND {said} <> '' ORDER BY created_at, seq""",
    "INSERT INTO conversations_turnwords_fts (conversations_turnwords_fts) VALUES ('rebuild')",
)
_TRIGGERS = (
    """CREATE TRIGGER turnwords_added AFTER INSERT ON conversations_turnwords BEGIN
        INSERT INTO conversations_turnwords_fts (rowid, words) VALUES (NEW.id, NEW.words);
    END""",
    """CREATE TRIGGER turnwords_gone AFTER DELETE ON conversations_turnwords BEGIN
        INSERT INTO conversations_turnwords_fts (conversations_turnwords_fts, rowid, words) VALUES ('delete', OLD.id, OLD.words);
    END""",
    """CREATE TRIGGER turnwords_changed AFTER UPDATE ON conversations_turnwords BEGIN
        INSERT INTO conversations_turnwords_fts (conversations_turnwords_fts, rowid, words) VALUES ('delete', OLD.id, OLD.words);
        INSERT INTO conversations_turnwords_fts (rowid, words) VALUES (NEW.id, NEW.words);
    END""",
    # A reply that streams is written every two seconds: it is searched once it has ended.
    """CREATE TRIGGER turnwords_said AFTER INSERT ON conversations_turn
    WHEN NEW.status <> 'streaming' AND {new} <> '' BEGIN
        INSERT INTO conversations_turnwords (turn_id, conversation_id, words)
            VALUES (NEW.id, NEW.conversation_id, voicechat_words({new}));
    END""",
    """CREATE TRIGGER turnwords_corrected AFTER UPDATE OF status, {columns} ON conversations_turn
    WHEN NEW.status <> 'streaming' AND (OLD.status = 'streaming' OR {old} <> {new}) BEGIN
        INSERT INTO conversations_turnwords (turn_id, conversation_id, words)
            VALUES (NEW.id, NEW.conversation_id, voicechat_words({new}))
            ON CONFLICT (turn_id) DO UPDATE SET words = excluded.words;
    END""",
    """CREATE TRIGGER turnwords_deleted AFTER DELETE ON conversations_turn BEGIN
        DELETE FROM conversations_turnwords WHERE turn_id = OLD.id;
    END""",
)
_REMOVE = (
    "DROP TRIGGER IF EXISTS turnwords_said",
    "DROP TRIGGER IF EXISTS turnwords_corrected",
    "DROP TRIGGER IF EXISTS turnwords_deleted",
    "DROP TABLE IF EXISTS conversations_turnwords_fts",
    "DROP TABLE IF EXISTS conversations_turnwords",
)
_DELETE_SECURELY = "INSERT INTO conversations_turnwords_fts (conversations_turnwords_fts, rank) VALUES ('secure-delete', 1)"
# At most 64 pages; negative: all segments are merged into one in the end, as "optimize" does at once.
_MERGE_SOME = "INSERT INTO conversations_turnwords_fts (conversations_turnwords_fts, rank) VALUES ('merge', -64)"
# By FTS5's own key, which it walks backwards; by that of the entries, SQLite would sort them all.
_FIND = """SELECT entry.id, entry.turn_id, entry.conversation_id
FROM conversations_turnwords_fts AS words
CROSS JOIN conversations_turnwords AS entry ON entry.id = words.rowid
WHERE conversations_turnwords_fts MATCH %s AND words.rowid < %s AND {chosen}
ORDER BY words.rowid DESC LIMIT %s"""
_END = 2**63 - 1


def prepare(connection: BaseDatabaseWrapper) -> None:
    """Give a connection the function that the triggers call."""
    connection.connection.create_function("voicechat_words", 1, indexed_words, deterministic=True)


def install(schema_editor: BaseDatabaseSchemaEditor, columns: Sequence[str]) -> None:
    """Index these columns of turns, from now on and what is there."""
    names = {
        "said": _joined("turn", columns),
        "old": _joined("OLD", columns),
        "new": _joined("NEW", columns),
        "columns": ", ".join(columns),
    }
    for statement in (*_TABLES, *_FILL, *_TRIGGERS):
        schema_editor.execute(statement.format(**names), params=None)
    if _SECURE_DELETE:
        schema_editor.execute(_DELETE_SECURELY, params=None)


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
    return entries(
        connection,
        _FIND.format(chosen=condition),
        [_expression(query), _END if before is None else before, *chosen_by, limit],
    )


def forget_deleted(connection: BaseDatabaseWrapper) -> None:
    """Drop from FTS5's pages the words of entries that are deleted.

    What SQLite frees in the file is overwritten only if it is built so, or ``PRAGMA secure_delete``
    says so on this connection.
    """
    while forget_some(connection):
        pass


def forget_some(connection: BaseDatabaseWrapper) -> bool:
    """One step of ``forget_deleted``, of some milliseconds; whether there is more to do.

    Merging all of it is also right with a newer SQLite, if an older one made the index.
    """
    with connection.cursor() as cursor:
        if _SECURE_DELETE:
            cursor.execute(_DELETE_SECURELY)
        before = connection.connection.total_changes
        cursor.execute(_MERGE_SOME)
        # "If the difference is less than 2, the command was a no-op" (sqlite.org/fts5.html, 6.8).
        return bool(connection.connection.total_changes - before >= 2)


def _joined(row: str, columns: Sequence[str]) -> str:
    return " || char(10) || ".join(f"coalesce({row}.{column}, '')" for column in columns)


def _expression(query: Query) -> str:
    """In FTS5's own language (sqlite.org/fts5.html, 3). A word holds no quotation mark."""
    wanted = " AND ".join(map(_phrase, query.wanted))
    if not query.unwanted:
        return wanted
    return f"({wanted}) NOT ({' OR '.join(map(_phrase, query.unwanted))})"


def _phrase(phrase: Phrase) -> str:
    return f'"{" ".join(phrase.words)}"' + (" *" if phrase.is_beginning else "")
