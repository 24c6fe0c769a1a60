"""The socket of a real server, as ``make run`` starts it."""

from __future__ import annotations

import asyncio
import base64
import json
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import psycopg
import pytest
import websockets

from conversations.search.words import indexed_words
from speech.codecs import decode
from tests.services import VoicechatServer, voicechat_server

from .person import Person, guest_cookies, person

MOODY = {"VOICECHAT_DIALOGUE": "tests.e2e.bots.Moody", "VOICECHAT_DIALOGUE_TIMEOUT": "1.5"}
CODEC_OF = "select codec from conversations_audiosegment where turn_id = ?"
StartServer = Callable[..., VoicechatServer]


@pytest.fixture(scope="module")
def moody(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VoicechatServer]:
    """A server whose bots do what they are told, badly."""
    with voicechat_server(tmp_path_factory.mktemp("moody"), MOODY) as server:
        with sqlite3.connect(server.data_dir / "db.sqlite3") as database:
            database.execute("update dialogue_bot set greeting = ''")
        yield server


def kept(server: VoicechatServer, query: str, *values: str) -> list[Any]:
    """What the server's database holds."""
    with sqlite3.connect(server.data_dir / "db.sqlite3") as database:
        return database.execute(query, values).fetchall()


def turns_of(server: VoicechatServer, conversation: str) -> list[Any]:
    return kept(
        server,
        "select role, kind, status, text, error from conversations_turn"
        " where conversation_id = ? order by seq",
        conversation.replace("-", ""),
    )


async def until(is_so: Callable[[], bool], within_s: float) -> None:
    """Look into the database until something is so."""
    give_up = time.monotonic() + within_s
    while not is_so():
        assert time.monotonic() < give_up
        await asyncio.sleep(0.1)


@asynccontextmanager
async def two_tabs(server: VoicechatServer) -> AsyncIterator[tuple[Person, Person]]:
    """One guest, twice in a conversation that has begun."""
    cookies = await guest_cookies(server.url)
    async with (
        person(server.socket_url, cookies, origin=server.url) as one,
        person(server.socket_url, cookies, origin=server.url) as two,
    ):
        ready = await one.hello()
        await one.ask("good morning")
        await two.hello(conversation=ready["conversation"])
        yield one, two


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


