"""What is done with keys, counted in memory and written down every few seconds."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Final

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from accounts.models import ApiKey, ApiKeyUsage

log = logging.getLogger(__name__)

WRITE_S: Final = 2.0

InDatabase = Callable[..., Awaitable[None]]


@dataclass(slots=True)
class Counts:
    """As the fields of ``ApiKeyUsage``."""

    commands: int = 0
    characters: int = 0
    spoken_ms: int = 0
    heard_ms: int = 0
    refused: int = 0

    def add(self, **more: int) -> None:
        for name, count in more.items():
            setattr(self, name, getattr(self, name) + count)


_NAMES: Final = tuple(field.name for field in fields(Counts))


class Usage:
    """Of this process. ``in_database`` runs a function where it may block."""

    def __init__(self, in_database: InDatabase) -> None:
        self._in_database = in_database
        self._counts: dict[tuple[int, date], Counts] = {}
        self._used: dict[int, datetime] = {}
        self._writer: asyncio.Task[None] | None = None

    def count(self, key: int, **more: int) -> None:
        """Add to what the key has done today. Call it on the event loop."""
        now = timezone.now()
        self._used[key] = now
        self._counts.setdefault((key, now.date()), Counts()).add(**more)
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write_later(), name="usage")

    async def stop(self) -> None:
        """Write what is not written yet."""
        if self._writer is not None:
            self._writer.cancel()
            await asyncio.gather(self._writer, return_exceptions=True)
        await self._write()

    async def _write_later(self) -> None:
        while self._counts:
            await asyncio.sleep(WRITE_S)
            await self._write()

    async def _write(self) -> None:
        counts, self._counts = self._counts, {}
        used, self._used = self._used, {}
        if not counts:
            return
        try:
            await asyncio.shield(self._in_database(write, counts, used))
        except Exception as error:  # a database that is away for a moment
            log.error("the usage of API keys is written later: %s", type(error).__name__)
            for (key, day), lost in counts.items():
                now = self._counts.setdefault((key, day), Counts())
                now.add(**{name: getattr(lost, name) for name in _NAMES})
            self._used = {**used, **self._used}


def write(counts: Mapping[tuple[int, date], Counts], used: Mapping[int, datetime]) -> None:
    """Add counts to what the database has. Keys that are gone are passed over."""
    with transaction.atomic():
        there = set(ApiKey.objects.filter(pk__in=used).values_list("pk", flat=True))
        for (key, day), more in counts.items():
            if key not in there:
                continue
            row, _made = ApiKeyUsage.objects.get_or_create(key_id=key, day=day)
            ApiKeyUsage.objects.filter(pk=row.pk).update(
                **{name: F(name) + getattr(more, name) for name in _NAMES}
            )
        for key, at in used.items():
            ApiKey.objects.filter(pk=key).update(last_used_at=at)
