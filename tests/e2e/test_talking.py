"""A person who talks to the real server: recordings of people, the real recogniser and voice."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.e2e.person import Person, person
from tests.e2e.speaking import RATE, Talker
from tests.services import VoicechatServer, voicechat_server
from tests.speech.recordings import cards, readings


@asynccontextmanager
async def talking(server: VoicechatServer, **hello: object) -> AsyncIterator[tuple[Person, Talker]]:
    """Somebody with an open microphone, greeted already."""
    async with person(server.socket_url) as anna:
        talker = Talker(anna)
        await talker.hello(**hello)
        await anna.until("state", bot="speaking")
        microphone = asyncio.create_task(talker.run())
        await anna.send(type="interrupt")
        await anna.until("reply_end")
        try:
            yield anna, talker
        finally:
            microphone.cancel()


def words(text: str) -> set[str]:
    return set(text.lower().split())


async def test_what_is_said_is_understood_answered_heard_and_stored(
    live_server_process: VoicechatServer,
) -> None:
    recording = cards()[0]
    async with talking(live_server_process) as (anna, talker):
        assert anna.ready["audio"]["in"] == {"encoding": "pcm_s16le", "rate": RATE}
        asyncio.get_running_loop().create_task(talker.say(recording.pcm(RATE)))
        await anna.until("state", person="hearing")
        final = await anna.until("transcript", final=True)
        assert words(final["text"]) & words(recording.text)
        ack = await anna.until("ack", id=final["utterance"])
        start = await anna.until("reply_start", reply=ack["reply"])
        assert start["turn"] == ack["turn"] == final["utterance"]
        await anna.until("state", bot="speaking")
        end = await anna.until("reply_end", reply=ack["reply"])
        assert end["status"] == "done"
        assert end["heard"] == end["text"]
        turn = (await anna.until("turn"))["turn"]
        assert turn["id"] == ack["turn"]
        [voice] = turn["audio"]
        assert voice["duration_ms"] > 1_000
        reply = (await anna.until("turn"))["turn"]
        [sound] = reply["audio"]
        # On one timeline: the answer begins when the person has ended.
        assert sound["start_ms"] > voice["start_ms"] + 1_000
    with sqlite3.connect(live_server_process.data_dir / "db.sqlite3") as database:
        [(text, engines)] = database.execute(
            "select text, engines from conversations_turn where id = ?",
            (ack["turn"].replace("-", ""),),
        ).fetchall()
    assert text == final["text"]
    assert "pocketsphinx" in engines


async def test_a_voice_cuts_in_and_the_rest_counts_as_unheard(
    live_server_process: VoicechatServer,
) -> None:
    async with talking(live_server_process) as (anna, talker):
        id = await anna.type("What can you do?")
        ack = await anna.until("ack", id=id)
        await anna.until("state", bot="speaking")
        asyncio.get_running_loop().create_task(talker.say(readings()[0].pcm(RATE)))
        await anna.until("clear")
        end = await anna.until("reply_end", reply=ack["reply"])
        assert end["status"] == "interrupted"
        assert len(end["heard"]) < len(end["text"])
        assert end["text"].startswith(end["heard"])
        final = await anna.until("transcript", final=True)
        await anna.until("ack", id=final["utterance"])


async def test_push_to_talk_waits_for_the_release(live_server_process: VoicechatServer) -> None:
    async with talking(live_server_process) as (anna, talker):
        await anna.send(type="microphone", on=True, mode="push_to_talk")
        # Not meant for the bot.
        await talker.say(cards()[1].pcm(RATE))
        await anna.send(type="speech_start")
        await anna.until("state", person="hearing")
        await talker.say(cards()[0].pcm(RATE))
        await asyncio.sleep(1.5)  # a pause is no end while it is pressed
        assert not any(m["type"] == "transcript" and m["final"] for m in anna.messages)
        await anna.send(type="speech_stop")
        final = await anna.until("transcript", final=True)
        assert final["text"]


@pytest.mark.parametrize("frame", [b"", b"\2", b"\1" + bytes(15) + bytes(320), b"\2" + bytes(16)])
async def test_bad_audio_is_told(live_server_process: VoicechatServer, frame: bytes) -> None:
    async with person(live_server_process.socket_url) as anna:
        await Talker(anna).hello()
        await anna.socket.send(frame)
        assert (await anna.until("error"))["code"] == "bad_audio"
        await anna.ask("good morning")


async def test_ten_times_too_fast_is_told_and_others_go_on(
    live_server_process: VoicechatServer,
) -> None:
    async with (
        person(live_server_process.socket_url) as hasty,
        person(live_server_process.socket_url) as anna,
    ):
        talker = Talker(hasty, pace=0.1)
        await talker.hello()
        task = asyncio.create_task(talker.run())
        assert (await hasty.until("error"))["code"] == "audio_too_fast"
        await anna.hello()
        await anna.ask("good morning")
        task.cancel()


async def test_who_vanishes_while_speaking_has_said_what_was_heard(
    live_server_process: VoicechatServer,
) -> None:
    recording = readings()[1].pcm(RATE)
    async with talking(live_server_process) as (anna, talker):
        saying = asyncio.create_task(talker.say(recording[: 5 * RATE]))
        await anna.until("state", person="hearing")
        await asyncio.sleep(2)
        anna.socket.transport.abort()
        saying.cancel()
        conversation = anna.ready["conversation"].replace("-", "")
    async with asyncio.timeout(15):
        while True:
            with sqlite3.connect(live_server_process.data_dir / "db.sqlite3") as database:
                turns = database.execute(
                    "select role, status, text from conversations_turn"
                    " where conversation_id = ? order by seq",
                    (conversation,),
                ).fetchall()
            ended = [(role, status) for role, status, _ in turns]
            if ended[-2:] == [("user", "done"), ("assistant", "done")]:
                break
            await asyncio.sleep(0.1)
    assert turns[-2][2]


async def test_a_microphone_that_is_closed_ends_what_is_being_said(
    live_server_process: VoicechatServer,
) -> None:
    async with talking(live_server_process) as (anna, talker):
        saying = asyncio.create_task(talker.say(readings()[2].pcm(RATE)))
        await anna.until("state", person="hearing")
        await asyncio.sleep(1.5)
        await anna.send(type="microphone", on=False)
        saying.cancel()
        final = await anna.until("transcript", final=True)
        assert final["text"]


async def test_text_typed_in_the_middle_of_speech_is_answered_and_so_is_the_speech(
    live_server_process: VoicechatServer,
) -> None:
    async with talking(live_server_process) as (anna, talker):
        saying = asyncio.create_task(talker.say(readings()[1].pcm(RATE)))
        await anna.until("state", person="hearing")
        id = await anna.type("What time is it in Tokyo?")
        ack = await anna.until("ack", id=id)
        assert (await anna.until("text_end", reply=ack["reply"]))["text"]
        final = await anna.until("transcript", final=True)
        spoken = await anna.until("ack", id=final["utterance"])
        assert spoken["reply"] != ack["reply"]
        await saying


@pytest.mark.parametrize("recorded", [True, False])
async def test_where_the_person_is_asked_only_a_yes_keeps_their_voice(
    start_server: Callable[..., VoicechatServer], recorded: bool
) -> None:
    server = start_server(VOICECHAT_RECORD="ask")
    async with talking(server, record=recorded) as (anna, talker):
        assert anna.ready["recording"] is recorded
        saying = asyncio.create_task(talker.say(cards()[0].pcm(RATE)))
        final = await anna.until("transcript", final=True)
        ack = await anna.until("ack", id=final["utterance"])
        await anna.send(type="interrupt")
        await anna.until("reply_end", reply=ack["reply"])
        await saying
    with sqlite3.connect(server.data_dir / "db.sqlite3") as database:
        [(kept,)] = database.execute("select count(*) from conversations_audiosegment").fetchall()
    assert (kept > 0) is recorded
    sounds = [path for path in server.data_dir.rglob("*.wav") if path.stat().st_size > 44]
    assert bool(sounds) is recorded


async def test_an_ear_that_fails_is_told_and_typing_goes_on(tmp_path: Path) -> None:
    broken = {"VOICECHAT_STT": "tests.e2e.recognisers.Broken"}
    with voicechat_server(tmp_path, broken) as server:
        async with talking(server) as (anna, talker):
            asyncio.get_running_loop().create_task(talker.say(cards()[0].pcm(RATE)))
            error = await anna.until("error")
            assert error["code"] == "stt_failed"
            assert "secret" not in str(error)
            id = await anna.type("What can you do?")
            await anna.until("ack", id=id)
            await anna.until("reply_end")
