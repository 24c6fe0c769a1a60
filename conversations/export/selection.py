"""Which conversations are exported: those that there were when it began."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Iterable, Iterator

from django.db.models import QuerySet

from ..models import Conversation

_ID_BYTES = 16


class Selection:
    """The ids of conversations, at 16 bytes each; in order, each once."""

    def __init__(self, ids: Iterable[uuid.UUID]) -> None:
        self._ids = b"".join(id.bytes for id, _ in itertools.groupby(ids))

    @classmethod
    def of(cls, conversations: QuerySet[Conversation]) -> Selection:
        """All that there are now, by one query. Whatever order they had is lost."""
        ids = conversations.order_by("pk").values_list("pk", flat=True)
        return cls(ids.iterator(chunk_size=2000))

    def __len__(self) -> int:
        return len(self._ids) // _ID_BYTES

    def pages(self, size: int) -> Iterator[list[uuid.UUID]]:
        """The ids, at most ``size`` at a time."""
        step = size * _ID_BYTES
        for start in range(0, len(self._ids), step):
            page = self._ids[start : start + step]
            yield [
                uuid.UUID(bytes=page[at : at + _ID_BYTES]) for at in range(0, len(page), _ID_BYTES)
            ]
