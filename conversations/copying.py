"""Copies recordings between the store and a directory: to back them up, bring them back, or move."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django.core.files.storage import FileSystemStorage, Storage

from . import media
from .retention.checking import files_in


@dataclass(frozen=True, slots=True)
class Copied:
    """``size`` in bytes; ``was_there``: the same file was there before."""

    key: str
    size: int
    was_there: bool


def directory(path: Path) -> FileSystemStorage:
    """A directory laid out as a store on disk is, for its owner's eyes."""
    return FileSystemStorage(
        location=path,
        directory_permissions_mode=media.DIRECTORY_MODE,
        file_permissions_mode=media.FILE_MODE,
    )


def copied(source: Storage, target: Storage) -> Iterator[Copied]:
    """Copy each file that ``target`` does not have, one after the other; nothing is deleted.

    A file is never written to again, so one of the same name and size is the same; one of another
    size was cut off, and is replaced. What goes from ``source`` meanwhile is left out. Raises OSError.
    """
    for key in files_in(source, ""):
        try:
            size = source.size(key)
            if _size(target, key) == size:
                yield Copied(key, size, was_there=True)
                continue
            with source.open(key, "rb") as file:
                target.delete(key)
                target.save(key, file)
        except FileNotFoundError:
            continue
        yield Copied(key, size, was_there=False)


def _size(store: Storage, key: str) -> int | None:
    try:
        return store.size(key)
    except FileNotFoundError:
        return None
