"""Ends of replies that the database did not take, kept until it does.

A database that is away does not cut an answer: it is finished, and how it ended waits here, bounded,
in memory and as a file of its own in the spool. It is tried every second, and before the next turn
of its conversation, so that turns keep their order. What a process leaves behind in files is written
by the next one with the same data directory. Writing twice does no harm: the recorder fences it by
the lease of the row.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path, PosixPath
from typing import Any

import msgspec

from conversations import recorder
from conversations.database import in_database
from conversations.live import LiveCall, NotYours, Recording
from conversations.stored import FinishedReply, StoredTurn

from .where import where

log = logging.getLogger(__name__)

RETRY_S = 1.0
# With the longest replies; past these the oldest is given up, of which the row keeps what was noted.
ENDS = 1_000
BYTES = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class End:
    """How a reply of a call ended, and its sound in the spool."""

    call: LiveCall
    reply: FinishedReply
    recordings: tuple[Recording, ...] = ()


class Unwritten:
    """``written`` is told of each end that is in the database at last."""

    def __init__(
        self, directory: Path, written: Callable[[End, tuple[StoredTurn, ...]], Awaitable[None]]
    ) -> None:
        self._directory = directory
        self._written = written
        # In the order of their ends; by the ids of their replies, with their size in bytes.
        self._ends: dict[str, tuple[End, int]] = {}
        self._writing = asyncio.Lock()
        self.lost = 0

    def __len__(self) -> int:
        return len(self._ends)

    @property
    def replies(self) -> list[str]:
        """The ids of the replies that wait."""
        return list(self._ends)

    async def add(self, end: End) -> None:
        """Keep an end until it is written."""
        encoded = _encode(end)
        self._ends[end.reply.id] = end, len(encoded)
        while len(self._ends) > ENDS or sum(size for _, size in self._ends.values()) > BYTES:
            oldest = next(iter(self._ends))
            log.error("reply %s: its end is given up, too many wait", oldest)
            self.lost += 1
            await self._forget(oldest)
        try:
            await asyncio.to_thread(_save, self._path(end.reply.id), encoded)
        except OSError as error:
            log.warning("reply %s: its end waits in memory only: %s", end.reply.id, error)

    async def work(self) -> None:
        """Write what waits as soon as the database takes it, until cancelled."""
        await self._load()
        while True:
            await self.settle()
            await asyncio.sleep(RETRY_S)

    async def settle(self, conversation: str | None = None) -> None:
        """Try what waits, all or that of one conversation; the first failure ends the try."""
        if not self._waiting(conversation):
            return  # nor for others that are being tried
        async with self._writing:
            for id, end in self._waiting(conversation):
                try:
                    turns = await in_database(
                        recorder.write_conversation_data_into_database,
                        end.call,
                        end.reply,
                        end.recordings,
                    )
                except NotYours:
                    turns = ()  # deleted meanwhile
                    for recording in end.recordings:
                        await asyncio.to_thread(recording.file.path.unlink, missing_ok=True)
                except Exception as error:
                    log.warning("reply %s: its end waits: %s", id, where(error))
                    return
                await self._forget(id)
                await self._written(end, turns)

    def _waiting(self, conversation: str | None) -> list[tuple[str, End]]:
        return [
            (id, end)
            for id, (end, _) in self._ends.items()
            if conversation in {None, end.call.conversation}
        ]

    async def _forget(self, reply: str) -> None:
        self._ends.pop(reply, None)
        # What stays behind is found by the next start, and written again without harm.
        with contextlib.suppress(OSError):
            await asyncio.to_thread(self._path(reply).unlink, missing_ok=True)

    async def _load(self) -> None:
        for path in await asyncio.to_thread(lambda: sorted(self._directory.glob("*.end.json"))):
            try:
                encoded = await asyncio.to_thread(path.read_bytes)
                end = msgspec.json.decode(encoded, type=End, dec_hook=_decode_path)
            except (OSError, msgspec.DecodeError) as error:
                log.error("%s cannot be read: %s", path.name, type(error).__name__)
            else:
                self._ends.setdefault(end.reply.id, (end, len(encoded)))

    def _path(self, reply: str) -> Path:
        return self._directory / f"{reply}.end.json"


def _encode(end: End) -> bytes:
    return msgspec.json.encode(end, enc_hook=str)


def _decode_path(kind: type, text: Any) -> Path:
    assert issubclass(kind, Path | PosixPath)
    return Path(text)


def _save(path: Path, encoded: bytes) -> None:
    """Whole or not at all."""
    draft = path.with_suffix(".draft")
    draft.write_bytes(encoded)
    draft.chmod(0o600)
    draft.replace(path)
