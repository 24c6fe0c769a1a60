"""FastRTC's clients at real servers: one instance, and two that share a database and Redis."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Iterator

import httpx
import numpy as np
import pytest
import websockets

from tests.services import VoicechatServer, redis_server, voicechat_server
from tests.speech.recordings import cards, readings

from .fastrtc_client import Outputs, Stream, fill_in, stream

TOKEN = "a-secret-of-the-operator"
# On loopback everybody is a developer, unless somebody has forwarded them.
STRANGER = {"X-Forwarded-For": "203.0.113.9"}


@pytest.fixture(scope="module")
def instances(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[VoicechatServer]]:
    folder = tmp_path_factory.mktemp("fastrtc")
    with redis_server() as redis:
        environment = {
            "REDIS_URL": redis,
            "VOICECHAT_DIALOGUE": "tests.e2e.bots.Asking",
            "VOICECHAT_TELEPHONE_TOKENS": TOKEN,
        }
        with (
            voicechat_server(folder, environment) as one,
            voicechat_server(folder, environment) as other,
        ):
            yield [one, other]


@pytest.fixture
def server(instances: list[VoicechatServer]) -> str:
    return instances[0].url


def replies(client: Stream) -> int:
    return client.logged.count("response_starting")


class TestTalking:
    async def test_a_conversation_with_a_form_and_outputs_elsewhere(
        self, instances: list[VoicechatServer]
    ) -> None:
        """The socket is held by one instance; its form and its outputs land on the other."""
        here, elsewhere = (instance.url for instance in instances)
        both = [Outputs(), Outputs()]
        listening = [
            asyncio.create_task(outputs.listen(url, "talk"))
            for outputs, url in zip(both, (here, elsewhere), strict=True)
        ]
        await asyncio.sleep(0.5)  # before the stream begins
        async with stream(here, "talk") as client:
            await client.quiet()
            assert await fill_in(elsewhere, "talk", inputs="too early") == 409
            before = replies(client)
            client.say(cards()[0].pcm(48_000))
            asked = await client.until_told("send_input")
            assert [field["name"] for field in asked["data"]] == ["name", "city"]
            assert await fill_in(elsewhere, "talk", inputs={"name": "Ann", "city": "Oslo"}) == 200
            assert await fill_in(here, "talk", inputs={"name": "Bob"}) == 409
            await client.quiet()
            assert replies(client) == before + 1
            at = client.logged.index("started_talking")
            assert client.logged[at : at + 3] == [
                "started_talking",
                "pause_detected",
                "response_starting",
            ]
            await client.send(event="stop")
            await asyncio.wait_for(client.socket.wait_closed(), 5)
            assert client.socket.close_code == 1000
            assert (await client.until_told("end_stream"))["data"]
        await asyncio.wait_for(asyncio.gather(*listening), 20)
        for outputs in both:
            said = [event for event in outputs.events if event["role"] == "user"]
            assert len(said) == 1
            assert set(said[0]["content"].lower().split()) & set(cards()[0].text.split())
            answer = outputs.events[-1]
            assert answer["role"] == "assistant"
            assert "Welcome Ann of Oslo." in answer["content"]
            assert answer["cards"][0]["title"] == "Flat"
            assert outputs.has_ended
        assert both[0].events == both[1].events

        # Who comes back with the last id has seen all; who comes anew gets all.
        again, new = Outputs(), Outputs()
        await again.listen(elsewhere, "talk", {"Last-Event-ID": both[0].ids[-1]})
        assert (again.status, again.events) == (204, [])
        await new.listen(here, "talk")
        assert new.events == both[0].events
        middle = Outputs()
        await middle.listen(here, "talk", {"Last-Event-ID": both[0].ids[0]})
        assert middle.events == both[0].events[1:]

    async def test_who_cuts_in_hears_little_more(self, server: str) -> None:
        async with stream(server, "barge", "?input_rate=16000&output_rate=8000", 16_000) as client:
            await client.until(lambda _: len(client.heard) > 25)  # past the notice
            spoken = sum(len(pcm) for _, pcm in client.heard) / 16_000
            since = client.heard[-1][0] - client.heard[0][0]
            # Never far ahead of what is played.
            assert spoken - since < 0.5
            client.say(readings()[0].pcm(16_000))
            await client.until_told("log", "started_talking")
            before = len(client.heard)
            await asyncio.sleep(0.5)
            assert len(client.heard) - before <= 2

    async def test_the_voice_is_mulaw_at_the_rate_that_was_asked_for(self, server: str) -> None:
        async with stream(server, "rates", "?output_rate=16000") as client:
            await client.until(lambda _: len(client.heard) > 5)
        assert {len(pcm) for _, pcm in client.heard} >= {3_200}
        loudest = max(
            np.abs(np.frombuffer(pcm, "<i2").astype(int)).max() for _, pcm in client.heard
        )
        assert loudest > 1_000


class TestBadInput:
    async def test_before_a_start_media_is_ignored_and_pings_are_answered(
        self, server: str
    ) -> None:
        address = server.replace("http", "ws", 1) + "/websocket/offer"
        async with websockets.connect(address) as socket:
            for frame in ('{"event":"media","media":{"payload":"AAAA"}}', '{"event":"new"}'):
                await socket.send(frame)
            await socket.send('{"event":"ping"}')
            assert json.loads(await socket.recv()) == {"event": "pong"}
            await socket.send('{"event":"stop"}')
            assert json.loads(await socket.recv())["type"] == "end_stream"
            await asyncio.wait_for(socket.wait_closed(), 5)
            assert socket.close_code == 1000

    @pytest.mark.parametrize("frame", ["?", "[]", '{"event":"start"}', b"\0\1"])
    async def test_what_is_wrong_is_told_and_another_start_may_follow(
        self, server: str, frame: str | bytes
    ) -> None:
        address = server.replace("http", "ws", 1) + "/websocket/offer"
        async with websockets.connect(address) as socket:
            await socket.send(frame)
            told = json.loads(await socket.recv())
            assert told["type"] == "error"
            assert told["message"] == told["data"]
            await socket.send(json.dumps({"event": "start", "websocket_id": uuid.uuid4().hex}))
            await socket.send('{"event":"ping"}')
            async with asyncio.timeout(10):
                while json.loads(await socket.recv()) != {"event": "pong"}:
                    pass

    async def test_a_wrong_message_does_not_end_a_stream(self, server: str) -> None:
        async with stream(server, "wrong") as client:
            await client.socket.send('{"event":"media","media":{"payload":"*"}}')
            assert (await client.until_told("error"))["code"] == "bad_audio"
            await client.until(lambda _: len(client.heard) > 3)

    async def test_an_id_in_use_is_refused_on_each_instance_and_its_stream_goes_on(
        self, instances: list[VoicechatServer]
    ) -> None:
        async with stream(instances[0].url, "mine") as client:
            for instance in instances:
                async with stream(instance.url, "mine") as other:
                    assert (await other.until_told("error"))["code"] == "id_in_use"
                    await asyncio.wait_for(other.socket.wait_closed(), 5)
                    assert other.socket.close_code == 4403
            heard = len(client.heard)
            await client.until(lambda _: len(client.heard) > heard)
        await asyncio.sleep(1)
        async with stream(instances[1].url, "mine") as client:
            await client.until(lambda _: len(client.heard) > 0)

    async def test_a_frame_that_is_too_big_is_no_start(self, server: str) -> None:
        address = server.replace("http", "ws", 1) + "/websocket/offer"
        async with websockets.connect(address) as socket:
            await socket.send(
                json.dumps({"event": "start", "websocket_id": "big", "more": "x" * 300_000})
            )
            assert json.loads(await socket.recv())["code"] == "too_big"
            await asyncio.wait_for(socket.wait_closed(), 5)
            assert socket.close_code == 4413
        async with stream(server, "big") as client:
            await client.until(lambda _: len(client.heard) > 0)

    async def test_rates_that_cannot_be_had_are_refused(self, server: str) -> None:
        async with stream(server, "rate", "?input_rate=1") as client:
            assert (await client.until_told("error"))["code"] == "bad_audio"
            await asyncio.wait_for(client.socket.wait_closed(), 5)
            assert client.socket.close_code == 4400


class TestOwnership:
    async def test_nobody_without_session_or_token_is_let_in(self, server: str) -> None:
        async with stream(server, "stranger", headers=STRANGER) as client:
            assert (await client.until_told("error"))["code"] == "not_admitted"
            await asyncio.wait_for(client.socket.wait_closed(), 5)
            assert client.socket.close_code == 4401

    async def test_a_token_owns_what_it_began_and_others_are_refused(
        self, instances: list[VoicechatServer]
    ) -> None:
        here, elsewhere = (instance.url for instance in instances)
        async with stream(here, "owned", f"?token={TOKEN}", headers=STRANGER) as client:
            await client.until(lambda _: len(client.heard) > 0)
            for headers in (None, STRANGER):
                outputs = Outputs()
                await outputs.listen(elsewhere, "owned", headers)
                assert outputs.status == 403
                assert await fill_in(elsewhere, "owned", headers, inputs="x") == 403
            async with httpx.AsyncClient() as browser:
                answer = await browser.post(
                    f"{elsewhere}/input_hook?token={TOKEN}",
                    json={"webrtc_id": "owned", "inputs": "x"},
                    headers=STRANGER,
                )
                assert answer.status_code == 409  # theirs, but nothing is asked

    async def test_a_page_of_another_site_is_refused(self, server: str) -> None:
        async with stream(server, "site") as client:
            await client.until(lambda _: len(client.heard) > 0)
            foreign = {"Origin": "https://elsewhere.example"}
            assert await fill_in(server, "site", foreign, inputs="x") == 403
            outputs = Outputs()
            await outputs.listen(server, "site", foreign)
            assert outputs.status == 403

    @pytest.mark.parametrize("body", ["", "[]", "{}", '{"webrtc_id":1}', "\0", '{"webrtc_id":""}'])
    async def test_a_wrong_body_is_refused(self, server: str, body: str) -> None:
        async with httpx.AsyncClient() as browser:
            answer = await browser.post(f"{server}/input_hook", content=body)
            assert answer.status_code == 400
            assert answer.json()["message"]

    async def test_an_unknown_stream_takes_no_input(self, server: str) -> None:
        assert await fill_in(server, "unheard-of", inputs="x") == 404


def test_limits_are_told_in_fastrtcs_words(tmp_path_factory: pytest.TempPathFactory) -> None:
    async def full(url: str) -> None:
        async with stream(url, "first"), stream(url, "second") as client:
            await client.until(lambda messages: any("status" in m for m in messages))
            [failed] = [message for message in client.messages if "status" in message]
            assert failed == {
                "status": "failed",
                "meta": {"error": "concurrency_limit_reached", "limit": 1},
            }
            await asyncio.wait_for(client.socket.wait_closed(), 5)

    limits = {"VOICECHAT_LIMIT_SOCKETS_PER_PROCESS": "1"}
    with voicechat_server(tmp_path_factory.mktemp("full"), limits) as server:
        asyncio.run(full(server.url))
