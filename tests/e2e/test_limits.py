"""Limits that two real servers keep together, with a real Redis between them and without."""

from __future__ import annotations

import asyncio
import itertools
import json
import signal
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

import pytest
import websockets

from ..services import VoicechatServer, free_port, redis_server
from ..speech_api.client import bearer, hear, new_key, say, socket_url
from .person import Person, guest_cookies, person

StartServer = Callable[..., VoicechatServer]
# Behind a proxy, which says where people come from.
PROXY = {"VOICECHAT_TRUST_PROXY": "1"}
HOME, OFFICE = "192.0.2.1", "198.51.100.7"


@pytest.fixture
def start_two(start_server: StartServer, redis_server: str) -> Callable[..., list[VoicechatServer]]:
    def start(**limits: str) -> list[VoicechatServer]:
        shared = {"REDIS_URL": redis_server, **PROXY, **limits}
        return [start_server(**shared) for _ in range(2)]

    return start


@asynccontextmanager
async def visitor(server: VoicechatServer, cookies: str, address: str) -> AsyncIterator[Person]:
    """Somebody with a session, through a proxy that tells their address."""
    headers = {"origin": server.url, "X-Forwarded-For": f"8.8.8.8, {address}"}
    async with person(server.socket_url, cookies, **headers) as guest:
        yield guest


async def refused(guest: Person) -> tuple[dict[str, Any], int]:
    """What somebody is told who is not let in."""
    error = await guest.until("error")
    return error, await guest.closed()


async def test_sockets_of_a_person_are_counted_on_both_and_lapse_with_the_instance(
    start_server, redis_server
):
    limits = {"VOICECHAT_LIMIT_SOCKETS_PER_PERSON": "2", "REDIS_URL": redis_server, **PROXY}
    one, two = start_server(**limits), start_server(**limits)
    cookies = await guest_cookies(one.url)
    async with AsyncExitStack() as tabs:
        for server in (one, two):
            tab = await tabs.enter_async_context(visitor(server, cookies, HOME))
            await tab.hello()
        for server in (one, two):
            async with visitor(server, cookies, OFFICE) as third:
                error, close = await refused(third)
                assert (error["code"], close) == ("busy", 4429)
                assert error["retry"] > 0
                assert "too many connections" in error["message"]
        async with visitor(two, await guest_cookies(two.url), HOME) as somebody_else:
            await somebody_else.hello()
        one.process.send_signal(signal.SIGKILL)
        one.process.wait()
        # The lease of the socket that died lapses; 30 s and the time to ask.
        async with asyncio.timeout(45):
            while True:
                async with visitor(two, cookies, HOME) as again:
                    with suppress(websockets.ConnectionClosed):  # refused already
                        await again.send(type="hello", version=1)
                    if (await again.hear())["type"] == "ready":
                        break
                await asyncio.sleep(1)


async def test_connects_of_an_address_are_counted_on_both(start_two):
    one, two = start_two(VOICECHAT_LIMIT_CONNECTS_PER_ADDRESS="4/minute")
    cookies = await guest_cookies(one.url)
    for server in (one, two, one, two):
        async with visitor(server, cookies, HOME) as guest:
            await guest.hello()
    for server in (one, two):
        async with visitor(server, cookies, HOME) as guest:
            error, close = await refused(guest)
            assert (error["code"], close) == ("busy", 4429)
            assert 1 <= error["retry"] <= 60
    watching = one.url.replace("http", "ws", 1) + f"/ws/watch/{uuid.uuid4()}/"
    async with person(watching, "", **{"X-Forwarded-For": f"8.8.8.8, {HOME}"}) as reader:
        assert (await refused(reader))[1] == 4429
    async with visitor(one, cookies, OFFICE) as guest:
        await guest.hello()


async def test_turns_of_a_person_are_counted_on_both_and_the_call_goes_on(start_two):
    one, two = start_two(VOICECHAT_LIMIT_TURNS_PER_PERSON="2/minute")
    cookies = await guest_cookies(one.url)
    for server in (one, two):
        async with visitor(server, cookies, HOME) as guest:
            await guest.hello()
            assert (await guest.ask("hello"))["status"] == "done"
    async with visitor(one, cookies, HOME) as guest:
        await guest.hello()
        id = await guest.type("one too many")
        error = await guest.until("error", id=id)
        assert error["code"] == "busy"
        assert 1 <= error["retry"] <= 60
        await guest.send(type="ping", id="still-here")
        await guest.until("pong", id="still-here")


