"""Talking over the socket of a real server, as ``make run`` starts it."""

from __future__ import annotations

import asyncio
import base64
import json

import httpx
import pytest

from speech.codecs import decode
from tests.services import VoicechatServer

from .moody import kept, turns_of
from .person import Person, guest_cookies, person

CODEC_OF = "select codec from conversations_audiosegment where turn_id = ?"


class TestTheThreeKinds:
    async def test_property_shows_cards_speaks_and_is_stored(
        self, live_server_process: VoicechatServer
    ) -> None:
        async with person(live_server_process.socket_url) as anna:
            ready = await anna.hello(audio=True)
            id = await anna.type("a flat in Lisbon")
            ack = await anna.until("ack", id=id)
            start = await anna.until("reply_start", reply=ack["reply"])
            assert start["kind"] == "property"
            cards = await anna.until("cards")
            assert cards["cards"][0]["title"]
            await anna.until("sentence")
            await anna.until("state", bot="speaking")
            await anna.send(type="interrupt")
            end = await anna.until("reply_end", reply=ack["reply"])
        assert anna.audio
        assert end["status"] == "interrupted"
        [[data]] = kept(
            live_server_process,
            "select data from conversations_turn where id = ?",
            ack["reply"].replace("-", ""),
        )
        assert json.loads(data)["propertyData"]["cards"] == cards["cards"]
        assert ready["rev"] == 0

    async def test_realtime_is_stored_with_every_item(
        self, live_server_process: VoicechatServer
    ) -> None:
        async with person(live_server_process.socket_url) as anna:
            await anna.hello()
            end = await anna.ask("What time is it in Tokyo and in London?")
        [[kind, data]] = kept(
            live_server_process,
            "select kind, data from conversations_turn where id = ?",
            end["reply"].replace("-", ""),
        )
        items = json.loads(data)["realtimeData"]
        assert kind == "realtime"
        assert len(items) == 2
        assert end["text"] == "\n".join(items)

    async def test_generic_streams_its_text(self, live_server_process: VoicechatServer) -> None:
        async with person(live_server_process.socket_url) as anna:
            await anna.hello()
            end = await anna.ask("hello")
        deltas = [m for m in anna.messages if m["type"] == "delta" and m["reply"] == end["reply"]]
        assert len(deltas) > 1
        assert "".join(delta["text"] for delta in deltas) == end["text"]
        assert [d["offset"] for d in deltas] == [
            len("".join(d["text"] for d in deltas[:n])) for n in range(len(deltas))
        ]


class TestGreeting:
    async def test_is_spoken_and_kept_with_its_sound_once_something_is_said(
        self, live_server_process: VoicechatServer
    ) -> None:
        async with person(live_server_process.socket_url) as anna:
            ready = await anna.hello(audio=True, speed=2.0)
            start = await anna.until("reply_start")
            assert (start["kind"], start["turn"]) == ("greeting", None)
            greeting = await anna.until("reply_end")
            assert greeting["heard"] == greeting["text"]
            await anna.type("hello")
            await anna.until("ack")
        turns = turns_of(live_server_process, ready["conversation"])
        assert turns[0] == ("assistant", "greeting", "done", greeting["text"], "")
        [[ms]] = kept(
            live_server_process,
            "select duration_ms from conversations_audiosegment where turn_id = ?",
            start["reply"].replace("-", ""),
        )
        assert ms == pytest.approx(greeting["heard_ms"], abs=2)


