"""Sound on its way to a store elsewhere: after the commit, and whatever the store does meanwhile."""

from __future__ import annotations

import asyncio
import os
import time
import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import sync_to_async

from conversations import media, recorder, segments
from conversations.database import in_database
from conversations.models import AudioSegment, Conversation, Turn
from conversations.stored import StoredTurn
from conversations.uploader import Uploader
from conversations.uploads import WAITING, Upload, Waiting

from .bucket import recordings_in_a_bucket
from .live_call import a_call, begin, done, recorded

pytestmark = pytest.mark.django_db(transaction=True)
DEADLINE_S = 20


@pytest.fixture(autouse=True)
def in_a_bucket(object_store: str, settings: Any) -> None:
    settings.STORAGES = settings.STORAGES | {"recordings": recordings_in_a_bucket(object_store)}
    media.prepare()


@pytest.fixture
def told() -> asyncio.Queue[StoredTurn]:
    return asyncio.Queue()


@pytest.fixture
async def uploader(tmp_path: Path, told: asyncio.Queue[StoredTurn]) -> AsyncIterator[Uploader]:
    async def tell(_conversation: str, turn: StoredTurn) -> None:
        told.put_nowait(turn)

    running = Uploader(tmp_path, tell)
    yield running
    await running.stop()


async def next_of(told: asyncio.Queue[StoredTurn]) -> StoredTurn:
    async with asyncio.timeout(DEADLINE_S):
        return await told.get()


def spooled(directory: Path) -> list[Path]:
    return list(directory.glob("*.wav"))


def answered(spool: Path) -> tuple[recorder.LiveCall, recorder.BegunTurn]:
    """A question that was said aloud and its answer, both with their sound."""
    call = a_call()
    begun = begin(call)
    sound = (
        recorded(spool, begun.turn, "person", start_ms=100),
        recorded(spool, begun.reply, "bot", start_ms=700),
    )
    recorder.write_conversation_data_into_database(call, done(begun.reply), sound)
    return call, begun


async def test_turns_are_stored_at_once_and_get_their_sound_when_it_is_there(
    uploader: Uploader, told: asyncio.Queue[StoredTurn], tmp_path: Path
) -> None:
    await uploader.start()
    _, begun = await sync_to_async(answered)(tmp_path)
    reply = await Turn.objects.aget(pk=begun.reply)
    assert reply.status == "done"

    question, answer = await next_of(told), await next_of(told)

    assert (question.id, answer.id) == (begun.turn, begun.reply)
    assert [sound.start_ms for sound in question.audio] == [100]
    assert [sound.start_ms for sound in answer.audio] == [700]
    assert reply.rev < question.rev < answer.rev
    conversation = await Conversation.objects.aget()
    assert conversation.rev == answer.rev
    assert conversation.audio_ms == 1000
    async for segment in AudioSegment.objects.all():
        assert media.storage().size(segment.key) == segment.size
    assert not spooled(tmp_path)


