"""``manage.py export_conversations``."""

from __future__ import annotations

import io
import json
import stat
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from accounts.models import Person, User
from conversations.export import directory
from conversations.models import AudioSegment, Conversation

from ..kept import keep_conversation, keep_turn
from .recorded import damage, folder, keep_two_calls, manifest

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann() -> Person:
    return Person.objects.create(user=User.objects.create_user("ann"))


@pytest.fixture
def conversation(ann) -> Conversation:
    return keep_two_calls(ann)


def run(out: Path, *arguments: object) -> str:
    told = io.StringIO()
    call_command("export_conversations", str(out), *map(str, arguments), stdout=told)
    return told.getvalue()


def failed(out: Path, *arguments: object) -> CommandError:
    with pytest.raises(CommandError) as failure:
        run(out, *arguments)
    return failure.value


def of(out: Path) -> set[str]:
    """The folders of the conversations in a zip."""
    names = zipfile.ZipFile(out).namelist()
    return {name.rpartition("conversation.json")[0] for name in names if name.endswith(".json")} - {
        ""
    }


def suffixes(out: Path) -> set[str]:
    return {Path(name).suffix for name in zipfile.ZipFile(out).namelist()} - {".json"}


def test_a_zip_holds_text_and_the_sound_of_calls(conversation, tmp_path):
    out = tmp_path / "all.zip"
    assert run(out) == f"1 conversation in {out}\n"
    archive = zipfile.ZipFile(out)
    assert archive.testzip() is None
    assert manifest(archive)["formats"] == ["csv", "json", "vtt", "wav"]
    assert set(tmp_path.iterdir()) == {out, tmp_path / "media"}
    assert stat.S_IMODE(out.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--no-sound"], {".csv", ".vtt"}),
        (["--format", "json"], set()),
        (["--format", "json", "--sound"], {".wav"}),
        (["--format", "csv", "--format", "vtt"], {".csv", ".vtt"}),
        (["--format", "segments", "--sound"], {".wav", ".mp3", ".opus"}),
        (["--format", "vtt", "--format", "wav", "--no-sound"], {".vtt"}),
    ],
)
def test_formats_are_chosen(conversation, tmp_path, arguments, expected):
    run(tmp_path / "some.zip", *arguments)
    assert suffixes(tmp_path / "some.zip") == expected


def test_conversations_are_chosen_by_time(ann, tmp_path):
    days = {}
    for day in (1, 10, 20):
        one = days[day] = keep_conversation(ann)
        one.created_at = datetime(2026, 5, day, 9, tzinfo=UTC)
        one.last_at = one.created_at + timedelta(hours=10)
        one.save()
    for arguments, expected in (
        (["--since", "2026-05-10"], {10, 20}),
        (["--until", "2026-05-10"], {1, 10}),
        (["--since", "2026-05-10T19:00", "--until", "2026-05-20T09:00"], {10}),
        (["--since", "2026-05-10T19:00:01Z"], {20}),
    ):
        run(tmp_path / "some.zip", *arguments, "--overwrite")
        assert of(tmp_path / "some.zip") == {folder(days[day]) for day in expected}


def test_conversations_are_chosen_by_person_and_id(conversation, ann, tmp_path):
    guest = Person.objects.create()
    hers, other = keep_conversation(guest), keep_conversation(ann)
    for arguments, expected in (
        (["--person", "ann"], {conversation, other}),
        (["--person", guest.pk], {hers}),
        (["--person", "ann", "--person", guest.pk], {conversation, other, hers}),
        (["--id", conversation.pk, "--id", hers.pk], {conversation, hers}),
    ):
        run(tmp_path / "some.zip", *arguments, "--overwrite", "--no-sound")
        assert of(tmp_path / "some.zip") == set(map(folder, expected))


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--id", "6f2c0a4e-7a51-4b64-8cf5-3b5de9f5ddbb"], "no such conversation: 6f2c0a4e"),
        (["--id", "nonsense"], "'nonsense' is not the id"),
        (["--person", "nobody"], "nobody called 'nobody'"),
        (["--since", "May"], "'May' is no date"),
        (["--until", "2026-13-01"], "'2026-13-01' is no date"),
        (["--since", "2099-01-01"], "No conversation is like that"),
        (["--format", "pdf"], "invalid choice: 'pdf'"),
        (["--format", "wav", "--no-sound"], "there is nothing in these formats"),
    ],
)
def test_what_cannot_be_exported_is_refused_with_a_reason(
    conversation, tmp_path, arguments, reason
):
    assert reason in str(failed(tmp_path / "some.zip", *arguments))
    assert not (tmp_path / "some.zip").exists()


def test_a_zip_that_is_there_is_not_replaced_unasked(conversation, tmp_path):
    out = tmp_path / "some.zip"
    out.write_text("precious")
    assert "is there already" in str(failed(out))
    assert out.read_text() == "precious"
    run(out, "--overwrite")
    assert zipfile.is_zipfile(out)


