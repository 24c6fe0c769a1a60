"""What a listener of a stream is told, when, and that it costs nothing while nothing happens."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from django.db import OperationalError

from accounts.models import Person
from chat import stream_outputs
from chat.process import process
from chat.sharing import topic
from chat.stream_outputs import outputs_of
from chat.streams import topic_of
from conversations import streams
from conversations.database import in_database
from conversations.models import Conversation, Turn
from conversations.streams import Claim
from feed.hub import hub
from tests.conversations.kept import keep_conversation, keep_turn

pytestmark = pytest.mark.django_db(transaction=True)
PATIENCE_S = 5
Events = AsyncGenerator[str, None]


@pytest.fixture
async def _layer(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    # An event is of one loop, and each test has one of its own.
    monkeypatch.setattr(process().draining, "begun", asyncio.Event())
    yield
    await hub().stop()


class Talk:
    """A stream ``abc`` of Ann's, and its conversation."""

    def __init__(self) -> None:
        self.claim: Claim | None = None
        self.conversation: Conversation | None = None

    async def begin(self) -> None:
        def begun() -> tuple[Claim | None, Conversation]:
            claim = streams.claim("abc", "ann", "one")
            assert claim is not None
            conversation = keep_conversation(Person.objects.create())
            streams.note_conversation(claim, str(conversation.pk))
            return claim, conversation

        self.claim, self.conversation = await in_database(begun)
        await hub().publish(topic_of("abc"), {})

    async def say(self, text: str, **more: Any) -> Turn:
        assert self.conversation is not None
        turn = await in_database(keep_turn, self.conversation, text, **more)
        await self.tell()
        return turn

    async def tell(self) -> None:
        assert self.conversation is not None
        told = {"do": "tell", "message": {"type": "turn"}, "origin": ""}
        await hub().publish(topic(str(self.conversation.pk)), told)

    async def end(self) -> None:
        assert self.claim is not None
        await in_database(streams.end, self.claim)
        await hub().publish(topic_of("abc"), {})


@pytest.fixture
def talk(_layer: None) -> Talk:
    return Talk()


@asynccontextmanager
async def listening(last: str = "", owners: set[str] | None = None) -> AsyncIterator[Events]:
    events = outputs_of("abc", owners or {"ann"}, last)
    try:
        assert await anext(events) == "retry: 1000\n\n"
        yield events
    finally:
        await events.aclose()


async def heard(events: Events) -> tuple[str, Any]:
    """The id of the next event, and what it says."""
    async with asyncio.timeout(PATIENCE_S):
        event = await anext(events)
    fields = dict(line.split(": ", 1) for line in event.strip().splitlines())
    return fields.get("id", ""), json.loads(fields["data"]) if "id" in fields else event


async def is_over(events: Events) -> bool:
    async with asyncio.timeout(PATIENCE_S):
        return await anext(events, None) is None


async def test_each_turn_comes_once_and_in_order_from_before_the_start_on(talk: Talk) -> None:
    async with listening() as events:
        await talk.begin()
        await talk.say("Hello")
        assert (await heard(events))[1] == {"role": "user", "content": "Hello"}
        await talk.say("Good day")
        assert (await heard(events))[1] == {"role": "assistant", "content": "Good day"}
        await talk.end()
        assert (await heard(events))[1] == "event: end\ndata: {}\n\n"
        assert await is_over(events)


async def test_a_reply_that_is_being_said_is_told_when_it_has_ended(talk: Talk) -> None:
    await talk.begin()
    await talk.say("Hello")
    reply = await talk.say("Good", status=Turn.Status.STREAMING)
    async with listening() as events:
        assert (await heard(events))[1]["content"] == "Hello"

        def finish() -> None:
            Turn.objects.filter(pk=reply.pk).update(text="Good day", status=Turn.Status.DONE)

        await in_database(finish)
        await talk.tell()
        assert (await heard(events))[1]["content"] == "Good day"