class TestKeeping:
    async def test_a_turn_sent_again_is_acknowledged_again_and_stored_once(
        self, moody: VoicechatServer
    ) -> None:
        async with person(moody.socket_url) as anna:
            ready = await anna.hello()
            id = await anna.type("good morning")
            first = await anna.until("ack", id=id)
            await anna.until("reply_end")
            await anna.type("good morning", id)
            second = await anna.until("ack", id=id)
        assert (second["turn"], second["reply"]) == (first["turn"], first["reply"])
        assert len(turns_of(moody, ready["conversation"])) == 2

    async def test_ten_messages_at_once_are_all_kept_in_order_and_the_last_is_answered(
        self, moody: VoicechatServer
    ) -> None:
        async with person(moody.socket_url) as anna:
            ready = await anna.hello(audio=True)
            ids = [await anna.type(f"message {n}") for n in range(10)]
            for id in ids:
                ack = await anna.until("ack", id=id)
            end = await anna.until("reply_end", reply=ack["reply"])
            assert (end["status"], end["text"]) == ("done", "You said: message 9")
        turns = turns_of(moody, ready["conversation"])
        assert [turn[3] for turn in turns if turn[0] == "user"] == [
            f"message {n}" for n in range(10)
        ]
        assert {turn[2] for turn in turns} == {"done", "interrupted"}

    async def test_a_conversation_goes_on_after_the_socket_was_lost(
        self, moody: VoicechatServer
    ) -> None:
        cookies = await guest_cookies(moody.url)
        async with person(moody.socket_url, cookies, origin=moody.url) as anna:
            ready = await anna.hello()
            await anna.ask("good morning")
            rev = anna.messages[-1].get("rev") or anna.messages[-2]["rev"]
            id = await anna.type("slowly 10")
            await anna.until("ack", id=id)
            await anna.until("delta")
            anna.socket.transport.abort()
        async with person(moody.socket_url, cookies, origin=moody.url) as again:
            missed = await again.hello(conversation=ready["conversation"], last_rev=rev)
            assert missed["turns"][0]["text"] == "slowly 10"
            # Its end is told by whatever comes first: as it happens, or from the database.
            end = missed["turns"][1]
            while end["status"] == "streaming":
                message = await again.hear()
                if message["type"] == "reply_end":
                    end = message
                elif message["type"] == "turn" and message["turn"]["id"] == end["id"]:
                    end = message["turn"]
            assert end["text"].endswith("Sentence number 9 is here. ")
            assert end["status"] == "done"
            answer = await again.ask("history")
        assert "assistant: You said: good morning" in answer["text"]

    async def test_a_killed_server_leaves_the_turn_and_ends_its_reply(
        self, start_server: StartServer
    ) -> None:
        server = start_server(**MOODY)
        cookies = await guest_cookies(server.url)
        async with person(server.socket_url, cookies, origin=server.url) as anna:
            ready = await anna.hello(audio=True)
            id = await anna.type("slowly 400")
            ack = await anna.until("ack", id=id)
            async with asyncio.timeout(20):
                while sum(len(payload) for *_, payload in anna.audio) < 200_000:
                    await anna.until("sentence")
            server.process.kill()
        server.process.wait()
        again = start_server(**MOODY)
        async with person(again.socket_url, cookies, origin=again.url) as anna:
            ready = await anna.hello(conversation=ready["conversation"])
            [reply] = [turn for turn in ready["turns"] if turn["id"] == ack["reply"]]
            if reply["status"] == "streaming":
                reply = (await anna.until("turn"))["turn"]
            assert (reply["status"], reply["error"]) == ("interrupted", "instance_lost")
            assert reply["text"].startswith("Sentence number 0 is here. ")
            assert reply["audio"][0]["duration_ms"] > 1_000

    async def test_a_visitor_who_says_nothing_leaves_nothing(self, moody: VoicechatServer) -> None:
        async with person(moody.socket_url) as anna:
            ready = await anna.hello(audio=True)
        assert not kept(
            moody,
            "select 1 from conversations_conversation where id = ?",
            ready["conversation"].replace("-", ""),
        )

    async def test_a_call_is_known_to_go_on_and_then_how_it_was(
        self, moody: VoicechatServer
    ) -> None:
        def known() -> Any:
            [row] = kept(
                moody,
                "select call.seen_at, call.ended_at, talk.protocol, talk.duration_ms, talk.p95_ms"
                " from conversations_call call join conversations_conversation talk"
                " on talk.id = call.conversation_id where talk.id = ?",
                ready["conversation"].replace("-", ""),
            )
            return row

        async with person(moody.socket_url) as anna:
            ready = await anna.hello()
            await anna.ask("good morning")
            at_first, ended_at, protocol, *_ = known()
            assert (ended_at, protocol) == (None, "voice-chat-1")
            await until(lambda: known()[0] != at_first, within_s=20)
        await until(lambda: known()[1] is not None, within_s=5)
        *_, duration_ms, p95_ms = known()
        assert duration_ms > 0
        assert 0 <= p95_ms < 5_000

    async def test_ratings_are_kept_and_only_for_answers_of_the_conversation(
        self, moody: VoicechatServer
    ) -> None:
        async with person(moody.socket_url) as anna:
            await anna.hello()
            end = await anna.ask("good morning")
            await anna.send(type="rate", turn=end["reply"], value=1)
            assert (await anna.until("turn", rev=end["rev"] + 1))["turn"]["rating"] == 1
            for wrong in ("not-a-uuid", "00000000-0000-0000-0000-000000000000"):
                await anna.send(type="rate", turn=wrong, value=1)
                assert (await anna.until("error"))["code"] == "unknown_turn"