def test_a_place_that_cannot_be_written_is_told(conversation, tmp_path):
    assert "No such file or directory" in str(failed(tmp_path / "no" / "such" / "folder.zip"))
    (tmp_path / "folder.zip").mkdir()
    assert "is a directory" in str(failed(tmp_path / "folder.zip"))
    (tmp_path / "file").write_text("")
    assert "cannot be written" in str(failed(tmp_path / "file"))


@pytest.mark.parametrize("name", ["all.zip", "all"])
def test_missing_sound_is_told_and_has_an_exit_status_of_its_own(conversation, tmp_path, name):
    damage(AudioSegment.objects.filter(track="bot").get(), None)
    failure = failed(tmp_path / name)
    assert failure.returncode == 3
    assert "1 problem with sound" in str(failure)
    assert (tmp_path / name).exists()


def test_what_is_missing_is_told_as_well_by_the_run_that_goes_on(conversation, tmp_path):
    damage(AudioSegment.objects.filter(track="bot").get(), None)
    failed(tmp_path / "all")
    problems = json.loads((tmp_path / "all" / "manifest.json").read_bytes())["problems"]
    failure = failed(tmp_path / "all")
    assert failure.returncode == 3
    assert json.loads((tmp_path / "all" / "manifest.json").read_bytes())["problems"] == problems


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError(28, "No space left on device")])
def test_a_zip_that_breaks_off_leaves_nothing(conversation, tmp_path, monkeypatch, error):
    def broken(_files):
        yield b"PK"
        raise error

    monkeypatch.setattr("conversations.management.commands.export_conversations.zipped", broken)
    failure = failed(tmp_path / "all.zip")
    assert failure.returncode == (130 if error is KeyboardInterrupt else 1)
    assert [path.name for path in tmp_path.iterdir()] == ["media"]


def test_a_directory_holds_what_a_zip_holds(conversation, tmp_path):
    formats = [f"--format={format}" for format in ("json", "csv", "vtt", "wav", "segments")]
    run(tmp_path / "all", *formats)
    run(tmp_path / "all.zip", *formats)
    archive = zipfile.ZipFile(tmp_path / "all.zip")
    written = {
        str(path.relative_to(tmp_path / "all")): path.read_bytes()
        for path in (tmp_path / "all").rglob("*")
        if path.is_file()
    }
    assert set(written) == set(archive.namelist())
    for name, content in written.items():
        if name != "manifest.json":
            assert archive.read(name) == content, name


def test_a_directory_is_gone_on_with_where_it_stopped(ann, tmp_path, monkeypatch):
    conversations = sorted((keep_two_calls(ann) for _ in range(3)), key=lambda one: one.pk.bytes)
    out, written = tmp_path / "all", []
    files_of = directory.conversation_files

    def stopping(kept, report):
        written.append(kept.conversation.pk)
        for number, file in enumerate(files_of(kept, report)):
            if len(written) == 2 and number == 1:
                raise KeyboardInterrupt
            yield file

    monkeypatch.setattr(directory, "conversation_files", stopping)
    assert failed(out, "--no-sound").returncode == 130
    names = sorted(path.name for path in (out / "conversations").iterdir())
    assert names == [
        folder(conversations[0]).split("/")[1],
        folder(conversations[1]).split("/")[1] + ".unfinished",
    ]
    written[:] = [None, None, None]
    assert "3 conversations" in (told := run(out, "--no-sound"))
    assert "1 of them from before" in told
    assert written[3:] == [one.pk for one in conversations[1:]]
    assert sorted(path.name for path in (out / "conversations").iterdir()) == sorted(
        folder(one).split("/")[1] for one in conversations
    )
    assert json.loads((out / "manifest.json").read_text())["exported"] == 3


def test_a_directory_with_other_things_is_left_alone(conversation, tmp_path):
    out = tmp_path / "mine"
    out.mkdir()
    (out / "letter.txt").write_text("dear")
    assert "something else than an export" in str(failed(out))
    (out / "manifest.json").write_text("[1]")
    assert "something else than an export" in str(failed(out))
    assert sorted(path.name for path in out.iterdir()) == ["letter.txt", "manifest.json"]


def test_a_directory_in_other_formats_is_left_alone(conversation, tmp_path):
    run(tmp_path / "all", "--format", "json")
    failure = failed(tmp_path / "all", "--format", "vtt")
    assert "an export in other formats: json" in str(failure)


def test_help_says_how(capsys):
    with pytest.raises(SystemExit) as left:
        call_command("export_conversations", "--help")
    assert left.value.code == 0
    told = capsys.readouterr().out
    assert "export_conversations may.zip --since 2026-05-01" in told
    assert "Exit status" in told


def test_hostile_text_writes_nothing_outside(ann, tmp_path):
    conversation = keep_conversation(ann, "../../../evil")
    keep_turn(conversation, "../evil")
    run(tmp_path / "a" / "b", "--no-sound")
    assert not list(tmp_path.rglob("evil*"))
    assert {path.name for path in tmp_path.iterdir()} <= {"a", "media"}
