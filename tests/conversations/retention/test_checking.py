"""``manage.py check_sound``: files that no row names, rows whose file is not as they say."""

from __future__ import annotations

import json
import os
import signal
import uuid
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.models import Person
from conversations import media
from conversations.management.commands import check_sound as command
from conversations.models import AudioSegment
from conversations.retention import checking
from conversations.retention.checking import files, unnamed

from ..kept import keep_conversation, keep_turn

pytestmark = pytest.mark.django_db
NOW = ("--grace", "0")


@pytest.fixture(autouse=True)
def store(settings, tmp_path) -> Path:
    settings.MEDIA_ROOT = tmp_path / "media"
    return settings.MEDIA_ROOT


def kept_sound(content: bytes = b"RIFF sound") -> AudioSegment:
    """Where the recorder would put it."""
    turn = keep_turn(keep_conversation(Person.objects.create()))
    id = uuid.uuid4()
    key = media.storage().save(media.key_for(turn.conversation_id, id, "wav"), ContentFile(content))
    return AudioSegment.objects.create(
        id=id, turn=turn, track="person", start_ms=0, duration_ms=1, key=key, size=len(content)
    )


def orphan(name: str | None = None) -> str:
    key = name or media.key_for(uuid.uuid4(), uuid.uuid4(), "mp3")
    return str(media.storage().save(key, ContentFile(b"nobody's")))


def run(*arguments: str) -> tuple[int, list[str]]:
    """The exit status, and the lines on stdout."""
    out = StringIO()
    try:
        call_command("check_sound", *arguments, stdout=out, stderr=StringIO())
    except CommandError as error:
        return error.returncode, out.getvalue().splitlines()
    return 0, out.getvalue().splitlines()


def found(*arguments: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in run("--json", *arguments)[1]]


def test_where_all_is_right_it_says_so():
    for _ in range(3):
        kept_sound()
    assert run(*NOW) == (0, ["Sound: nothing is wrong."])


def test_an_empty_store_that_was_never_used_is_right():
    assert run(*NOW) == (0, ["Sound: nothing is wrong."])


def test_a_file_that_no_row_names_is_an_orphan_and_stays():
    kept_sound()
    key = orphan()
    assert run(*NOW) == (1, [f"orphan: '{key}'", "Sound: 1 orphan."])
    assert media.storage().exists(key)


def test_orphans_are_deleted_when_asked_for_with_their_empty_folder(store):
    stays = kept_sound()
    key = orphan()
    status, lines = run("--delete-orphans", *NOW)
    assert (status, lines) == (
        0,
        [f"orphan: '{key}', deleted", "Sound: 1 orphan; 1 of the orphans deleted."],
    )
    assert not (store / key).parent.exists()
    assert media.storage().exists(stays.key)
    assert run(*NOW)[0] == 0


@pytest.mark.parametrize("name", ["notes.txt", "ab/readme.md", "ab/c/d/e.wav", "ab/\x1b[31m.wav"])
def test_a_file_that_is_none_of_ours_is_told_and_never_deleted(name):
    orphan(name)
    status, lines = run("--delete-orphans", *NOW)
    assert status == 1
    assert lines[0].startswith("strange: ")
    assert "\x1b" not in lines[0]
    assert media.storage().exists(name)


def test_a_new_file_is_somebodys_who_is_about_to_name_it(store):
    key = orphan()
    # A spooled file that is linked in late has an old time of change.
    os.utime(store / key, (1, 1))
    assert run("--delete-orphans") == (0, ["Sound: nothing is wrong."])
    assert media.storage().exists(key)


def test_an_orphan_that_was_named_meanwhile_is_not_deleted():
    key = orphan()
    (finding,) = unnamed(files(), timezone.now())
    segment = kept_sound()
    AudioSegment.objects.filter(pk=segment.pk).update(key=key)
    assert finding is not None
    assert not checking.delete_orphan(finding)
    assert media.storage().exists(key)


