"""A zip that is made while it is sent: nothing of it is kept but what is needed to end it.

A zip ends with a directory that names every file again. It grows with their number, so it waits in
a temporary file and not in memory. Sizes are told behind each file, and beyond 4 GiB in the form
of ZIP64 (PKWARE, "APPNOTE.TXT", 4.3.9 and 4.3.14).
"""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import IO, Protocol

from django.db.models import QuerySet
from zipstream import ZIP_DEFLATED, ZIP_STORED, ZipStream

from ..models import Conversation
from .files import ExportFile, Report, export_files
from .formats import Format
from .selection import Selection

# Measured on calls of recorded voices: 45 % are left at 78 MB/s; level 6 leaves as much, at 12 MB/s.
LEVEL = 1
# Pieces of a zip are as small as 30 bytes; each one sent is a message and a turn of the event loop.
PIECE_BYTES = 64 * 1024
DIRECTORY_IN_MEMORY_BYTES = 64 * 1024
# Each time is a transaction, and whoever talks waits until it ends.
NOTED_AT_ONCE = 500


def zipped(files: Iterable[ExportFile]) -> Generator[bytes, None, None]:
    """The zip of these files, in pieces of 64 kB and a little more."""
    with tempfile.SpooledTemporaryFile(DIRECTORY_IN_MEMORY_BYTES) as file:
        yield from in_pieces(_zipped(files, _Directory(file)))


def zip_of(
    conversations: QuerySet[Conversation],
    formats: frozenset[Format],
    on_step: Callable[[Report], None] = lambda _report: None,
    *,
    note: Callable[[Sequence[uuid.UUID]], None] = lambda _ids: None,
    with_review: bool = True,
) -> Generator[bytes, None, None]:
    """The zip of all these conversations. Asks the database for nothing before the first piece.

    ``on_step`` is called at the start and after each conversation; ``note`` with the ids of all of
    them, some at a time, before anything of them is read: if it raises, there is no export.
    ``with_review``: with what reviewers noted.
    """
    selection = Selection.of(conversations)
    for ids in selection.pages(NOTED_AT_ONCE):
        note(ids)
    report = Report(len(selection), formats, with_review)
    on_step(report)
    yield from zipped(export_files(selection, report, on_step))


def in_pieces(parts: Iterable[bytes], size: int = PIECE_BYTES) -> Generator[bytes, None, None]:
    """The same bytes in pieces of ``size`` or more, the last one perhaps shorter."""
    waiting = bytearray()
    for part in parts:
        waiting += part
        if len(waiting) >= size:
            yield bytes(waiting)
            waiting.clear()
    if waiting:
        yield bytes(waiting)


def _zipped(files: Iterable[ExportFile], directory: _Directory) -> Iterator[bytes]:
    archive = ZipStream(compress_type=ZIP_STORED)
    archive._filelist = directory
    for file in files:
        packing = (
            {} if file.is_compressed else {"compress_type": ZIP_DEFLATED, "compress_level": LEVEL}
        )
        archive.add(file.pieces, file.name, size=file.size, **packing)
        yield from archive.all_files()
    yield from archive.finalize()


class _Entry(Protocol):
    def _central_directory_header_data(self) -> bytes: ...


class _Directory:
    """Stands in for the list in which zipstream-ng keeps what the zip's directory will name."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def append(self, entry: _Entry) -> None:
        self._file.write(entry._central_directory_header_data())
        self._count += 1

    def __iter__(self) -> Iterator[_Records]:
        self._file.seek(0)
        while records := self._file.read(PIECE_BYTES):
            yield _Records(records)


@dataclass(frozen=True, slots=True)
class _Records:
    """A piece of the directory in the place of an entry: several, or part of one."""

    records: bytes

    def _central_directory_header_data(self) -> bytes:
        return self.records
