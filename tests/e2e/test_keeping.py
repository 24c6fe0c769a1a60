"""What is said over the socket is kept: once, in order, whatever goes wrong."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from typing import Any

import psycopg

from conversations.search.words import indexed_words
from tests.services import VoicechatServer

from .moody import MOODY, kept, turns_of, until
from .person import guest_cookies, person

StartServer = Callable[..., VoicechatServer]


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