class TestTwoTabs:
    async def test_a_second_tab_follows(self, moody: VoicechatServer) -> None:
        async with two_tabs(moody) as (one, two):
            end = await one.ask("slowly 3")
            told = await two.until("turn")
            assert (told["turn"]["role"], told["turn"]["text"]) == ("user", "slowly 3")
            assert (await two.until("reply_start"))["voice"] is None
            assert (await two.until("reply_end"))["text"] == end["text"]
            deltas = [m["text"] for m in two.messages if m["type"] == "delta"]
            assert "".join(deltas) == end["text"]

    async def test_stop_in_one_tab_stops_the_reply_of_the_other(
        self, moody: VoicechatServer
    ) -> None:
        async with two_tabs(moody) as (one, two):
            await one.type("slowly 200")
            await two.until("delta")
            await two.send(type="interrupt")
            assert (await one.until("reply_end"))["status"] == "interrupted"

    async def test_a_question_in_one_tab_ends_the_reply_of_the_other(
        self, moody: VoicechatServer
    ) -> None:
        async with two_tabs(moody) as (one, two):
            id = await one.type("slowly 200")
            ack = await one.until("ack", id=id)
            await two.until("delta")
            answer = await two.ask("good evening")
            assert answer["status"] == "done"
            end = await one.until("reply_end", reply=ack["reply"])
            assert end["status"] == "interrupted"
        statuses = [turn[2] for turn in turns_of(moody, one.ready["conversation"])]
        assert statuses == ["done", "done", "done", "interrupted", "done", "done"]

    async def test_a_tab_on_another_instance_follows_over_redis(
        self, start_server: StartServer, redis_server: str
    ) -> None:
        shared = MOODY | {"REDIS_URL": redis_server}
        here, there = start_server(**shared), start_server(**shared)
        cookies = await guest_cookies(here.url)
        async with (
            person(here.socket_url, cookies, origin=here.url) as one,
            person(there.socket_url, cookies, origin=there.url) as two,
        ):
            ready = await one.hello()
            await one.ask("good morning")
            await two.hello(conversation=ready["conversation"])
            id = await one.type("slowly 200")
            await one.until("ack", id=id)
            await two.until("delta")
            await two.send(type="interrupt")
            assert (await one.until("reply_end"))["status"] == "interrupted"
            assert (await two.until("reply_end"))["status"] == "interrupted"


class TestLongConversations:
    async def test_one_of_many_large_turns_still_opens(self, start_server: StartServer) -> None:
        server = start_server(**MOODY)
        cookies = await guest_cookies(server.url)
        async with person(server.socket_url, cookies, origin=server.url) as anna:
            ready = await anna.hello()
            await anna.ask("good morning")
        conversation = ready["conversation"].replace("-", "")
        with sqlite3.connect(server.data_dir / "db.sqlite3") as database:
            [person_turn] = database.execute(
                "select * from conversations_turn where conversation_id = ? and role = 'user'",
                (conversation,),
            )
            columns = [
                column[1] for column in database.execute("pragma table_info(conversations_turn)")
            ]
            row = dict(zip(columns, person_turn, strict=True))
            # What the triggers of the search index call.
            database.create_function("voicechat_words", 1, indexed_words, deterministic=True)
            for n in range(600):
                more = row | {
                    "id": f"{n:032x}",
                    "seq": 100 + n,
                    "client_id": f"more-{n}",
                    "text": "x" * 8_000,
                }
                names, marks = ", ".join(more), ", ".join("?" * len(more))
                database.execute(
                    f"insert into conversations_turn ({names}) values ({marks})",
                    list(more.values()),
                )
        async with person(server.socket_url, cookies, origin=server.url) as anna:
            ready = await anna.hello(conversation=ready["conversation"])
            assert len(ready["turns"]) == 400
            assert ready["turns"][-1]["seq"] == 699
            assert (await anna.ask("good evening"))["status"] == "done"


