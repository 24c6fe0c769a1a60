"""What a client or an engine may get wrong over the socket of a real server."""

from __future__ import annotations

import json

import pytest

from tests.services import VoicechatServer

from .moody import turns_of
from .person import guest_cookies, person


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