async def test_bytes_of_a_person_end_their_calls_on_both(start_two):
    """Counted where they come, settled within seconds, and not let in again."""
    one, two = start_two(VOICECHAT_LIMIT_BYTES_PER_PERSON="3000/hour")
    cookies = await guest_cookies(one.url)
    async with visitor(one, cookies, HOME) as here, visitor(two, cookies, HOME) as there:
        for guest in (here, there):
            await guest.hello()
            for _ in range(20):
                await guest.send(type="ping", id="x" * 60)
        closed = [asyncio.create_task(guest.closed()) for guest in (here, there)]
        # Neither has sent so much by itself.
        done, waiting = await asyncio.wait(closed, timeout=15, return_when="FIRST_COMPLETED")
        assert {task.result() for task in done} == {4429}
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
    async with visitor(two, cookies, OFFICE) as again:
        error, close = await refused(again)
        assert (error["code"], close) == ("busy", 4429)
        assert error["retry"] >= 1


async def test_a_full_process_sends_people_away_for_a_while(start_server):
    server = start_server(VOICECHAT_LIMIT_SOCKETS_PER_PROCESS="1")
    async with person(server.socket_url) as first:
        await first.hello()
        async with person(server.socket_url) as second:
            error, close = await refused(second)
            assert (error["code"], close) == ("full", 1013)
            assert error["retry"] > 0
    async with asyncio.timeout(10):
        while True:
            try:
                async with person(server.socket_url) as third:
                    await third.hello()
                    break
            except websockets.ConnectionClosed:
                await asyncio.sleep(0.05)


async def test_without_redis_each_instance_counts_by_itself_and_people_still_come(start_server):
    with redis_server(port := free_port()) as url:
        server = start_server(
            REDIS_URL=url,
            VOICECHAT_LOG_FORMAT="json",
            VOICECHAT_LIMIT_CONNECTS_PER_ADDRESS="3/minute",
            **PROXY,
        )
        cookies = await guest_cookies(server.url)
        async with visitor(server, cookies, HOME) as guest:
            await guest.hello()
    for _ in range(3):
        async with visitor(server, cookies, HOME) as guest:
            await guest.hello()
            assert (await guest.ask("hello"))["status"] == "done"
    async with visitor(server, cookies, HOME) as guest:
        assert (await refused(guest))[1] == 4429
    told = [json.loads(line) for line in server.log.read_text().splitlines() if line[:1] == "{"]
    alone = [line for line in told if line["message"].startswith("limits hold for each process")]
    assert len(alone) == 1
    with redis_server(port):
        async with asyncio.timeout(20):
            for house in itertools.count(1):
                async with visitor(server, cookies, f"203.0.113.{house}") as guest:
                    await guest.hello()
                if "limits hold across instances again" in server.log.read_text():
                    break
                await asyncio.sleep(0.5)


async def test_who_sends_too_much_before_saying_what_they_speak_is_sent_away_too(start_server):
    server = start_server(VOICECHAT_LIMIT_BYTES_PER_ADDRESS="1000/hour", **PROXY)
    async with visitor(server, await guest_cookies(server.url), HOME) as guest:
        await guest.socket.send("x" * 2_000)
        await guest.until("error", code="bad_message")
        error = await guest.until("error", code="busy")
        assert error["retry"] > 0
        assert await guest.closed() == 4429


async def test_a_keys_calls_and_speech_sockets_are_counted_together_on_both(start_two):
    one, two = start_two()
    key = new_key(one, voice=1, sockets=1, commands_per_minute=2)
    headers = bearer(key) | {"X-Forwarded-For": HOME}
    async with websockets.connect(await socket_url(one, key), additional_headers=headers) as speech:
        await say(speech, text="Hello.", output_format="pcm")
        assert (await hear(speech)).end["status"] == 200
        async with person(two.socket_url, **headers) as program:
            error, close = await refused(program)
            assert (error["code"], close) == ("busy", 4429)
    async with person(two.socket_url, **headers) as program:
        await program.hello()
        await program.ask("hello")
        id = await program.type("once more")
        error = await program.until("error")
        assert (error["code"], error["id"]) == ("busy", id)
        assert error["retry"] > 0


async def test_wrong_keys_of_an_address_are_counted_on_both(start_two):
    one, two = start_two(VOICECHAT_LIMIT_REFUSED_KEYS_PER_ADDRESS="2/minute")
    wrong = bearer("vc_wrong") | {"X-Forwarded-For": HOME}
    for server, code in (
        (one, "not_admitted"),
        (two, "not_admitted"),
        (one, "busy"),
        (two, "busy"),
    ):
        async with person(server.socket_url, **wrong) as program:
            error, _ = await refused(program)
            assert error["code"] == code