class TestBadInput:
    @pytest.mark.parametrize(
        "frame",
        [
            "not json",
            "[]",
            '{"type": "dance"}',
            '{"type": "text", "id": 5, "text": "x"}',
        ],
    )
    async def test_is_answered_by_an_error_and_the_socket_goes_on(
        self, moody: VoicechatServer, frame: str | bytes
    ) -> None:
        async with person(moody.socket_url) as anna:
            await anna.hello()
            await anna.socket.send(frame)
            assert (await anna.until("error"))["code"] == "bad_message"
            assert (await anna.ask("still there?"))["text"] == "You said: still there?"

    @pytest.mark.parametrize(
        ("text", "code"),
        [("", "empty_text"), (" \n ", "empty_text"), ("x" * 100_000, "too_long")],
    )
    async def test_text_that_cannot_be_a_turn_is_refused_by_its_id(
        self, moody: VoicechatServer, text: str, code: str
    ) -> None:
        async with person(moody.socket_url) as anna:
            await anna.hello()
            id = await anna.type(text)
            error = await anna.until("error")
            assert (error["code"], error["id"]) == (code, id)
            assert (await anna.ask("still there?"))["status"] == "done"

    async def test_before_hello_leaves_the_choice_open(self, moody: VoicechatServer) -> None:
        async with person(moody.socket_url) as anna:
            await anna.socket.send("???")
            assert (await anna.until("error"))["code"] == "bad_message"
            assert await anna.hello()

    async def test_a_frame_that_is_too_big_closes_4413(self, moody: VoicechatServer) -> None:
        async with person(moody.socket_url) as anna:
            await anna.hello()
            await anna.type("x" * 300_000)
            assert (await anna.until("error"))["code"] == "too_big"
            assert await anna.closed() == 4413

    async def test_over_and_over_before_hello_closes_4400(self, moody: VoicechatServer) -> None:
        async with person(moody.socket_url) as anna:
            for _ in range(10):
                await anna.socket.send("{")
            assert await anna.closed() == 4400

    async def test_over_and_over_closes_4400(self, moody: VoicechatServer) -> None:
        async with person(moody.socket_url) as anna:
            await anna.hello()
            for _ in range(10):
                await anna.socket.send("{")
            assert await anna.closed() == 4400

    @pytest.mark.parametrize(
        "conversation", ["00000000-0000-0000-0000-000000000000", "x", "' or 1=1"]
    )
    async def test_an_unknown_conversation_closes_4403(
        self, moody: VoicechatServer, conversation: str
    ) -> None:
        async with person(moody.socket_url) as anna:
            await anna.send(type="hello", version=1, conversation=conversation)
            assert (await anna.until("error"))["code"] in {"unknown_conversation", "bad_message"}

    async def test_somebody_elses_conversation_closes_4403_as_if_unknown(
        self, moody: VoicechatServer
    ) -> None:
        owner = await guest_cookies(moody.url)
        async with person(moody.socket_url, owner, origin=moody.url) as anna:
            ready = await anna.hello()
            await anna.ask("good morning")
        stranger = await guest_cookies(moody.url)
        for cookies in (stranger, ""):
            async with person(moody.socket_url, cookies, origin=moody.url) as eve:
                await eve.send(type="hello", version=1, conversation=ready["conversation"])
                error = await eve.until("error")
                assert error["code"] == "unknown_conversation"
                assert await eve.closed() == 4403

    async def test_an_unknown_bot_closes_4400(self, moody: VoicechatServer) -> None:
        async with person(moody.socket_url) as anna:
            await anna.send(type="hello", version=1, bot="nobody")
            assert (await anna.until("error"))["code"] == "unknown_bot"
            assert await anna.closed() == 4400


class TestBadEngines:
    @pytest.mark.parametrize(
        ("text", "code", "said"),
        [
            ("raise", "dialogue_failed", "Before the fault. "),
            ("refuse", "dialogue_failed", ""),
            ("hang", "dialogue_timeout", "Before the silence. "),
            ("nothing", "dialogue_failed", ""),
            ("rubbish", "dialogue_failed", ""),
        ],
    )
    async def test_are_told_marked_and_harm_nothing_else(
        self, moody: VoicechatServer, text: str, code: str, said: str
    ) -> None:
        async with person(moody.socket_url) as anna:
            ready = await anna.hello()
            end = await anna.ask(text)
            assert (end["status"], end["text"]) == ("failed", said)
            [error] = [message for message in anna.messages if message["type"] == "error"]
            assert error["code"] == code
            assert "secret" not in json.dumps(anna.messages)
            assert (await anna.ask("good morning"))["status"] == "done"
        turns = turns_of(moody, ready["conversation"])
        assert turns[0] == ("user", "", "done", text, "")
        assert turns[1] == ("assistant", "generic", "failed", said, code)

    async def test_an_endless_answer_is_cut_and_others_are_served_meanwhile(
        self, moody: VoicechatServer
    ) -> None:
        async with person(moody.socket_url) as anna, person(moody.socket_url) as ben:
            await anna.hello()
            await ben.hello()
            id = await anna.type("endless")
            assert (await ben.ask("good morning"))["status"] == "done"
            await anna.until("ack", id=id)
            end = await anna.until("reply_end")
            assert len(end["text"]) == 20_000
            assert "reply_too_long" in {m.get("code") for m in anna.messages}


class TestNoRoomForSound:
    async def test_the_conversation_goes_on_and_says_so(self, start_server: StartServer) -> None:
        moody = start_server(**MOODY)
        spool = moody.data_dir / "spool"
        spool.rmdir()
        spool.write_text("a file where the folder should be")
        async with person(moody.socket_url) as anna:
            ready = await anna.hello(audio=True, speed=2.0)
            end = await anna.ask("good morning")
            assert end["status"] == "done"
            assert anna.audio
            errors = [m for m in anna.messages if m["type"] == "error"]
            if not errors:
                errors = [await anna.until("error")]
            # One for the answer, and one for the greeting if that was heard at all.
            assert {error["code"] for error in errors} == {"audio_not_stored"}
        assert turns_of(moody, ready["conversation"])[1][2] == "done"


