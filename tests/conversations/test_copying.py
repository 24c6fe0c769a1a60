"""``manage.py copy_sound``: out of the store and back, on a disk and in a bucket."""

from __future__ import annotations

import stat
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.management import CommandError, call_command

from conversations import media
from conversations.object_store import ObjectStore

from .bucket import recordings_in_a_bucket

KEYS = ["ab/0001/1.mp3", "ab/0001/2.wav", "cd/0002/1.mp3"]


@pytest.fixture(params=["disk", "bucket"])
def store(request: pytest.FixtureRequest, settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"
    if request.param == "bucket":
        recordings = recordings_in_a_bucket(request.getfixturevalue("object_store"))
        settings.STORAGES = settings.STORAGES | {"recordings": recordings}
        media.prepare()
    for key in KEYS:
        media.storage().save(key, ContentFile(key.encode()))


def copy(**way: Path) -> str:
    out = StringIO()
    [(name, path)] = way.items()
    call_command("copy_sound", f"--{name.strip('_')}", str(path), stdout=out)
    return out.getvalue()


@pytest.mark.usefixtures("store")
def test_all_of_it_comes_back(tmp_path: Path) -> None:
    backup = tmp_path / "backup"
    assert copy(to=backup).startswith("Copied 3 files")
    for key in KEYS:
        assert (backup / key).read_bytes() == key.encode()
        media.storage().delete(key)

    assert copy(from_=backup).startswith("Copied 3 files")
    for key in KEYS:
        with media.storage().open(key, "rb") as file:
            assert file.read() == key.encode()


@pytest.mark.usefixtures("store")
def test_only_what_is_new_or_was_cut_off_is_copied_again(tmp_path: Path) -> None:
    backup = tmp_path / "backup"
    copy(to=backup)
    media.storage().delete(KEYS[0])
    (backup / KEYS[1]).write_bytes(b"ab")
    media.storage().save("ef/0003/1.mp3", ContentFile(b"new"))

    told = copy(to=backup)

    assert told.startswith("Copied 2 files")
    assert "1 were there already" in told
    assert (backup / KEYS[0]).exists()
    assert (backup / KEYS[1]).read_bytes() == KEYS[1].encode()


@pytest.mark.usefixtures("store")
def test_a_backup_is_for_nobody_elses_eyes(tmp_path: Path) -> None:
    backup = tmp_path / "backup"
    copy(to=backup)
    assert stat.S_IMODE((backup / KEYS[0]).stat().st_mode) == media.FILE_MODE
    assert stat.S_IMODE((backup / KEYS[0]).parent.stat().st_mode) == media.DIRECTORY_MODE


def test_a_directory_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="is no directory"):
        copy(from_=tmp_path / "nowhere")


def test_a_store_that_is_not_there_is_told(
    object_store: str, settings: Any, tmp_path: Path
) -> None:
    recordings = recordings_in_a_bucket(object_store)
    settings.STORAGES = settings.STORAGES | {"recordings": recordings}
    assert isinstance(media.storage(), ObjectStore)
    (tmp_path / "a.mp3").write_bytes(b"sound")
    with pytest.raises(CommandError, match=r"After 0 files: the bucket .* is not there"):
        copy(from_=tmp_path)