class TestSpeech:
    async def test_every_sample_of_every_sentence_comes_once_and_in_order(
        self, moody: VoicechatServer
    ) -> None:
        async with person(moody.socket_url) as anna:
            await anna.hello(audio=True, speed=2.0)
            end = await anna.ask("good morning")
        sentences = [m for m in anna.messages if m["type"] == "sentence"]
        assert "".join(sentence["text"] for sentence in sentences) == end["text"]
        assert [flags & 2 for flags, *_ in anna.audio].count(2) == len(sentences)
        expected = 0
        for n, (_, _, sequence, position, payload) in enumerate(anna.audio):
            assert (sequence, position) == (n, expected)
            expected += len(payload) // 2
        assert end["heard_ms"] == pytest.approx(expected / 24, abs=2)
        assert end["heard"] == end["text"]

    async def test_the_recording_is_kept_small_and_can_be_fetched_by_its_owner_alone(
        self, moody: VoicechatServer
    ) -> None:
        cookies = await guest_cookies(moody.url)
        async with person(moody.socket_url, cookies, origin=moody.url) as anna:
            ready = await anna.hello(audio=True, speed=2.0)
            end = await anna.ask("good morning")
            async with asyncio.timeout(20):
                # The server has no word for it: it is made small some time later.
                while kept(moody, CODEC_OF, end["reply"].replace("-", "")) != [("mp3",)]:  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
        async with person(moody.socket_url, cookies, origin=moody.url) as again:
            turns = (await again.hello(conversation=ready["conversation"]))["turns"]
        [sound] = turns[-1]["audio"]
        async with httpx.AsyncClient(base_url=moody.url) as browser:
            mine = await browser.get(sound["url"], headers={"Cookie": cookies})
            assert (mine.status_code, mine.headers["content-type"]) == (200, "audio/mpeg")
            part = await browser.get(
                sound["url"], headers={"Cookie": cookies, "Range": "bytes=100-199"}
            )
            assert (part.status_code, part.content) == (206, mine.content[100:200])
            stranger = await guest_cookies(moody.url)
            assert (
                await browser.get(sound["url"], headers={"Cookie": stranger})
            ).status_code == 404
            assert (await browser.get(sound["url"])).status_code == 404
        assert not list((moody.data_dir / "spool").glob(f"{end['reply']}*"))

    @pytest.mark.parametrize("encoding", ["mp3", "opus"])
    async def test_a_compressed_sentence_is_one_whole_file(
        self, moody: VoicechatServer, encoding: str
    ) -> None:
        out = {"encoding": encoding, "framing": "base64"}
        async with person(moody.socket_url) as anna:
            await anna.send(type="hello", version=1, audio={"out": out})
            await anna.ask("hello")
        clip = b"".join(base64.b64decode(m["audio"]) for m in anna.messages if m["type"] == "audio")
        pcm, rate = decode(clip)
        assert len(pcm) / 2 / rate > 0.5

    async def test_an_interruption_stops_text_and_speech_at_once(
        self, moody: VoicechatServer
    ) -> None:
        async with person(moody.socket_url) as anna:
            ready = await anna.hello(audio=True)
            id = await anna.type("slowly 100")
            ack = await anna.until("ack", id=id)
            await anna.until("state", bot="speaking")
            await anna.send(type="interrupt")
            clear = await anna.until("clear")
            sounds = len(anna.audio)
            end = await anna.until("reply_end", reply=ack["reply"])
            assert end["status"] == "interrupted"
            assert len(end["text"]) < 2_000
            assert end["text"].startswith(end["heard"])
            await anna.send(type="ping", id="later")
            await anna.until("pong", id="later")
            assert len(anna.audio) == sounds
            await anna.type("good morning")
            start = await anna.until("reply_start")
            assert start["generation"] == clear["generation"]
        assert turns_of(moody, ready["conversation"])[1][2] == "interrupted"


async def test_two_people_do_not_hear_each_other(moody: VoicechatServer) -> None:
    async with person(moody.socket_url) as anna, person(moody.socket_url) as ben:
        await anna.hello()
        await ben.hello()

        async def talk(who: Person, name: str) -> list[str]:
            return [(await who.ask(f"{name} {n}"))["text"] for n in range(5)]

        of_anna, of_ben = await asyncio.gather(talk(anna, "anna"), talk(ben, "ben"))
    assert of_anna == [f"You said: anna {n}" for n in range(5)]
    assert of_ben == [f"You said: ben {n}" for n in range(5)]