class TestTheOriginalClient:
    async def ask(self, socket: websockets.ClientConnection, **question: Any) -> None:
        await socket.send(json.dumps({"usr_id": "066463f4", **question}))

    async def hear(self, socket: websockets.ClientConnection) -> dict[str, Any]:
        async with asyncio.timeout(20):
            frame: dict[str, Any] = json.loads(await socket.recv())
            return frame

    async def test_gets_text_and_mp3_that_it_can_play(
        self, live_server_process: VoicechatServer
    ) -> None:
        async with websockets.connect(live_server_process.socket_url, max_size=None) as socket:
            await self.ask(socket, usr_query="a flat in Lisbon", is_voice=True)
            text = await self.hear(socket)
            assert text["type"] == "text"
            assert text["content"]["cards"]
            voice = await self.hear(socket)
            assert voice["type"] == "voice"
            pcm, rate = decode(base64.b64decode(voice["audio"]))
            assert len(pcm) / 2 / rate > 1

    async def test_questions_at_once_are_answered_in_order(self, moody: VoicechatServer) -> None:
        async with websockets.connect(moody.socket_url) as socket:
            for n in range(10):
                await self.ask(socket, usr_query=f"message {n}", is_voice=False)
            texts = [(await self.hear(socket))["text"] for _ in range(10)]
        assert texts == [f"You said: message {n}" for n in range(10)]

    async def test_its_id_is_a_label_and_never_an_identity(self, moody: VoicechatServer) -> None:
        async with websockets.connect(moody.socket_url) as socket:
            await self.ask(socket, usr_query="who am I", is_voice=False, usr_id="admin")
            await self.hear(socket)
        [[label, protocol, user]] = kept(
            moody,
            "select client_label, call.protocol, user_id from conversations_call call"
            " join conversations_conversation c on c.id = conversation_id"
            " join accounts_person p on p.id = c.person_id where client_label = ?",
            "admin",
        )
        assert (label, protocol, user) == ("admin", "voice-chat-original", None)

    async def test_errors_can_be_shown_and_the_socket_goes_on(self, moody: VoicechatServer) -> None:
        async with websockets.connect(moody.socket_url) as socket:
            for bad in ("hello", "[]", "{}", '{"usr_query": ""}', '{"usr_query": 5}'):
                await socket.send(bad)
                error = await self.hear(socket)
                assert error["type"] == "error"
                assert error["text"]
            await self.ask(socket, usr_query="good morning", is_voice=False)
            assert (await self.hear(socket))["text"] == "You said: good morning"


class TestAdmission:
    async def refused(self, server: VoicechatServer, cookies: str = "", **headers: str) -> int:
        async with person(server.socket_url, cookies, **headers) as somebody:
            assert (await somebody.until("error"))["code"] == "not_admitted"
            return await somebody.closed()

    async def test_a_foreign_page_is_refused_even_with_the_visitors_cookie(
        self, moody: VoicechatServer
    ) -> None:
        cookies = await guest_cookies(moody.url)
        assert await self.refused(moody, cookies, origin="https://evil.example") == 4403

    async def test_a_tunnel_to_a_developers_machine_does_not_get_in(
        self, moody: VoicechatServer
    ) -> None:
        headers = {"X-Forwarded-For": "203.0.113.5"}
        assert await self.refused(moody, **headers) == 4401

    async def test_a_program_without_credentials_is_refused_in_production(
        self, start_server: StartServer
    ) -> None:
        server = start_server(DJANGO_DEBUG="0", DJANGO_ALLOWED_HOSTS="127.0.0.1")
        assert await self.refused(server) == 4401

    async def test_guests_are_refused_where_they_are_not_allowed(
        self, start_server: StartServer
    ) -> None:
        server = start_server(VOICECHAT_ALLOW_GUESTS="0")
        assert await self.refused(server) == 4401

    async def test_a_listed_foreign_page_comes_as_a_guest(self, start_server: StartServer) -> None:
        server = start_server(VOICECHAT_ALLOWED_ORIGINS="https://friend.example", **MOODY)
        async with person(server.socket_url, origin="https://friend.example") as friend:
            await friend.hello()
            assert (await friend.ask("good morning"))["status"] == "done"


