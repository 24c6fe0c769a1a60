"""A reply is its holder's as long as its lease lasts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from django.db import IntegrityError

from conversations import recorder
from conversations.models import AudioSegment, Conversation, Turn

from .live_call import a_call, begin, done, expire, recorded

pytestmark = pytest.mark.django_db(transaction=True)


class TestLeases:
    def test_a_lease_that_is_renewed_is_not_swept(self, tmp_path: Path) -> None:
        call = a_call()
        begun = begin(call)
        assert recorder.renew_lease(call, begun.reply, "So far")
        assert recorder.end_expired(tmp_path) == []
        assert Turn.objects.get(pk=begun.reply).text == "So far"

    def test_a_lease_that_has_lapsed_is_ended_as_interrupted(self, tmp_path: Path) -> None:
        call = a_call()
        begun = begin(call)
        recorder.renew_lease(call, begun.reply, "So far")
        expire(begun.reply)
        [(conversation, turn)] = recorder.end_expired(tmp_path)
        assert conversation == call.conversation
        assert (turn.status, turn.error, turn.text) == ("interrupted", "instance_lost", "So far")
        assert not recorder.renew_lease(call, begun.reply, "late")

    def test_the_sound_of_both_sides_is_found_when_the_holder_has_died(
        self, tmp_path: Path
    ) -> None:
        begun = begin(a_call(), start_ms=300)
        recorded(tmp_path, begun.turn, "person")
        for part in (0, 1):
            recorded(tmp_path, begun.reply, part=part)
        expire(begun.reply)
        asked, reply = (turn for _, turn in recorder.end_expired(tmp_path))
        assert (asked.id, asked.rev) == (begun.turn, 3)
        assert (reply.id, reply.rev, reply.status) == (begun.reply, 4, "interrupted")
        assert [audio.start_ms for audio in asked.audio] == [300]
        first, second = reply.audio
        assert second.start_ms == first.start_ms + first.duration_ms
        assert not list(tmp_path.iterdir())

    def test_a_call_that_is_not_recorded_leaves_no_sound_when_its_process_dies(
        self, tmp_path: Path
    ) -> None:
        begun = begin(a_call(recorded=False))
        recorded(tmp_path, begun.turn, "person")
        expire(begun.reply)
        [(_, turn)] = recorder.end_expired(tmp_path)
        assert turn.status == "interrupted"
        assert not AudioSegment.objects.exists()

    def test_a_holder_that_was_thought_dead_may_still_tell_what_was_said(
        self, tmp_path: Path
    ) -> None:
        call = a_call()
        begun = begin(call)
        sound = (recorded(tmp_path, begun.turn, "person"), recorded(tmp_path, begun.reply))
        expire(begun.reply)
        recorder.end_expired(tmp_path)
        (turn,) = recorder.write_conversation_data_into_database(call, done(begun.reply), sound)
        assert (turn.status, turn.text, len(turn.audio)) == ("interrupted", "Hi.", 1)
        assert AudioSegment.objects.count() == 2

    def test_there_is_one_reply_at_a_time(self) -> None:
        call = a_call()
        begin(call)
        Conversation.objects.update(answering=None)  # a fault of ours
        with pytest.raises(IntegrityError):
            begin(replace(call, is_new=False))

    def test_somebody_elses_lease_is_not_renewed(self) -> None:
        call = a_call()
        begun = begin(call)
        assert not recorder.renew_lease(replace(call, instance="elsewhere"), begun.reply, "x")
