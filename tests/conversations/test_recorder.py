"""The laws of the one door to the database: what is stored when, and by whom."""

from __future__ import annotations

import os
import uuid
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from asgiref.sync import sync_to_async
from django.utils import timezone

from conversations import media, recorder, spool
from conversations.models import AudioSegment, Call, Conversation, Turn
from conversations.recorder import Greeting, LiveCall, Recording
from conversations.spool import Spool
from conversations.stored import FinishedReply
from dialogue.bots import default_bot

pytestmark = pytest.mark.django_db(transaction=True)


def a_call(**fields: object) -> LiveCall:
    call = LiveCall(
        id=str(uuid.uuid4()),
        conversation=str(uuid.uuid4()),
        person=str(uuid.uuid4()),
        bot_id=default_bot().pk,
        language="en",
        protocol="voice-chat-1",
        instance="here",
        started_at=timezone.now(),
        is_new=True,
    )
    return replace(call, **fields)  # type: ignore[arg-type]


def begin(call: LiveCall, text: str = "Hello?", **fields: object) -> recorder.BegunTurn:
    known = {"turn_id": str(uuid.uuid4()), "reply_id": str(uuid.uuid4()), "client_id": None}
    return recorder.begin_turn(call, text=text, **known | fields)  # type: ignore[arg-type]


def done(reply: str, text: str = "Hi.", status: str = "done", **fields: object) -> FinishedReply:
    return FinishedReply(reply, "generic", status, text, **fields)  # type: ignore[arg-type]


async def recorded(directory: Path, turn: str, seconds: float = 0.5) -> Recording:
    sound = Spool(directory, turn, "bot", 8_000)
    await sound.append(b"\1\0" * int(8_000 * seconds))
    file = await sound.close()
    assert file is not None
    return Recording(file, 120)


class TestBeginning:
    def test_stores_turn_and_streaming_reply_with_their_revisions(self) -> None:
        call = a_call()
        begun = begin(call)
        conversation = Conversation.objects.get()
        assert (conversation.rev, begun.rev, conversation.turn_count) == (2, 2, 2)
        assert conversation.title == "Hello?"
        user, reply = conversation.turns.order_by("seq")
        assert (user.role, user.status, user.rev, user.seq) == ("user", "done", 1, 0)
        assert (reply.role, reply.status, reply.rev, reply.seq) == ("assistant", "streaming", 2, 1)
        assert reply.reply_to == user
        assert Call.objects.get().protocol == "voice-chat-1"

    def test_with_a_known_client_id_finds_the_first_one(self) -> None:
        call = a_call()
        first = begin(call, client_id="c-1")
        again = begin(replace(call, is_new=False), client_id="c-1")
        assert (again.turn, again.reply, again.duplicate) == (first.turn, first.reply, True)
        assert Turn.objects.count() == 2

    def test_ends_the_reply_that_was_still_streaming(self) -> None:
        call = a_call()
        first = begin(call)
        second = begin(replace(call, is_new=False))
        assert second.taken_over == first.reply
        assert Turn.objects.get(pk=first.reply).status == "interrupted"
        assert Turn.objects.filter(status="streaming").count() == 1

    def test_of_a_deleted_conversation_is_refused(self) -> None:
        call = a_call()
        begin(call)
        Conversation.objects.all().delete()
        with pytest.raises(recorder.NotYours):
            begin(replace(call, is_new=False))
        assert not Conversation.objects.exists()

    def test_tells_what_was_said_before_as_it_was_heard(self) -> None:
        call = a_call()
        first = begin(call, "One?")
        cut = done(
            first.reply, "A long answer.", status="interrupted", heard_text="A long", heard_ms=500
        )
        recorder.write_conversation_data_into_database(call, cut)
        second = begin(replace(call, is_new=False), "Two?")
        assert second.history == (("user", "One?"), ("assistant", "A long"))

    def test_stores_the_greeting_that_was_said_before(self) -> None:
        greeting = FinishedReply(str(uuid.uuid4()), "greeting", "done", "Welcome.")
        begun = begin(a_call(), greeting=Greeting(greeting))
        first = Turn.objects.get(seq=0)
        assert (first.kind, first.text, str(first.pk)) == ("greeting", "Welcome.", greeting.id)
        assert begun.rev == 3