async def test_a_store_that_is_away_is_waited_for(
    uploader: Uploader,
    told: asyncio.Queue[StoredTurn],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    refused = asyncio.Event()
    loop = asyncio.get_running_loop()
    upload = media.upload

    def away(*_: object) -> str:
        loop.call_soon_threadsafe(refused.set)
        raise OSError("the store does not answer")

    monkeypatch.setattr(media, "upload", away)
    await uploader.start()
    await sync_to_async(answered)(tmp_path)
    await refused.wait()
    assert len(spooled(tmp_path)) == 2
    assert not await AudioSegment.objects.aexists()

    monkeypatch.setattr(media, "upload", upload)

    await next_of(told)
    await next_of(told)
    assert await AudioSegment.objects.acount() == 2


async def test_what_an_earlier_process_left_is_uploaded(
    uploader: Uploader, told: asyncio.Queue[StoredTurn], tmp_path: Path
) -> None:
    _, begun = await sync_to_async(answered)(tmp_path)
    fresh = await sync_to_async(lambda: begin(a_call()))()
    await sync_to_async(recorded)(tmp_path, fresh.reply)  # of a reply that streams
    long_ago = time.time() - 3600
    for path in spooled(tmp_path):
        os.utime(path, (long_ago, long_ago))

    await uploader.start()

    assert {(await next_of(told)).id, (await next_of(told)).id} == {begun.turn, begun.reply}
    [left] = spooled(tmp_path)
    assert left.name.startswith(fresh.reply)


async def test_what_was_deleted_meanwhile_is_nowhere(uploader: Uploader, tmp_path: Path) -> None:
    call, begun = await sync_to_async(answered)(tmp_path)
    await Conversation.objects.all().adelete()
    conversation = uuid.UUID(call.conversation)
    left = [await sync_to_async(recorded)(tmp_path, turn) for turn in (begun.turn, begun.reply)]
    left[0].file.path.unlink()  # by whoever deleted the conversation

    await uploader.start()
    await uploader._store(Upload(conversation, left))

    for one in left:
        key = media.key_for(conversation, segments.id_of(one.file), "wav")
        assert not media.storage().exists(key)
        assert not one.file.path.exists()


async def test_a_person_who_forbids_it_meanwhile_is_obeyed(
    uploader: Uploader, told: asyncio.Queue[StoredTurn], tmp_path: Path
) -> None:
    call, begun = await sync_to_async(answered)(tmp_path)
    left = await sync_to_async(recorded)(tmp_path, begun.reply)
    await sync_to_async(recorder.change_recording)(replace(call, recorded=False))

    await uploader.start()
    await uploader._store(Upload(uuid.UUID(call.conversation), [left]))

    assert not left.file.path.exists()
    assert not await AudioSegment.objects.aexists()
    key = media.key_for(uuid.UUID(call.conversation), segments.id_of(left.file), "wav")
    assert not media.storage().exists(key)
    assert told.empty()


async def test_a_process_that_ends_uploads_what_it_has(uploader: Uploader, tmp_path: Path) -> None:
    await uploader.start()
    await sync_to_async(answered)(tmp_path)
    await uploader.stop()
    assert await AudioSegment.objects.acount() == 2
    assert not spooled(tmp_path)


async def test_a_store_that_is_away_does_not_keep_the_process(
    uploader: Uploader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> str:
        raise OSError("the store does not answer")

    monkeypatch.setattr(media, "upload", away)
    monkeypatch.setattr("conversations.uploader.LAST_S", 0.1)
    await uploader.start()
    await sync_to_async(answered)(tmp_path)
    async with asyncio.timeout(DEADLINE_S):
        await uploader.stop()
    assert len(spooled(tmp_path)) == 2


async def test_stored_twice_is_stored_once(
    uploader: Uploader, told: asyncio.Queue[StoredTurn], tmp_path: Path
) -> None:
    await uploader.start()
    call, begun = await sync_to_async(answered)(tmp_path)
    await next_of(told)
    await next_of(told)
    again = await sync_to_async(recorded)(tmp_path, begun.reply, "bot", start_ms=700)
    await uploader._store(Upload(uuid.UUID(call.conversation), [again]))
    assert await AudioSegment.objects.acount() == 2
    assert not again.file.path.exists()
    assert told.empty()


async def test_without_an_uploader_it_stays_in_the_spool(tmp_path: Path) -> None:
    await sync_to_async(answered)(tmp_path)
    assert len(spooled(tmp_path)) == 2
    assert not await AudioSegment.objects.aexists()


async def test_a_full_queue_leaves_the_rest_to_the_spool() -> None:
    waiting = Waiting()
    waiting.open(asyncio.Event())
    for _ in range(WAITING + 5):
        waiting.put(Upload(uuid.uuid4(), ()))
    assert len(waiting) == WAITING
    await in_database(waiting.take)
    assert len(waiting) == WAITING - 1
