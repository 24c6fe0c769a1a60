"""Whoever is cut off in mid-answer is back in it: here, or on another instance; and may move it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests import services
from tests.services import VoicechatServer, voicechat_server

from .person import Person, guest_cookies, person

MOODY = {"VOICECHAT_DIALOGUE": "tests.e2e.bots.Moody", "VOICECHAT_STT": "none"}


@pytest.fixture(scope="module")
def instances(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[VoicechatServer, VoicechatServer]]:
    """Two that share Redis and, on this machine, their data."""
    folder = tmp_path_factory.mktemp("instances")
    with ExitStack() as running:
        redis = running.enter_context(services.redis_server())
        shared = MOODY | {"REDIS_URL": redis}
        one, two = (running.enter_context(voicechat_server(folder, shared)) for _ in range(2))
        yield one, two


@pytest.fixture(params=["the same instance", "another instance"])
def here_and_there(
    request: pytest.FixtureRequest, instances: tuple[VoicechatServer, VoicechatServer]
) -> tuple[VoicechatServer, VoicechatServer]:
    one, two = instances
    return (one, one) if request.param == "the same instance" else (one, two)


async def in_mid_answer(anna: Person) -> str:
    """A long answer whose first sentence is being heard; returns its id."""
    ack = await anna.until("ack", id=await anna.type("slowly 12"))
    await anna.until("state", bot="speaking")
    await anna.until("sentence", index=1)
    reply: str = ack["reply"]
    return reply


def sound_bytes(anna: Person) -> int:
    return sum(len(payload) for *_, payload in anna.audio)


class TestInTheMiddleOfAnAnswer:
    async def test_it_goes_on_from_the_sentence_that_was_reached(
        self, here_and_there: tuple[VoicechatServer, VoicechatServer]
    ) -> None:
        here, there = here_and_there
        cookies = await guest_cookies(here.url)
        async with person(here.socket_url, cookies, origin=here.url) as anna:
            ready = await anna.hello(audio=True, speed=2.0)
            reply = await in_mid_answer(anna)
            anna.socket.transport.abort()
        async with person(there.socket_url, cookies, origin=there.url) as again:
            conversation = ready["conversation"]
            await again.hello(audio=True, speed=2.0, conversation=conversation)
            start = await again.until("reply_start", reply=reply)
            assert start["voice"]
            first = await again.until("sentence", reply=reply)
            assert first["offset_ms"] == 0
            assert 0 <= first["start"] <= len("Sentence number 0 is here. ") * 2
            end = await again.until("reply_end", reply=reply)
            assert end["status"] == "done"
            assert end["heard"] == end["text"]
            assert end["text"].endswith("Sentence number 11 is here. ")
            told = [m for m in again.messages if m["type"] == "sentence"]
            assert "".join(sentence["text"] for sentence in told) == end["text"][first["start"] :]
            assert sound_bytes(again) > 200_000

    async def test_a_question_there_cuts_it_and_is_answered(
        self, here_and_there: tuple[VoicechatServer, VoicechatServer]
    ) -> None:
        here, there = here_and_there
        cookies = await guest_cookies(here.url)
        async with person(here.socket_url, cookies, origin=here.url) as anna:
            ready = await anna.hello(audio=True)
            reply = await in_mid_answer(anna)
            anna.socket.transport.abort()
        async with person(there.socket_url, cookies, origin=there.url) as again:
            await again.hello(audio=True, conversation=ready["conversation"])
            await again.until("sentence", reply=reply)
            answer = await again.ask("good morning")
            assert (answer["status"], answer["text"]) == ("done", "You said: good morning")
        ended = [
            m
            for m in again.messages
            if (m["type"] == "reply_end" and m["reply"] == reply)
            or (m["type"] == "turn" and m["turn"]["id"] == reply)
        ]
        assert ended
        assert (ended[-1].get("turn") or ended[-1])["status"] == "interrupted"


async def test_another_tab_takes_the_voice(
    instances: tuple[VoicechatServer, VoicechatServer],
) -> None:
    here, there = instances
    cookies = await guest_cookies(here.url)
    async with (
        person(here.socket_url, cookies, origin=here.url) as one,
        person(there.socket_url, cookies, origin=there.url) as two,
    ):
        ready = await one.hello(audio=True, speed=2.0)
        await one.ask("good morning")
        await two.hello(audio=True, speed=2.0, conversation=ready["conversation"])
        reply = await in_mid_answer(one)
        assert not (await two.until("audio_owner"))["here"]
        await two.send(type="take_audio")
        assert not (await one.until("audio_owner"))["here"]
        await one.until("clear")
        assert (await two.until("reply_start", reply=reply))["voice"]
        heard_before = sound_bytes(one)
        end = await two.until("reply_end", reply=reply)
        assert (end["status"], end["heard"]) == ("done", end["text"])
        assert (await one.until("reply_end", reply=reply))["status"] == "done"
        assert sound_bytes(one) == heard_before
        assert sound_bytes(two)


async def test_a_stranger_cannot_take_it(
    instances: tuple[VoicechatServer, VoicechatServer],
) -> None:
    here, there = instances
    cookies = await guest_cookies(here.url)
    async with (
        person(here.socket_url, cookies, origin=here.url) as anna,
        person(there.socket_url, await guest_cookies(there.url), origin=there.url) as eve,
    ):
        ready = await anna.hello(audio=True, speed=2.0)
        await anna.until("reply_end")
        reply = await in_mid_answer(anna)
        await eve.send(
            type="hello", version=1, conversation=ready["conversation"], audio={"out": {}}
        )
        await eve.send(type="take_audio")
        assert (await eve.until("error"))["code"] == "unknown_conversation"
        assert await eve.closed() == 4403
        await anna.send(type="interrupt")
        await anna.until("reply_end", reply=reply)
        assert not [message for message in anna.messages if message["type"] == "audio_owner"]
