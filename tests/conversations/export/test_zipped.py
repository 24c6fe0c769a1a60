"""A zip of conversations, read again, compared with what was kept."""

from __future__ import annotations

import csv
import io
import itertools
import json
import logging
import subprocess
import tracemalloc
import uuid
import zipfile
from datetime import timedelta

import numpy as np
import pytest
import webvtt
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Person, User
from conversations import media
from conversations.deletion import delete_conversations
from conversations.export import files, reading, zipped
from conversations.export.files import ExportFile, Report
from conversations.export.formats import TEXT, Format
from conversations.export.reading import kept_conversation
from conversations.export.selection import Selection
from conversations.models import AudioSegment, Conversation, Turn
from tests.speech.recordings import cards, voiced

from ..kept import keep_call, keep_conversation, keep_sound, keep_turn
from .recorded import (
    EVERYTHING,
    damage,
    exported,
    folder,
    keep_recording,
    keep_two_calls,
    manifest,
    stereo,
)
from .values import HOSTILE

pytestmark = pytest.mark.django_db


@pytest.fixture
def person() -> Person:
    return Person.objects.create(user=User.objects.create_user("ann"))


def read_csv(archive: zipfile.ZipFile):
    text = archive.read("turns.csv").decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


def test_a_zip_holds_every_format_of_every_conversation(person):
    first, second = keep_two_calls(person), keep_two_calls(person)
    archive = exported()
    assert sorted(archive.namelist()) == sorted(
        [
            "manifest.json",
            "turns.csv",
            *(
                folder(conversation) + name
                for conversation in (first, second)
                for name in (
                    "conversation.json", "call-1.vtt", "call-1.wav", "call-2.vtt", "call-2.wav",
                    "sound/000000-person-1.wav", "sound/000001-bot-1.mp3",
                    "sound/000002-person-1.opus",
                )
            ),
        ]
    )  # fmt: skip
    account = manifest(archive)
    account.pop("made_at")
    assert account == {
        "schema": "voicechat.export/1", "formats": ["csv", "json", "segments", "vtt", "wav"],
        "selected": 2, "exported": 2, "gone": 0, "problems": [], "unlisted_problems": 0,
    }  # fmt: skip


def test_all_formats_say_what_was_said(person):
    conversation = keep_two_calls(person)
    said = [turn.text for turn in conversation.turns.order_by("seq")]
    archive = exported()
    document = json.loads(archive.read(folder(conversation) + "conversation.json"))
    assert [turn["text"] for turn in document["turns"]] == said
    assert [row["text"] for row in read_csv(archive)] == said
    captions = [
        cue.text
        for number in (1, 2)
        for cue in webvtt.from_string(
            archive.read(f"{folder(conversation)}call-{number}.vtt").decode()
        )
    ]
    assert captions == said


def test_every_file_that_the_json_names_is_in_the_zip(person):
    conversation = keep_two_calls(person)
    archive = exported()
    document = json.loads(archive.read(folder(conversation) + "conversation.json"))
    for call in document["calls"]:
        archive.getinfo(folder(conversation) + call["wav"])
        archive.getinfo(folder(conversation) + call["webvtt"])
    rows = {str(segment.pk): segment for segment in AudioSegment.objects.all()}
    for turn in document["turns"]:
        for segment in turn["segments"]:
            with media.storage().open(rows[segment["id"]].key) as kept:
                assert archive.read(folder(conversation) + segment["file"]) == kept.read()


