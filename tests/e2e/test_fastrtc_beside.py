"""Beside a FastRTC stream at real servers: who may listen and fill in, how much, and until when."""

from __future__ import annotations

import asyncio
import json
import signal
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress

import httpx
import pytest
import websockets

from tests.services import VoicechatServer, redis_server, voicechat_server
from tests.speech.recordings import cards

from .fastrtc_client import Json, Outputs, Stream, fill_in, stream
from .person import guest_cookies

StartServer = Callable[..., VoicechatServer]
ASKING = {"VOICECHAT_DIALOGUE": "tests.e2e.bots.Asking"}
# As if a proxy had forwarded them: nobody is a developer then.
ELSEWHERE = {"X-Forwarded-For": "203.0.113.9"}


@pytest.fixture(scope="module")
def instances(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[VoicechatServer]]:
    folder = tmp_path_factory.mktemp("beside")
    with redis_server() as redis:
        environment = ASKING | {"REDIS_URL": redis}
        with (
            voicechat_server(folder, environment) as one,
            voicechat_server(folder, environment) as other,
        ):
            yield [one, other]


async def guest(url: str) -> dict[str, str]:
    """The headers of somebody with a session, at a page of the server."""
    return {"Cookie": await guest_cookies(url), "Origin": url, **ELSEWHERE}


@asynccontextmanager
async def listening(url: str, id: str, last: str = "") -> AsyncIterator[Outputs]:
    """Somebody who listens meanwhile."""
    outputs = Outputs()
    headers = {"Last-Event-ID": last} if last else None
    task = asyncio.create_task(outputs.listen(url, id, headers))
    try:
        yield outputs
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not true():  # noqa: ASYNC110 (events of other tasks)
            await asyncio.sleep(0.02)


async def everything(socket: websockets.ClientConnection) -> list[Json]:
    """All that comes until the server closes."""
    told: list[Json] = []
    with suppress(websockets.ConnectionClosed):
        async for frame in socket:
            told.append(json.loads(frame))  # noqa: PERF401 (what came before it closed counts)
    return told


async def is_asked(client: Stream) -> None:
    """They say something, and are asked for a form."""
    await client.quiet()
    client.say(cards()[0].pcm(48_000))
    await client.until_told("send_input")


class TestWho:
    async def test_a_session_listens_and_fills_in_and_another_does_not(
        self, instances: list[VoicechatServer]
    ) -> None:
        here, elsewhere = (instance.url for instance in instances)
        # One data directory: a session is one at both.
        ann, bob = await guest(here), await guest(here)
        async with stream(here, "anns", headers=ann) as client:
            await client.until(lambda _: len(client.heard) > 0)
            for url in (here, elsewhere):
                wrong = Outputs()
                await wrong.listen(url, "anns", {**bob, "Origin": url})
                assert wrong.status == 403
                assert await fill_in(url, "anns", {**bob, "Origin": url}, inputs="x") == 403
                assert await fill_in(url, "anns", {**ann, "Origin": url}, inputs="x") == 409

    async def test_a_session_that_was_ended_owns_nothing_any_more(
        self, instances: list[VoicechatServer]
    ) -> None:
        url = instances[0].url
        async with httpx.AsyncClient(base_url=url) as browser:
            await browser.get("/accounts/login/")
            token = browser.cookies["csrftoken"]
            await browser.post(
                "/accounts/login/",
                data={
                    "login": "admin",
                    "password": instances[0].password,
                    "csrfmiddlewaretoken": token,
                },
            )
            cookies = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
            ann = {"Cookie": cookies, "Origin": url, **ELSEWHERE}
            async with stream(url, "logged-in", headers=ann) as client:
                await client.until(lambda _: len(client.heard) > 0)
                assert await fill_in(url, "logged-in", ann, inputs="x") == 409
                token = browser.cookies["csrftoken"]
                out = await browser.post("/accounts/logout/", data={"csrfmiddlewaretoken": token})
                assert out.status_code < 400
                await asyncio.wait_for(client.socket.wait_closed(), 10)
            assert await fill_in(url, "logged-in", ann, inputs="x") == 403
            outputs = Outputs()
            await outputs.listen(url, "logged-in", ann)
            assert outputs.status == 403

    async def test_an_origin_that_is_none_is_refused(
        self, instances: list[VoicechatServer]
    ) -> None:
        for origin in ("null", "http://[", "https://"):
            headers = {"Origin": origin}
            outputs = Outputs()
            await outputs.listen(instances[0].url, "some", headers)
            assert outputs.status == 403
            assert await fill_in(instances[0].url, "some", headers, inputs="x") == 403


