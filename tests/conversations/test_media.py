"""Where recorded sound lies."""

from __future__ import annotations

import stat
import uuid
from pathlib import Path

import pytest
from django.core.files.storage import InMemoryStorage
from django.db import transaction

from conversations import media
from conversations.spool import Spool, SpoolFile

CONVERSATION = uuid.UUID("ab000000-0000-4000-8000-000000000001")
SEGMENT = uuid.UUID("cd000000-0000-4000-8000-000000000002")


@pytest.fixture(autouse=True)
def media_root(settings, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path / "data" / "media"
    return settings.MEDIA_ROOT


@pytest.fixture
async def spooled(tmp_path: Path) -> SpoolFile:
    spool = Spool(tmp_path / "data" / "spool", "turn", "bot", 16_000)
    await spool.append(b"\1\2" * 8000)
    file = await spool.close()
    assert file is not None
    return file


def content_of(key: str) -> bytes:
    with media.storage().open(key) as file:
        return file.read()


def test_a_key_starts_with_one_of_256_folders():
    assert media.key_for(CONVERSATION, SEGMENT, "mp3") == f"ab/{CONVERSATION}/{SEGMENT}.mp3"


@pytest.mark.django_db(transaction=True)
def test_an_adopted_file_leaves_the_spool(spooled):
    content = spooled.path.read_bytes()

    key = media.adopt(spooled, CONVERSATION, SEGMENT)

    assert key == media.key_for(CONVERSATION, SEGMENT, "wav")
    assert content_of(key) == content
    assert not spooled.path.exists()


@pytest.mark.django_db(transaction=True)
def test_after_a_roll_back_it_can_be_adopted_again(spooled, media_root):
    content = spooled.path.read_bytes()
    with transaction.atomic():
        media.adopt(spooled, CONVERSATION, SEGMENT)
        transaction.set_rollback(True)

    with transaction.atomic():
        key = media.adopt(spooled, CONVERSATION, SEGMENT)
        assert spooled.path.exists()

    assert content_of(key) == content
    assert not spooled.path.exists()
    assert len([path for path in media_root.rglob("*") if path.is_file()]) == 1


@pytest.mark.django_db(transaction=True)
def test_a_store_that_is_no_disk_gets_a_copy(spooled, monkeypatch):
    store = InMemoryStorage()
    monkeypatch.setattr(media, "storage", lambda: store)
    content = spooled.path.read_bytes()

    key = media.adopt(spooled, CONVERSATION, SEGMENT)

    assert content_of(key) == content
    assert not spooled.path.exists()


@pytest.mark.django_db(transaction=True)
def test_nobody_else_on_the_machine_may_read_it(spooled, media_root):
    media.adopt(spooled, CONVERSATION, SEGMENT)

    modes = {stat.S_IMODE(path.stat().st_mode) for path in media_root.rglob("*") if path.is_dir()}
    assert modes == {0o700}
    assert stat.S_IMODE(media_root.stat().st_mode) == 0o700
    (file,) = media_root.rglob("*.wav")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.django_db(transaction=True)
def test_a_deleted_file_is_gone_and_can_be_deleted_again(spooled):
    key = media.adopt(spooled, CONVERSATION, SEGMENT)
    media.delete(key)
    assert not media.storage().exists(key)
    media.delete(key)


def test_a_spool_file_that_is_gone_cannot_be_adopted(tmp_path):
    gone = SpoolFile(tmp_path / "gone.bot-0.wav", "gone", "bot", 0, 16_000, 1, 46)
    with pytest.raises(FileNotFoundError):
        media.adopt(gone, CONVERSATION, SEGMENT)
