"""Whether recorded sound could be stored now, asked without storing any."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from django.core.files.storage import FileSystemStorage, Storage

# Below that a disk counts as full: minutes of sound, and no room for a database beside it.
LEAST_FREE_BYTES = 64 * 1024 * 1024
# No segment of a conversation has this key.
NOBODYS_KEY = "readyz"


class StoreUnfit(Exception):
    """It answers, but would take nothing."""


def probe_store(store: Storage) -> None:
    """Return if ``store`` is there. Raises ``StoreUnfit``, or what the store's client raises. Blocks."""
    if isinstance(store, FileSystemStorage):
        _probe_disk(Path(store.base_location))
    else:
        store.exists(NOBODYS_KEY)


def _probe_disk(location: Path) -> None:
    place = location
    while not place.exists():  # it is made when the first sound is stored
        place = place.parent
    if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
        raise StoreUnfit("The folder of the recordings cannot be written to.")
    if shutil.disk_usage(place).free < LEAST_FREE_BYTES:
        raise StoreUnfit("The disk is full.")
