"""Where recorded sound lies: under which key, and how it gets in and out. Keys are never addresses."""

from __future__ import annotations

import contextlib
import uuid
from pathlib import Path

from django.core.files.base import File
from django.core.files.storage import FileSystemStorage, Storage, storages
from django.db import transaction

from .object_store import ObjectStore
from .spool import SpoolFile

# Nobody but the server's own user reads what people said.
DIRECTORY_MODE = 0o700
FILE_MODE = 0o600


def storage() -> Storage:
    """The store of all recorded sound."""
    return storages["recordings"]


def is_elsewhere() -> bool:
    """Whether the store is asked over a network, which takes time and may fail for a while."""
    return isinstance(storage(), ObjectStore)


def prepare() -> None:
    """Make what the store needs before anything is in it. Raises OSError."""
    store = storage()
    if isinstance(store, ObjectStore):
        store.prepare()


def key_for(conversation_id: uuid.UUID, segment_id: uuid.UUID, extension: str) -> str:
    """The key of a segment's file; the first folder is one of 256, so that none grows too large."""
    return f"{conversation_id.hex[:2]}/{conversation_id}/{segment_id}.{extension}"


def adopt(file: SpoolFile, conversation_id: uuid.UUID, segment_id: uuid.UUID) -> str:
    """Take a spooled WAV into the store; returns its key. Raises OSError.

    It leaves the spool when the transaction that names the key is committed; after a roll-back it
    can be adopted again.
    """
    key = key_for(conversation_id, segment_id, "wav")
    store = storage()
    if not _link(file.path, store, key):
        store.delete(key)  # of a transaction that was rolled back
        with file.path.open("rb") as sound:
            key = store.save(key, File(sound))
    leave_spool(file)
    return key


def upload(file: SpoolFile, conversation_id: uuid.UUID, segment_id: uuid.UUID) -> str:
    """Put a spooled WAV into a store elsewhere; returns its key. Again is as good as once.

    It stays in the spool. Raises OSError.
    """
    key = key_for(conversation_id, segment_id, "wav")
    with file.path.open("rb") as sound:
        return storage().save(key, File(sound))


def leave_spool(file: SpoolFile) -> None:
    """Remove a spooled file when the transaction is committed."""

    def leave() -> None:
        file.path.unlink(missing_ok=True)

    transaction.on_commit(leave, robust=True)


def delete(key: str) -> None:
    """Delete the file of this key; that it is missing is fine. Raises OSError.

    With its last file a conversation's folder goes too: its name is the conversation's id.
    """
    store = storage()
    store.delete(key)
    if isinstance(store, FileSystemStorage) and key.count("/") == 2:
        with contextlib.suppress(OSError):  # not empty, mostly
            Path(store.path(key)).parent.rmdir()


def _link(spooled: Path, store: Storage, key: str) -> bool:
    """Give the file a second name in a store on the same disk; False where that cannot be."""
    if not isinstance(store, FileSystemStorage):
        return False
    kept = Path(store.path(key))
    try:
        try:
            kept.hardlink_to(spooled)
        except FileNotFoundError:
            for folder in (kept.parents[2], kept.parents[1], kept.parents[0]):
                folder.mkdir(DIRECTORY_MODE, parents=True, exist_ok=True)
            kept.hardlink_to(spooled)
    except FileExistsError:
        return kept.samefile(spooled)  # linked before, in a transaction that was rolled back
    except OSError:
        return False
    return True