class TestWhat:
    @pytest.mark.parametrize(
        "inputs", ["9" * 30, "[" * 900 + "]" * 900, '{"name":' + "[" * 600 + "]" * 600 + "}"]
    )
    async def test_what_the_feed_could_not_carry_disturbs_nobody(
        self, instances: list[VoicechatServer], inputs: str
    ) -> None:
        here, elsewhere = (instance.url for instance in instances)
        strange, usual = uuid.uuid4().hex, uuid.uuid4().hex
        async with stream(here, strange) as client, stream(elsewhere, usual) as other:
            await asyncio.gather(is_asked(client), is_asked(other))
            async with httpx.AsyncClient(timeout=20) as browser:
                answer = await browser.post(
                    f"{elsewhere}/input_hook",
                    content=f'{{"webrtc_id":"{strange}","inputs":{inputs}}}',
                )
            assert answer.status_code == 200
            # The feed goes on at both ends of it.
            assert await fill_in(here, usual, inputs="Ann") == 200
        for instance in instances:
            assert "refused group_send: OverflowError" not in instance.log.read_text()

    async def test_a_body_that_is_too_big_is_refused(
        self, instances: list[VoicechatServer]
    ) -> None:
        for size in (70_000, 4_000_000):
            assert await fill_in(instances[0].url, "some", inputs="x" * size) == 413

    async def test_other_ways_of_asking_are_refused(self, instances: list[VoicechatServer]) -> None:
        async with httpx.AsyncClient(base_url=instances[0].url) as browser:
            assert (await browser.get("/input_hook")).status_code == 405
            assert (await browser.head("/outputs?webrtc_id=x")).status_code == 405
            for query in ("", "?webrtc_id=", "?webrtc_id=a%20b", "?webrtc_id=" + "x" * 101):
                assert (await browser.get("/outputs" + query)).status_code == 400


class TestHowMuch:
    async def test_a_person_fills_in_and_listens_so_often_and_no_oftener(
        self, start_server: StartServer
    ) -> None:
        limits = {
            "VOICECHAT_LIMIT_TURNS_PER_PERSON": "3/minute",
            "VOICECHAT_LIMIT_SOCKETS_PER_PERSON": "2",
        }
        url = start_server(**ASKING, **limits).url
        ann, bob = await guest(url), await guest(url)
        got = [await fill_in(url, "none", ann, inputs="x") for _ in range(5)]
        assert got == [404, 404, 404, 429, 429]
        assert await fill_in(url, "none", bob, inputs="x") == 404
        async with httpx.AsyncClient(timeout=20) as browser:
            address = f"{url}/outputs?webrtc_id=none"
            async with (
                browser.stream("GET", address, headers=ann) as one,
                browser.stream("GET", address, headers=ann) as two,
                browser.stream("GET", address, headers=bob) as other,
            ):
                assert [one.status_code, two.status_code, other.status_code] == [200] * 3
                refused = await browser.get(address, headers=ann)
                assert refused.status_code == 429
                assert refused.json()["error"] == "busy"
                assert int(refused.headers["Retry-After"]) > 0
            # Places are free again when the listeners have gone.
            async with asyncio.timeout(10):
                while True:
                    async with browser.stream("GET", address, headers=ann) as again:
                        if again.status_code == 200:
                            break
                    await asyncio.sleep(0.1)

    async def test_many_listen_and_those_who_do_not_read_hold_up_nobody(
        self, instances: list[VoicechatServer]
    ) -> None:
        here, elsewhere = (instance.url for instance in instances)
        idle = []
        for _ in range(20):
            host, port = here.removeprefix("http://").split(":")
            reader, writer = await asyncio.open_connection(host, int(port), limit=64)
            writer.write(
                b"GET /outputs?webrtc_id=crowd HTTP/1.1\r\nHost: %s\r\n\r\n" % host.encode()
            )
            idle.append((reader, writer))
        crowd = [Outputs() for _ in range(30)]
        tasks = [
            asyncio.create_task(outputs.listen(url, "crowd"))
            for outputs, url in zip(crowd, [here, elsewhere] * 15, strict=True)
        ]
        async with stream(here, "crowd") as client:
            await is_asked(client)
            assert await fill_in(elsewhere, "crowd", inputs=["Ann", "Oslo"]) == 200
            await until(lambda: all(len(outputs.events) > 1 for outputs in crowd))
            await client.send(event="stop")
            await asyncio.wait_for(asyncio.gather(*tasks), 30)
        assert {json.dumps(outputs.events) for outputs in crowd} == {json.dumps(crowd[0].events)}
        assert all(outputs.has_ended for outputs in crowd)
        for _, writer in idle:
            writer.close()

    async def test_whoever_has_spoken_for_long_enough_is_told_and_nobody_else_is_cut_off(
        self, start_server: StartServer
    ) -> None:
        url = start_server(**ASKING, VOICECHAT_LIMIT_AUDIO_SECONDS_PER_PERSON="8/minute").url
        async with stream(url, "long") as client:
            await client.until_told("log", "response_starting")
            # What was heard is counted every 5 s: by then this one is over 8 s, and the other is not.
            await asyncio.sleep(6)
            async with stream(url, "short") as other:
                error = await client.until_told("error")
                assert error["code"] == "busy"
                assert error["message"] == error["data"]
                await asyncio.wait_for(client.socket.wait_closed(), 5)
                assert client.socket.close_code == 4429
                assert client.messages[-1]["type"] == "end_stream"
                assert other.heard
                await asyncio.wait_for(await other.socket.ping(), 5)