async def test_two_people_do_not_hear_each_other(moody: VoicechatServer) -> None:
    async with person(moody.socket_url) as anna, person(moody.socket_url) as ben:
        await anna.hello()
        await ben.hello()

        async def talk(who: Person, name: str) -> list[str]:
            return [(await who.ask(f"{name} {n}"))["text"] for n in range(5)]

        of_anna, of_ben = await asyncio.gather(talk(anna, "anna"), talk(ben, "ben"))
    assert of_anna == [f"You said: anna {n}" for n in range(5)]
    assert of_ben == [f"You said: ben {n}" for n in range(5)]


class TestLeaving:
    async def test_a_deleted_conversation_ends_its_calls_and_is_not_made_again(
        self, moody: VoicechatServer
    ) -> None:
        cookies = await guest_cookies(moody.url)
        async with person(moody.socket_url, cookies, origin=moody.url) as anna:
            ready = await anna.hello()
            await anna.ask("good morning")
            async with httpx.AsyncClient(base_url=moody.url) as browser:
                address = f"/conversations/{ready['conversation']}/delete/"
                page = await browser.get(address, headers={"Cookie": cookies})
                token = page.cookies["csrftoken"]
                gone = await browser.post(
                    address,
                    data={"csrfmiddlewaretoken": token},
                    headers={"Cookie": f"{cookies}; csrftoken={token}"},
                )
                assert gone.status_code == 302
            assert (await anna.until("error"))["code"] == "unknown_conversation"
            assert await anna.closed() == 4403
        assert not turns_of(moody, ready["conversation"])

    async def test_logging_out_closes_the_sockets_of_the_session(
        self, live_server_process: VoicechatServer
    ) -> None:
        server = live_server_process
        async with httpx.AsyncClient(base_url=server.url, follow_redirects=True) as browser:
            page = await browser.get("/accounts/login/")
            await browser.post(
                "/accounts/login/",
                data={
                    "login": "admin",
                    "password": server.password,
                    "csrfmiddlewaretoken": browser.cookies["csrftoken"],
                },
                headers={"Referer": str(page.url)},
            )
            cookies = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
            async with person(server.socket_url, cookies, origin=server.url) as anna:
                await anna.hello()
                await browser.post(
                    "/accounts/logout/", data={"csrfmiddlewaretoken": browser.cookies["csrftoken"]}
                )
                assert (await anna.until("error"))["code"] == "not_admitted"
                assert await anna.closed() == 4401


class TestPostgres:
    async def test_keeps_what_sqlite_keeps(
        self, start_server: StartServer, postgres_database: str
    ) -> None:
        server = start_server(DATABASE_URL=postgres_database, **MOODY)
        cookies = await guest_cookies(server.url)
        async with (
            person(server.socket_url, cookies, origin=server.url) as one,
            person(server.socket_url, cookies, origin=server.url) as two,
        ):
            ready = await one.hello(audio=True, speed=2.0)
            await one.until("reply_end")
            end = await one.ask("good morning\0")
            assert (end["text"], end["status"]) == ("You said: good morning", "done")
            kept_turn = await one.until("turn", rev=end["rev"])
            assert kept_turn["turn"]["audio"]
            await two.hello(conversation=ready["conversation"])
            assert [turn["kind"] for turn in two.ready["turns"]] == ["greeting", "", "generic"]
            id = await one.type("slowly 200")
            ack = await one.until("ack", id=id)
            await two.until("delta")
            assert (await two.ask("raise"))["status"] == "failed"
            assert (await one.until("reply_end", reply=ack["reply"]))["status"] == "interrupted"
            await one.type("slowly 200", id)
            assert (await one.until("ack", id=id))["reply"] == ack["reply"]
            await two.send(type="rate", turn=end["reply"], value=-1)
            rated = await two.until("turn")
            while rated["turn"]["id"] != end["reply"]:
                rated = await two.until("turn")
            assert rated["turn"]["rating"] == -1
            # Two open sockets hold no connection.
            others = (
                "select count(*) from pg_stat_activity"
                " where datname = current_database() and pid <> pg_backend_pid()"
            )
            with psycopg.connect(postgres_database, autocommit=True) as database:
                async with asyncio.timeout(10):
                    while database.execute(others).fetchone() != (0,):  # noqa: ASYNC110
                        await asyncio.sleep(0.05)