class TestEnding:
    def test_fills_the_row_once(self) -> None:
        call = a_call()
        begun = begin(call)
        turn = recorder.write_conversation_data_into_database(call, done(begun.reply))
        assert (turn.status, turn.text, turn.rev) == ("done", "Hi.", 3)
        again = recorder.write_conversation_data_into_database(call, done(begun.reply, "Other."))
        assert (again.text, again.rev) == ("Hi.", 3)
        assert Conversation.objects.get().rev == 3

    def test_by_another_process_changes_nothing(self) -> None:
        call = a_call()
        begun = begin(call)
        other = replace(call, instance="elsewhere")
        turn = recorder.write_conversation_data_into_database(other, done(begun.reply))
        assert turn.status == "streaming"

    def test_after_it_was_taken_over_adds_what_was_said_but_not_that_it_was_done(self) -> None:
        call = a_call()
        first = begin(call)
        begin(replace(call, is_new=False))
        turn = recorder.write_conversation_data_into_database(call, done(first.reply))
        assert (turn.status, turn.text) == ("interrupted", "Hi.")

    def test_counts_interruptions_and_errors(self) -> None:
        call = a_call()
        begun = begin(call)
        recorder.write_conversation_data_into_database(
            call, done(begun.reply, status="interrupted", error="speech_failed")
        )
        conversation = Conversation.objects.get()
        assert (conversation.interruption_count, conversation.error_count) == (1, 1)

    def test_of_a_deleted_conversation_is_refused(self) -> None:
        call = a_call()
        begun = begin(call)
        Conversation.objects.all().delete()
        with pytest.raises(recorder.NotYours):
            recorder.write_conversation_data_into_database(call, done(begun.reply))


class TestSound:
    async def test_is_kept_with_its_turn(self, tmp_path: Path) -> None:
        call = await sync_to_async(a_call)()
        begun = await sync_to_async(begin)(call)
        sound = await recorded(tmp_path, begun.reply)
        turn = await sync_to_async(recorder.write_conversation_data_into_database)(
            call, done(begun.reply), sound
        )
        assert [(audio.start_ms, audio.duration_ms) for audio in turn.audio] == [(120, 500)]
        segment = await AudioSegment.objects.aget()
        assert media.storage().size(segment.key) == segment.size
        assert not sound.file.path.exists()

    async def test_that_the_store_refuses_costs_only_itself_and_is_taken_later(
        self, tmp_path: Path, settings: object
    ) -> None:
        call = await sync_to_async(a_call)()
        begun = await sync_to_async(begin)(call)
        sound = await recorded(tmp_path / "spool", begun.reply)
        blocked = tmp_path / "media"
        blocked.write_text("a file where the folder should be")
        settings.MEDIA_ROOT = blocked  # type: ignore[attr-defined]
        turn = await sync_to_async(recorder.write_conversation_data_into_database)(
            call, done(begun.reply), sound
        )
        assert (turn.status, turn.audio) == ("done", ())
        blocked.unlink()
        os.utime(sound.file.path, (0, 0))

        def wanted(turn_id: str) -> bool:
            return recorder.is_sound_wanted(tmp_path / "spool", turn_id)

        await sync_to_async(spool.remove_abandoned)(tmp_path / "spool", wanted, 60)
        assert await AudioSegment.objects.acount() == 1
        assert not list((tmp_path / "spool").iterdir())

    async def test_of_nobody_is_removed(self, tmp_path: Path) -> None:
        sound = await recorded(tmp_path, str(uuid.uuid4()))
        os.utime(sound.file.path, (0, 0))

        def wanted(turn_id: str) -> bool:
            return recorder.is_sound_wanted(tmp_path, turn_id)

        assert await sync_to_async(spool.remove_abandoned)(tmp_path, wanted, 60) == 1


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
        Turn.objects.filter(pk=begun.reply).update(
            lease_until=timezone.now() - timedelta(seconds=1)
        )
        [(conversation, turn)] = recorder.end_expired(tmp_path)
        assert conversation == call.conversation
        assert (turn.status, turn.error, turn.text) == ("interrupted", "instance_lost", "So far")
        assert not recorder.renew_lease(call, begun.reply, "late")

    def test_somebody_elses_lease_is_not_renewed(self) -> None:
        call = a_call()
        begun = begin(call)
        assert not recorder.renew_lease(replace(call, instance="elsewhere"), begun.reply, "x")


class TestRating:
    def test_is_kept_and_taken_back(self) -> None:
        call = a_call()
        begun = begin(call)
        assert recorder.rate(call, begun.reply, -1).rating == -1
        turn = recorder.rate(call, begun.reply, 0)
        assert (turn.rating, turn.rev) == (None, 4)

    @pytest.mark.parametrize("which", ["user turn", "unknown", "no uuid"])
    def test_is_for_answers_of_this_conversation_alone(self, which: str) -> None:
        call = a_call()
        begun = begin(call)
        other = begin(a_call())
        turn = {"user turn": begun.turn, "unknown": other.reply, "no uuid": "x"}[which]
        with pytest.raises(recorder.UnknownTurn):
            recorder.rate(call, turn, 1)
