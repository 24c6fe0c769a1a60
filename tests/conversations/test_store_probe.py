"""Whether the store of the recordings is told fit from unfit."""

from __future__ import annotations

import os
import shutil

import pytest
from django.core.files.storage import FileSystemStorage, InMemoryStorage

from conversations import store_probe
from conversations.store_probe import StoreUnfit, probe_store


class Unreachable(InMemoryStorage):
    """A remote store that does not answer."""

    def exists(self, name: str) -> bool:
        raise ConnectionError(name)


def test_a_folder_that_is_or_can_be_made_is_fit(tmp_path):
    probe_store(FileSystemStorage(tmp_path))
    probe_store(FileSystemStorage(tmp_path / "media" / "later"))
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_place_of_the_folder_is_unfit(tmp_path):
    (tmp_path / "media").write_bytes(b"")
    with pytest.raises(StoreUnfit, match="cannot be written"):
        probe_store(FileSystemStorage(tmp_path / "media"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_to_is_unfit(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(StoreUnfit, match="cannot be written"):
        probe_store(FileSystemStorage(tmp_path))


def test_a_full_disk_is_unfit(tmp_path, monkeypatch):
    free = shutil.disk_usage(tmp_path).free
    monkeypatch.setattr(store_probe, "LEAST_FREE_BYTES", free * 2)
    with pytest.raises(StoreUnfit, match="full"):
        probe_store(FileSystemStorage(tmp_path))


def test_another_store_is_fit_when_it_answers():
    probe_store(InMemoryStorage())
    with pytest.raises(ConnectionError):
        probe_store(Unreachable())
