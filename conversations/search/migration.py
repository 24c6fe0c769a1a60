"""How a migration says what is searched."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

from .backends import index_of


class IndexTurns(Operation):
    """Search these columns of turns from now on; ``before`` are those that were searched till now.

    Fills the index anew from what is there. No columns: no index. To change the table of turns on
    SQLite, Django makes it anew, without its triggers; so a migration that does takes the index
    down first and puts it up at its end, which holds in reverse as well::

        IndexTurns((), before=("text",)),
        migrations.AddField("turn", "corrected_text", ...),
        IndexTurns(("text", "corrected_text")),

    ``search.SEARCHED`` names the same columns.
    """

    reversible = True

    def __init__(self, columns: Sequence[str], before: Sequence[str] = ()) -> None:
        self.columns = tuple(columns)
        self.before = tuple(before)

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Nothing that models know of changes."""

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        _index(schema_editor, self.columns)

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        _index(schema_editor, self.before)

    def describe(self) -> str:
        return f"Search turns by {', '.join(self.columns) or 'nothing'}"


def _index(schema_editor: BaseDatabaseSchemaEditor, columns: Sequence[str]) -> None:
    index = index_of(schema_editor.connection)
    index.remove(schema_editor)
    if columns:
        index.install(schema_editor, columns)
