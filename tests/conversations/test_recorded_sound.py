"""The sound of a turn: stored with it, once, and gone from the spool."""

from __future__ import annotations

import functools
import os
import uuid
from dataclasses import replace
from pathlib import Path

import pytest

from conversations import media, recorder, spool
from conversations.models import AudioSegment, Call, Conversation, Turn

from .live_call import a_call, begin, done, recorded, unasked

pytestmark = pytest.mark.django_db(transaction=True)


class TestSound:
    def test_of_both_sides_is_kept_with_its_turns(self, tmp_path: Path) -> None:
        call = a_call()
        begun = begin(call)
        sound = (
            recorded(tmp_path, begun.turn, "person", start_ms=100),
            recorded(tmp_path, begun.reply, part=0, start_ms=900),
            recorded(tmp_path, begun.reply, part=1, start_ms=2_400),
        )
        turns = recorder.write_conversation_data_into_database(call, done(begun.reply), sound)
        assert [(turn.id, turn.rev) for turn in turns] == [(begun.turn, 3), (begun.reply, 4)]
        asked, reply = turns
        assert [(audio.start_ms, audio.duration_ms) for audio in asked.audio] == [(100, 500)]
        assert [(audio.start_ms, audio.duration_ms) for audio in reply.audio] == [
            (900, 500),
            (2_400, 500),
        ]
        conversation = Conversation.objects.get()
        assert (conversation.rev, conversation.audio_ms) == (4, 1_500)
        tracks = AudioSegment.objects.order_by("start_ms").values_list("track", flat=True)
        assert list(tracks) == ["person", "bot", "bot"]
        for segment in AudioSegment.objects.all():
            assert media.storage().size(segment.key) == segment.size
        assert not list(tmp_path.iterdir())

    def test_of_the_reply_alone_changes_only_the_reply(self, tmp_path: Path) -> None:
        call = a_call()
        begun = begin(call)
        sound = recorded(tmp_path, begun.reply)
        turns = recorder.write_conversation_data_into_database(call, done(begun.reply), (sound,))
        assert [(turn.id, turn.rev) for turn in turns] == [(begun.reply, 3)]

    def test_is_stored_once_and_leaves_the_spool_each_time(self, tmp_path: Path) -> None:
        call = a_call()
        begun = begin(call)
        for _ in range(2):  # a commit whose answer was lost, say
            sound = (recorded(tmp_path, begun.turn, "person"), recorded(tmp_path, begun.reply))
            turns = recorder.write_conversation_data_into_database(call, done(begun.reply), sound)
            assert len(turns[-1].audio) == 1
            assert not list(tmp_path.iterdir())
        assert (len(turns), turns[-1].rev) == (1, 4)
        assert AudioSegment.objects.count() == 2
        assert Conversation.objects.get().audio_ms == 1_000

    def test_is_added_to_a_reply_that_was_taken_over(self, tmp_path: Path) -> None:
        call = a_call()
        first = begin(call)
        begin(replace(call, is_new=False))
        sound = (recorded(tmp_path, first.turn, "person"), recorded(tmp_path, first.reply))
        turns = recorder.write_conversation_data_into_database(call, done(first.reply), sound)
        assert [(turn.status, len(turn.audio)) for turn in turns] == [
            ("done", 1),
            ("interrupted", 1),
        ]

    def test_of_another_turn_is_refused_and_nothing_is_written(self, tmp_path: Path) -> None:
        call = a_call()
        first = begin(call)
        second = begin(replace(call, is_new=False))
        for turn in (first.turn, first.reply, str(uuid.uuid4())):
            sound = recorded(tmp_path, turn, "person")
            with pytest.raises(recorder.NotYours):
                recorder.write_conversation_data_into_database(call, done(second.reply), (sound,))
        assert Turn.objects.get(pk=second.reply).status == "streaming"
        assert not AudioSegment.objects.exists()

    def test_of_a_call_that_is_not_recorded_is_not_kept(self, tmp_path: Path) -> None:
        call = a_call(recorded=False)
        greeting = unasked()
        greeting = replace(greeting, recordings=(recorded(tmp_path, greeting.reply.id),))
        begun = begin(call, said_before=(greeting,))
        sound = (recorded(tmp_path, begun.turn, "person"), recorded(tmp_path, begun.reply))
        (turn,) = recorder.write_conversation_data_into_database(call, done(begun.reply), sound)
        assert (turn.text, turn.audio) == ("Hi.", ())
        assert not AudioSegment.objects.exists()
        assert not list(tmp_path.iterdir())
        assert not Call.objects.get().recorded

    def test_that_the_store_refuses_costs_only_itself_and_is_taken_later(
        self, tmp_path: Path, settings: object
    ) -> None:
        directory = tmp_path / "spool"
        call = a_call()
        begun = begin(call, start_ms=70)
        sound = (
            recorded(directory, begun.turn, "person"),
            recorded(directory, begun.reply),
            recorded(directory, begun.reply, part=1),
        )
        blocked = tmp_path / "media"
        blocked.write_text("a file where the folder should be")
        settings.MEDIA_ROOT = blocked  # type: ignore[attr-defined]
        (turn,) = recorder.write_conversation_data_into_database(call, done(begun.reply), sound)
        assert (turn.status, turn.audio) == ("done", ())
        tidy(directory)
        assert len(list(directory.iterdir())) == 3
        blocked.unlink()
        tidy(directory)
        assert not list(directory.iterdir())
        person = AudioSegment.objects.get(track="person")
        assert (str(person.turn_id), person.start_ms) == (begun.turn, 70)
        first, second = AudioSegment.objects.filter(track="bot")
        assert second.start_ms == first.start_ms + 500
        # Whoever has seen the turns before has missed their sound.
        assert set(Turn.objects.values_list("rev", flat=True)) == {4, 5}

    def test_that_is_left_behind_though_it_is_stored_leaves_the_spool(self, tmp_path: Path) -> None:
        call = a_call()
        begun = begin(call)
        sound = recorded(tmp_path, begun.reply)
        recorder.write_conversation_data_into_database(call, done(begun.reply), (sound,))
        recorded(tmp_path, begun.reply)
        tidy(tmp_path)
        assert not list(tmp_path.iterdir())
        assert AudioSegment.objects.count() == 1

    @pytest.mark.parametrize("track", ["person", "bot"])
    def test_of_a_reply_that_streams_is_left_to_its_holder(
        self, tmp_path: Path, track: str
    ) -> None:
        begun = begin(a_call())
        recorded(tmp_path, begun.turn if track == "person" else begun.reply, track)
        tidy(tmp_path)
        assert len(list(tmp_path.iterdir())) == 1
        assert not AudioSegment.objects.exists()

    def test_of_nobody_or_not_to_be_kept_is_removed(self, tmp_path: Path) -> None:
        recorded(tmp_path, str(uuid.uuid4()))
        unrecorded = begin(a_call(recorded=False))
        recorded(tmp_path, unrecorded.turn, "person")
        tidy(tmp_path)
        assert not list(tmp_path.iterdir())
        assert not AudioSegment.objects.exists()


def tidy(directory: Path) -> None:
    """As the process does with what nobody has touched for long."""
    for path in directory.iterdir():
        os.utime(path, (0, 0))
    spool.remove_abandoned(directory, functools.partial(recorder.is_sound_wanted, directory), 60)