async def test_who_comes_back_hears_what_came_after_the_last_event(talk: Talk) -> None:
    await talk.begin()
    for text in ("one", "two", "three"):
        await talk.say(text)
    async with listening() as events:
        ids = [(await heard(events))[0] for _ in range(3)]
    async with listening(ids[0]) as events:
        assert [(await heard(events))[1]["content"] for _ in range(2)] == ["two", "three"]


@pytest.mark.parametrize(
    "last", ["x", "x/1", "39647066-c86c-4f56-abc5-249a56f6d30b/2", "/", "1", "x/99999999999999999"]
)
async def test_an_id_that_is_not_of_this_stream_means_from_the_beginning(
    talk: Talk, last: str
) -> None:
    await talk.begin()
    await talk.say("one")
    async with listening(last) as events:
        assert (await heard(events))[1]["content"] == "one"


async def test_a_stream_that_ended_without_a_word_ends_for_its_listeners(talk: Talk) -> None:
    async with listening() as events:
        claim = await in_database(streams.claim, "abc", "ann", "one")
        assert claim is not None
        await in_database(streams.end, claim)
        await hub().publish(topic_of("abc"), {})
        assert (await heard(events))[1] == "event: end\ndata: {}\n\n"
        assert await is_over(events)


async def test_somebody_else_who_takes_the_id_is_not_listened_to(talk: Talk) -> None:
    async with listening(owners={"bob"}) as events:
        await talk.begin()
        await talk.say("a secret")
        assert await is_over(events)


async def test_a_listener_who_does_not_read_holds_up_nobody_and_misses_nothing(talk: Talk) -> None:
    await talk.begin()
    async with listening() as lazy, listening() as prompt:
        for number in range(3):
            await talk.say(str(number))
            assert (await heard(prompt))[1]["content"] == str(number)
        # More than its followers' queues hold.
        for _ in range(1_000):
            await talk.tell()
        await talk.say("last")
        assert (await heard(prompt))[1]["content"] == "last"
        told = [(await heard(lazy))[1]["content"] for _ in range(4)]
        assert told == ["0", "1", "2", "last"]


async def test_many_hear_the_same(talk: Talk) -> None:
    everybody = [outputs_of("abc", {"ann"}, "") for _ in range(100)]
    for events in everybody:
        await anext(events)
    waiting = [asyncio.create_task(heard(events)) for events in everybody]
    await talk.begin()
    await talk.say("Hello")
    told = await asyncio.gather(*waiting)
    assert {json.dumps(event) for _, event in told} == {'{"role": "user", "content": "Hello"}'}
    for events in everybody:
        await events.aclose()


async def test_an_event_that_is_lost_is_made_up_for_with_the_next_beat(
    talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_outputs, "BEAT_S", 0.2)
    await talk.begin()
    async with listening() as events:
        assert (await heard(events))[1] == ": still here\n\n"
        assert talk.conversation is not None
        await in_database(keep_turn, talk.conversation, "nobody was told")
        while (event := (await heard(events))[1]) == ": still here\n\n":
            pass
        assert event["content"] == "nobody was told"


async def test_a_process_that_is_to_end_lets_its_listeners_go_at_once(
    talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await talk.begin()
    draining = process().draining
    async with listening() as events:
        waiting = asyncio.create_task(is_over(events))
        await asyncio.sleep(0.1)
        monkeypatch.setattr(draining, "is_on", True)
        draining.begun.set()
        assert await waiting


async def test_a_stream_that_does_not_begin_is_not_waited_for_for_ever(
    talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_outputs, "BEAT_S", 0.1)
    monkeypatch.setattr(stream_outputs, "START_S", 0.05)
    async with listening() as events:
        while (event := await anext(events, None)) is not None:
            assert event == ": still here\n\n"


async def test_a_database_that_fails_ends_the_connection_and_no_more(
    talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(id: str) -> None:
        raise OperationalError("gone")

    monkeypatch.setattr(streams, "find", fail)
    async with listening() as events:
        assert await is_over(events)
