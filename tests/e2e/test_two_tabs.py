"""One person, twice in a conversation."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from tests.services import VoicechatServer

from .moody import MOODY, turns_of
from .person import Person, guest_cookies, person

StartServer = Callable[..., VoicechatServer]


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