def test_a_call_is_heard_with_the_person_left_and_the_bot_right(person):
    conversation = keep_two_calls(person)
    frames = stereo(exported().read(folder(conversation) + "call-1.wav"))
    question, answer = cards()[0].pcm(24_000), cards()[1].pcm(24_000)
    assert len(frames) == 4 * 24_000 + len(answer) // 2 // 24 * 24  # whole milliseconds are kept
    left, right = frames[:, 0], frames[:, 1]
    assert not left[:24_000].any()
    assert not right[: 4 * 24_000 - 1].any()
    heard = left[24_000 : 24_000 + len(question) // 2].astype(float)
    original = np.frombuffer(question, "<i2").astype(float)[: len(heard)]
    assert np.corrcoef(heard, original)[0, 1] > 0.99
    begin, end = voiced(right[4 * 24_000 :].tobytes(), 24_000)
    assert np.allclose((begin, end), voiced(answer, 24_000), atol=60)


def test_only_the_chosen_formats_are_there(person):
    conversation = keep_two_calls(person)
    assert exported(formats=frozenset({Format.CSV})).namelist() == ["turns.csv", "manifest.json"]
    archive = exported(formats=frozenset({Format.JSON}))
    assert archive.namelist() == [folder(conversation) + "conversation.json", "manifest.json"]
    document = json.loads(archive.read(folder(conversation) + "conversation.json"))
    assert [call["wav"] for call in document["calls"]] == [None, None]
    assert {sound["file"] for turn in document["turns"] for sound in turn["segments"]} == {None}


def test_only_the_chosen_conversations_are_there(person):
    mine, _other = keep_two_calls(person), keep_two_calls(Person.objects.create())
    archive = exported(Conversation.objects.filter(person=person), frozenset({Format.JSON}))
    assert archive.namelist() == [folder(mine) + "conversation.json", "manifest.json"]


def test_nothing_chosen_is_an_empty_export(person):
    archive = exported(Conversation.objects.none())
    assert archive.namelist() == ["turns.csv", "manifest.json"]
    assert read_csv(archive) == []


def test_nothing_that_was_said_gets_into_a_name(person):
    conversation = keep_conversation(person, "../../etc/passwd\u202e" + HOSTILE[:60])
    keep_sound(keep_turn(conversation, HOSTILE), b"x", "../w\u202e")
    for name in exported().namelist():
        assert name.isascii()
        assert name.isprintable()
        assert ".." not in name
        assert not name.startswith("/")


def test_names_are_unique_even_of_conversations_with_one_title_at_one_time(person):
    for _ in range(5):
        keep_two_calls(person, "Same")
    names = exported().namelist()
    assert len(names) == len(set(names))


def test_unzip_of_the_system_reads_it_too(person, tmp_path):
    keep_two_calls(person)
    path = tmp_path / "export.zip"
    path.write_bytes(b"".join(zipped.zip_of(Conversation.objects.all(), EVERYTHING)))
    subprocess.run(["unzip", "-tq", path], check=True, capture_output=True)


def test_a_missing_file_is_silence_and_a_note(person, caplog):
    conversation = keep_two_calls(person)
    asked = conversation.turns.get(seq=0)
    segment = asked.segments.get()
    damage(segment, None)
    archive = exported()
    frames = stereo(archive.read(folder(conversation) + "call-1.wav"))
    assert not frames[:, 0].any()
    assert frames[:, 1].any()
    assert folder(conversation) + "sound/000000-person-1.wav" not in archive.namelist()
    expected = {
        "what": "the file is missing",
        "conversation": str(conversation.pk),
        "call": str(asked.call_id),
        "turn": str(asked.pk),
        "segment": str(segment.pk),
    }
    assert manifest(archive)["problems"] == [expected, expected]  # in the WAV, and as it is


@pytest.mark.parametrize("content", [b"", b"RIFF", b"no sound at all" * 100])
def test_a_damaged_file_is_silence_and_a_note_and_exported_as_it_is(person, content):
    conversation = keep_two_calls(person)
    damage(conversation.turns.get(seq=0).segments.get(), content)
    archive = exported()
    assert not stereo(archive.read(folder(conversation) + "call-1.wav"))[:, 0].any()
    assert archive.read(folder(conversation) + "sound/000000-person-1.wav") == content
    assert [problem["what"] for problem in manifest(archive)["problems"]] == [
        "the file is damaged or cannot be read"
    ]


def test_a_file_that_breaks_off_is_heard_up_to_there(person):
    conversation = keep_two_calls(person)
    segment = conversation.turns.get(seq=1).segments.get()
    with media.storage().open(segment.key) as file:
        content = file.read()
    damage(segment, content[: len(content) // 2])
    right = stereo(exported().read(folder(conversation) + "call-1.wav"))[4 * 24_000 :, 1]
    half = len(right) // 2
    assert right[: half - 4800].any()
    assert not right[half + 4800 :].any()


def test_a_store_that_fails_in_its_own_way_breaks_nothing(person, monkeypatch, caplog):
    conversation = keep_two_calls(person)

    class StoreError(Exception):
        pass

    def fail(*_args):
        raise StoreError("secret of the store")

    monkeypatch.setattr(media.storage(), "open", fail)
    archive = exported()
    assert not stereo(archive.read(folder(conversation) + "call-1.wav")).any()
    assert len(manifest(archive)["problems"]) == 6
    assert "StoreError" in caplog.text
    assert "secret" not in caplog.text


def test_no_more_problems_are_listed_than_can_be_read(person, monkeypatch):
    monkeypatch.setattr(files, "MOST_PROBLEMS", 2)
    conversation = keep_two_calls(person)
    for segment in AudioSegment.objects.all():
        damage(segment, None)
    account = manifest(exported(formats=frozenset({Format.WAV})))
    assert (len(account["problems"]), account["unlisted_problems"]) == (2, 1)
    assert folder(conversation)


def test_a_call_too_long_for_a_wav_is_left_out_and_noted(person):
    conversation = keep_two_calls(person)
    AudioSegment.objects.filter(track="bot").update(start_ms=13 * 3_600_000)
    archive = exported()
    assert folder(conversation) + "call-1.wav" not in archive.namelist()
    document = json.loads(archive.read(folder(conversation) + "conversation.json"))
    assert [call["wav"] for call in document["calls"]] == [None, "call-2.wav"]
    assert "13.0 hours is too long" in manifest(archive)["problems"][0]["what"]


def test_turns_whose_call_is_gone_are_a_call_of_their_own(person):
    conversation = keep_two_calls(person)
    conversation.calls.order_by("started_at")[0].delete()
    archive = exported()
    cues = list(webvtt.from_string(archive.read(folder(conversation) + "call-0.vtt").decode()))
    assert len(cues) == 2
    assert stereo(archive.read(folder(conversation) + "call-0.wav")).any()


def test_a_conversation_deleted_meanwhile_is_counted_as_gone(person, monkeypatch):
    first, second = sorted((keep_two_calls(person) for _ in range(2)), key=lambda one: one.pk.bytes)
    monkeypatch.setattr(reading, "CONVERSATIONS_AT_ONCE", 1)

    def delete_second(report: Report) -> None:
        if report.exported == 1:
            delete_conversations(Conversation.objects.filter(pk=second.pk))

    archive = exported(formats=frozenset({Format.JSON, Format.WAV}), on_step=delete_second)
    assert {name.split("/")[1] for name in archive.namelist() if "/" in name} == {
        folder(first).split("/")[1]
    }
    account = manifest(archive)
    assert (account["selected"], account["exported"], account["gone"]) == (2, 1, 1)


def test_sound_deleted_meanwhile_is_silence(person, django_capture_on_commit_callbacks):
    conversation = keep_two_calls(person)
    kept = kept_conversation(conversation.pk)
    with django_capture_on_commit_callbacks(execute=True):
        delete_conversations(Conversation.objects.all())
    report = Report(1, EVERYTHING)
    written = {file.name: b"".join(file.pieces) for file in files.conversation_files(kept, report)}
    assert not stereo(written["call-1.wav"]).any()
    assert len(report.problems) == 6


def test_a_turn_that_is_being_answered_is_exported_as_it_stands(person):
    conversation = keep_conversation(person)
    keep_turn(conversation, "Hello")
    keep_turn(conversation, "", status=Turn.Status.STREAMING)
    archive = exported(formats=TEXT)
    document = json.loads(archive.read(folder(conversation) + "conversation.json"))
    assert [turn["status"] for turn in document["turns"]] == ["done", "streaming"]
    assert [row["status"] for row in read_csv(archive)] == ["done", "streaming"]


def test_a_long_conversation_is_read_in_pages_and_nothing_is_lost(person, monkeypatch):
    conversation = keep_two_calls(person)
    for number in range(30):
        keep_turn(conversation, f"More {number}", call=conversation.calls.first())
    whole = {name: exported().read(name) for name in exported().namelist()}
    monkeypatch.setattr(reading, "TURNS_AT_ONCE", 4)
    paged = exported()
    assert paged.namelist() == list(whole)
    for name in paged.namelist():
        if name != "manifest.json":
            assert paged.read(name) == whole[name], name


def test_steps_are_told_up_to_the_last(person):
    for _ in range(3):
        keep_two_calls(person)
    told = []
    exported(formats=TEXT, on_step=lambda report: told.append((report.steps, report.all_steps)))
    assert told == [(steps, 6) for steps in range(7)]


def keep_many(person: Person, count: int) -> None:
    """Conversations of two turns, the second with sound; written at once."""
    template = keep_conversation(person)
    conversations = Conversation.objects.bulk_create(
        Conversation(person=person, bot=template.bot, title=f"{number}")
        for number in range(count - 1)
    )
    turns = Turn.objects.bulk_create(
        Turn(
            conversation=conversation,
            seq=seq,
            rev=seq,
            role=role,
            status="done",
            text="words " * 20,
        )
        for conversation in conversations
        for seq, role in enumerate(("user", "assistant"))
    )
    AudioSegment.objects.bulk_create(
        AudioSegment(
            turn=turn, track="bot", start_ms=0, duration_ms=20, codec="wav", key=str(uuid.uuid4())
        )
        for turn in turns[1::2]
    )


def queries_of(count: int, person: Person) -> int:
    keep_many(person, count)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        exported(formats=TEXT)
    Conversation.objects.all().delete()
    return len(queries)


def test_queries_grow_with_pages_and_not_with_conversations(person):
    few, more = queries_of(100, person), queries_of(300, person)
    assert few <= 25
    assert more - few == 2 * (few - 1)


def peak_of(count: int, person: Person) -> int:
    keep_many(person, count)
    formats = frozenset({Format.JSON, Format.VTT, Format.CSV, Format.SEGMENTS})
    logging.disable(logging.WARNING)
    tracemalloc.start()
    try:
        for _piece in zipped.zip_of(Conversation.objects.all(), formats):
            pass
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        logging.disable(logging.NOTSET)
        Conversation.objects.all().delete()


def test_many_conversations_take_the_memory_of_few(person, monkeypatch):
    # Bounds that so few do not reach.
    monkeypatch.setattr(files, "MOST_PROBLEMS", 10)
    monkeypatch.setattr(zipped, "DIRECTORY_IN_MEMORY_BYTES", 1000)
    peak_of(20, person)  # what is imported and cached once
    few, many = peak_of(120, person), peak_of(480, person)
    assert many < 1.3 * few  # 0.7 kB for each conversation would be more


def test_the_directory_of_the_zip_is_not_kept_in_memory():
    def empty(count: int):
        return (ExportFile(f"conversations/{number:0100}", iter([b"x"])) for number in range(count))

    def peak(count: int) -> int:
        tracemalloc.start()
        try:
            for _piece in zipped.zipped(empty(count)):
                pass
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert peak(6000) < 1.2 * peak(1500)


def test_more_than_65535_files_are_a_zip_too():
    entries = (ExportFile(str(number), iter([])) for number in range(65_600))
    archive = zipfile.ZipFile(io.BytesIO(b"".join(zipped.zipped(entries))))
    assert len(archive.namelist()) == 65_600


def test_pieces_are_neither_tiny_nor_huge(person):
    keep_two_calls(person)
    sizes = [len(piece) for piece in zipped.zip_of(Conversation.objects.all(), EVERYTHING)]
    assert min(sizes[:-1]) >= zipped.PIECE_BYTES
    assert max(sizes) < 4 * zipped.PIECE_BYTES


def test_an_export_that_stops_in_the_middle_leaves_no_file_open(person, monkeypatch):
    conversation = keep_conversation(person)
    call = keep_call(conversation)
    for number, recording in enumerate(itertools.islice(itertools.cycle(cards()), 12)):
        keep_recording(keep_turn(conversation, call=call), recording, number * 3000)
    opened, open_one = [], media.storage().open

    def counted(*args):
        opened.append(open_one(*args))
        return opened[-1]

    monkeypatch.setattr(media.storage(), "open", counted)
    pieces = zipped.zip_of(Conversation.objects.all(), frozenset({Format.WAV}))
    next(pieces)
    assert [file for file in opened if not file.closed]
    pieces.close()
    assert not [file for file in opened if not file.closed]


def test_a_selection_is_what_there_was_when_it_began(person):
    first = keep_conversation(person, created_at=None)
    Conversation.objects.update(created_at=first.created_at - timedelta(days=400))
    selection = Selection.of(Conversation.objects.order_by("-last_at", "title"))
    keep_conversation(person)
    assert len(selection) == 1
    assert list(itertools.chain.from_iterable(selection.pages(10))) == [first.pk]