def test_rows_without_their_file_are_told_with_their_ids():
    segment = kept_sound()
    Path(media.storage().path(segment.key)).unlink()
    (finding,) = found(*NOW)
    assert finding == {
        "what": "missing",
        "key": segment.key,
        "segment": str(segment.pk),
        "turn": str(segment.turn_id),
        "conversation": str(segment.turn.conversation_id),
        "size": None,
        "expected": 10,
        "deleted": False,
    }
    status, (line, summary) = run(*NOW)
    assert status == 1
    assert str(segment.turn.conversation_id) in line
    assert summary == "Sound: 1 missing."


def test_a_key_that_leads_out_of_the_store_is_told_and_the_next_row_is_looked_at():
    strange, lost = kept_sound(), kept_sound()
    AudioSegment.objects.filter(pk=strange.pk).update(key="../../etc/passwd")
    Path(media.storage().path(lost.key)).unlink()
    told = {(finding["what"], finding["segment"]) for finding in found(*NOW)}
    assert {("unreadable", str(strange.pk)), ("missing", str(lost.pk))} <= told


def test_a_file_of_another_size_is_told():
    segment = kept_sound()
    Path(media.storage().path(segment.key)).write_bytes(b"RIFF")
    status, lines = run(*NOW)
    assert status == 1
    assert lines[0].startswith(f"wrong size: '{segment.key}', 4 bytes instead of 10 (conversation ")


def test_a_row_that_changed_since_it_was_read_is_not_called_wrong():
    segment = kept_sound()
    media.delete(segment.key)
    small = orphan()
    AudioSegment.objects.update(key=small, size=8)
    assert checking.fault_of(segment) is None
    AudioSegment.objects.all().delete()
    assert checking.fault_of(segment) is None


def test_all_kinds_at_once_are_counted():
    orphan()
    orphan("strange.bin")
    kept_sound()
    media.delete(kept_sound().key)
    status, lines = run("--delete-orphans", *NOW)
    assert status == 1
    assert lines[-1] == "Sound: 1 strange, 1 orphan, 1 missing; 1 of the orphans deleted."


def test_memory_does_not_grow_with_the_store(monkeypatch, django_assert_num_queries):
    monkeypatch.setattr(checking, "AT_ONCE", 2)
    for _ in range(5):
        kept_sound()
    with django_assert_num_queries(3 + 4 + 1):
        assert run(*NOW)[0] == 0


def test_a_file_that_cannot_be_deleted_is_told_and_the_next_one_goes(monkeypatch):
    keys = sorted(orphan() for _ in range(2))
    really_delete = media.delete

    def delete(key: str) -> None:
        if key == keys[0]:
            raise PermissionError(13, "Permission denied", key)
        really_delete(key)

    monkeypatch.setattr(media, "delete", delete)
    status, lines = run("--delete-orphans", *NOW)
    assert status == 1
    assert lines[:2] == [f"orphan: '{keys[0]}'", f"orphan: '{keys[1]}', deleted"]


def test_a_store_that_cannot_be_read_is_another_status(monkeypatch):
    def listdir(self: FileSystemStorage, path: str) -> Any:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(FileSystemStorage, "listdir", listdir)
    assert run(*NOW)[0] == 2


def test_ctrl_c_stops_with_what_was_found(monkeypatch):
    for _ in range(3):
        orphan()

    def fault_and_press(segment: AudioSegment) -> None:
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(command, "fault_of", fault_and_press)
    for _ in range(2):
        kept_sound()
    status, lines = run(*NOW)
    assert (status, lines[-1]) == (130, "Sound: 3 orphan.")


@pytest.mark.parametrize("grace", ["-1", "soon", "", "1.5"])
def test_nonsense_is_refused(grace):
    with pytest.raises(CommandError, match="is no number of minutes"):
        call_command("check_sound", "--grace", grace)