class TestUntilWhen:
    async def test_listeners_go_on_elsewhere_when_their_instance_ends(
        self, start_server: StartServer, redis_server: str
    ) -> None:
        environment = ASKING | {"REDIS_URL": redis_server}
        leaving, staying = start_server(**environment), start_server(**environment)
        async with stream(staying.url, "goes-on") as client:
            await is_asked(client)
            before = Outputs()
            task = asyncio.create_task(before.listen(leaving.url, "goes-on"))
            await until(lambda: len(before.events) > 0)
            leaving.process.send_signal(signal.SIGTERM)
            asked_at = time.monotonic()
            await asyncio.wait_for(asyncio.gather(task, return_exceptions=True), 10)
            assert time.monotonic() - asked_at < 3
            assert not before.has_ended
            await asyncio.to_thread(leaving.process.wait, 15)
            async with listening(staying.url, "goes-on", before.ids[-1]) as after:
                assert await fill_in(staying.url, "goes-on", inputs=["Ann"]) == 200
                await until(lambda: any("Welcome" in said["content"] for said in after.events))
            assert not [event for event in after.events if event in before.events]

    async def test_a_stream_whose_instance_ends_is_over_for_listeners_elsewhere(
        self, start_server: StartServer, redis_server: str
    ) -> None:
        environment = ASKING | {"REDIS_URL": redis_server, "VOICECHAT_DRAIN_TIMEOUT": "3"}
        leaving, staying = start_server(**environment), start_server(**environment)
        async with stream(leaving.url, "ends") as client, listening(staying.url, "ends") as told:
            await client.quiet()
            leaving.process.send_signal(signal.SIGTERM)
            assert (await client.until_told("warning"))["code"] == "going_away"
            await asyncio.wait_for(client.socket.wait_closed(), 10)
            await until(lambda: told.has_ended)
        # And its id is free.
        async with stream(staying.url, "ends") as client:
            await client.until(lambda _: len(client.heard) > 0)


class TestTheSocketItself:
    async def test_ten_frames_that_cannot_be_read_are_enough_before_a_start(
        self, instances: list[VoicechatServer]
    ) -> None:
        address = instances[0].url.replace("http", "ws", 1) + "/websocket/offer"
        async with websockets.connect(address) as socket:
            for _ in range(10):
                await socket.send("?")
            told = await everything(socket)
            assert [message["type"] for message in told] == ["error"] * 10 + ["end_stream"]
            assert socket.close_code == 4400

    async def test_who_only_ever_sends_sound_before_a_start_is_sent_away(
        self, instances: list[VoicechatServer]
    ) -> None:
        address = instances[0].url.replace("http", "ws", 1) + "/websocket/offer"
        async with websockets.connect(address) as socket:
            for _ in range(3_001):
                await socket.send('{"event":"media","media":{"payload":"AAAA"}}')
            told = await everything(socket)
            assert [message["type"] for message in told] == ["error", "end_stream"]
            assert socket.close_code == 4400

    async def test_what_comes_after_a_refusal_is_ignored(
        self, instances: list[VoicechatServer]
    ) -> None:
        address = instances[0].url.replace("http", "ws", 1) + "/websocket/offer"
        start = '{"event":"start","websocket_id":"%s"}'
        async with stream(instances[0].url, "taken") as client:
            async with websockets.connect(address) as socket:
                # In one piece, so that all of it has come before the first is answered.
                async with asyncio.timeout(10):
                    for frame in [start % "taken", '{"event":"ping"}', start % "next", "?"] * 5:
                        await socket.send(frame)
                    told = await everything(socket)
            assert [message["type"] for message in told] == ["error", "end_stream"]
            assert socket.close_code == 4403
            heard = len(client.heard)
            await client.until(lambda _: len(client.heard) > heard)
        assert "Exception in ASGI" not in instances[0].log.read_text()
        assert await fill_in(instances[0].url, "next", inputs="x") == 404

    @pytest.mark.parametrize("rate", [16_000, 44_100])
    async def test_words_are_understood_at_whatever_rate_they_come(
        self, instances: list[VoicechatServer], rate: int
    ) -> None:
        id, url = f"at-{rate}", instances[0].url
        async with (
            stream(url, id, f"?input_rate={rate}", rate) as client,
            listening(url, id) as told,
        ):
            await client.quiet()
            client.say(cards()[0].pcm(rate))
            await until(lambda: any(event["role"] == "user" for event in told.events))
            said = next(event for event in told.events if event["role"] == "user")
            assert set(said["content"].lower().split()) & set(cards()[0].text.split())
