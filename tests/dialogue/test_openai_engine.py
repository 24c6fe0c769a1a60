"""The openai engine against a server that speaks the real wire form."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from pytest_django import Settings

from dialogue.engine import BotInfo, DialogueError, Said, Text, UserTurn
from dialogue.openai_engine import OpenAIEngine

from .wire import Answer, Exchange, LocalServer

KEY = "sk-very-secret-0123456789"
Serve = Callable[..., Awaitable[LocalServer]]


def chunk(delta: dict[str, Any] | None, finish: str | None = None, **more: Any) -> dict[str, Any]:
    """A chunk as OpenAI writes it; without ``delta`` it has no choices, as the usage chunk."""
    choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": finish}]
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "test-model",
        "choices": choices,
        **more,
    }


async def says_hello(exchange: Exchange) -> None:
    await exchange.begin_events()
    await exchange.event(chunk({"role": "assistant", "content": ""}))
    await exchange.event(chunk({"content": "Hel"}))
    await exchange.event(chunk({"content": "lo é😀."}))
    await exchange.event(chunk({}, finish="stop"))
    usage = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
    await exchange.event(chunk(None, usage=usage))
    await exchange.end_events()


@pytest.fixture
async def engine_at(
    settings: Settings, serve: Serve
) -> AsyncIterator[Callable[[Answer], Awaitable[tuple[OpenAIEngine, LocalServer]]]]:
    engines: list[OpenAIEngine] = []

    async def start(answer: Answer) -> tuple[OpenAIEngine, LocalServer]:
        server = await serve(answer)
        settings.VOICECHAT_OPENAI_BASE_URL = f"{server.url}/v1"
        settings.VOICECHAT_OPENAI_API_KEY = KEY
        settings.VOICECHAT_OPENAI_MODEL = "test-model"
        engines.append(OpenAIEngine())
        return engines[-1], server

    yield start
    for engine in engines:
        await engine._client.close()


EngineAt = Callable[[Answer], Awaitable[tuple[OpenAIEngine, LocalServer]]]


async def said(engine: OpenAIEngine, turn: UserTurn) -> list[str]:
    return [piece.delta async for piece in engine.reply(turn) if isinstance(piece, Text)]


async def test_it_streams_deltas_and_leaves_out_empty_ones(engine_at: EngineAt) -> None:
    engine, _server = await engine_at(says_hello)
    assert await said(engine, UserTurn("Hi")) == ["Hel", "lo é😀."]


async def test_it_sends_prompt_history_and_text(engine_at: EngineAt) -> None:
    engine, server = await engine_at(says_hello)
    turn = UserTurn(
        "And you?",
        history=(Said("user", "Hi"), Said("assistant", ""), Said("assistant", "Hello")),
        bot=BotInfo(prompt="You sell flats."),
        language="pt-BR",
    )
    await said(engine, turn)
    request = server.requests[0]
    assert request.path == "/v1/chat/completions"
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.body["model"] == "test-model"
    assert request.body["stream"] is True
    system, *rest = request.body["messages"]
    assert system["role"] == "system"
    assert system["content"].startswith("You sell flats.\n\n")
    assert "spoken" in system["content"]
    assert "pt-BR" in system["content"]
    assert rest == [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello"},
        {"role": "user", "content": "And you?"},
    ]


async def test_one_client_serves_many_turns_over_one_connection(engine_at: EngineAt) -> None:
    engine, server = await engine_at(says_hello)
    await said(engine, UserTurn("Hi"))
    await said(engine, UserTurn("Hi again"))
    assert len(server.requests) == 2


async def test_a_local_server_needs_no_key(engine_at: EngineAt, settings: Settings) -> None:
    _engine, _server = await engine_at(says_hello)
    settings.VOICECHAT_OPENAI_API_KEY = ""
    keyless = OpenAIEngine()
    assert await said(keyless, UserTurn("Hi"))
    await keyless._client.close()


@pytest.mark.parametrize(
    ("status", "body", "hint"),
    [
        (401, f"Incorrect API key provided: {KEY}.", "VOICECHAT_OPENAI_API_KEY"),
        (403, "Not allowed", "VOICECHAT_OPENAI_API_KEY"),
        (404, "The model does not exist", "VOICECHAT_OPENAI_MODEL"),
        (429, "Rate limit reached", "in a minute"),
        (400, "maximum context length", "Start a new one"),
        (500, "The server had an error", "in a minute"),
    ],
)
async def test_an_error_becomes_a_sentence_without_the_key(
    engine_at: EngineAt, caplog: pytest.LogCaptureFixture, status: int, body: str, hint: str
) -> None:
    async def refuses(exchange: Exchange) -> None:
        await exchange.json(status, {"error": {"message": body, "type": "x", "code": None}})

    engine, server = await engine_at(refuses)
    with (
        caplog.at_level(logging.INFO),
        pytest.raises(DialogueError, match=hint) as raised,
    ):
        await said(engine, UserTurn("my secret question"))
    assert KEY not in str(raised.value)
    assert KEY not in caplog.text
    assert "secret question" not in caplog.text
    assert len(server.requests) == 1


async def test_an_unreachable_server_is_told(settings: Settings) -> None:
    settings.VOICECHAT_OPENAI_BASE_URL = "http://127.0.0.1:1/v1"
    engine = OpenAIEngine()
    with pytest.raises(DialogueError, match="VOICECHAT_OPENAI_BASE_URL"):
        await said(engine, UserTurn("Hi"))
    await engine._client.close()


async def test_a_server_that_hangs_is_given_up(engine_at: EngineAt, settings: Settings) -> None:
    async def hangs(exchange: Exchange) -> None:
        await exchange.disconnected()

    settings.VOICECHAT_DIALOGUE_TIMEOUT_S = 0.1
    engine, _server = await engine_at(hangs)
    with pytest.raises(DialogueError, match="too long"):
        await said(engine, UserTurn("Hi"))


async def test_a_server_that_hangs_in_mid_answer_is_given_up(
    engine_at: EngineAt, settings: Settings
) -> None:
    async def hangs(exchange: Exchange) -> None:
        await exchange.begin_events()
        await exchange.event(chunk({"content": "Well"}))
        await exchange.disconnected()

    settings.VOICECHAT_DIALOGUE_TIMEOUT_S = 0.1
    engine, _server = await engine_at(hangs)
    reply = engine.reply(UserTurn("Hi"))
    assert await anext(reply) == Text("Well")
    with pytest.raises(DialogueError, match="too long"):
        await anext(reply)


async def test_a_connection_that_breaks_in_mid_answer_is_told(engine_at: EngineAt) -> None:
    async def breaks(exchange: Exchange) -> None:
        await exchange.begin_events()
        await exchange.event(chunk({"content": "Well"}))
        exchange.writer.close()

    engine, _server = await engine_at(breaks)
    reply = engine.reply(UserTurn("Hi"))
    assert await anext(reply) == Text("Well")
    with pytest.raises(DialogueError, match="broke off"):
        await anext(reply)


async def test_a_stream_that_is_done_needs_no_reason(engine_at: EngineAt) -> None:
    async def ends(exchange: Exchange) -> None:
        await exchange.begin_events()
        await exchange.event(chunk({"content": "Well"}))
        await exchange.end_events()

    engine, _server = await engine_at(ends)
    assert await said(engine, UserTurn("Hi")) == ["Well"]


async def test_neighbouring_messages_of_one_role_become_one(engine_at: EngineAt) -> None:
    engine, server = await engine_at(says_hello)
    history = [Said("user", "One"), Said("assistant", " "), Said("user", "Two")]
    await said(engine, UserTurn("Three", history=history))
    _system, *rest = server.requests[0].body["messages"]
    assert rest == [{"role": "user", "content": "One\nTwo\nThree"}]


async def test_a_stream_that_ends_unfinished_is_broken(engine_at: EngineAt) -> None:
    async def ends(exchange: Exchange) -> None:
        await exchange.begin_events()
        await exchange.event(chunk({"content": "Well"}))
        await exchange.send(b"0\r\n\r\n")

    engine, _server = await engine_at(ends)
    with pytest.raises(DialogueError, match="broke off"):
        await said(engine, UserTurn("Hi"))


async def test_an_error_within_the_stream_is_told(engine_at: EngineAt) -> None:
    async def fails(exchange: Exchange) -> None:
        await exchange.begin_events()
        await exchange.event(chunk({"content": "Well"}))
        await exchange.event({"error": {"message": f"overloaded {KEY}", "type": "server_error"}})
        await exchange.end_events()

    engine, _server = await engine_at(fails)
    with pytest.raises(DialogueError, match="fault") as raised:
        await said(engine, UserTurn("Hi"))
    assert KEY not in str(raised.value)


@pytest.mark.parametrize("event", ["{not json", '"text"', "[]"])
async def test_what_is_no_chunk_is_told(engine_at: EngineAt, event: str) -> None:
    async def babbles(exchange: Exchange) -> None:
        await exchange.begin_events()
        await exchange.event(event)
        await exchange.end_events()

    engine, _server = await engine_at(babbles)
    with pytest.raises(DialogueError):
        await said(engine, UserTurn("Hi"))


async def test_no_answer_at_all_is_told(engine_at: EngineAt) -> None:
    async def is_silent(exchange: Exchange) -> None:
        await exchange.begin_events()
        await exchange.event(chunk({"role": "assistant", "content": None}))
        await exchange.event(chunk({}, finish="content_filter"))
        await exchange.end_events()

    engine, _server = await engine_at(is_silent)
    with pytest.raises(DialogueError, match="no answer"):
        await said(engine, UserTurn("Hi"))


class TestTheConnectionReallyCloses:
    """An interrupted reply must not go on costing money."""

    async def test_when_the_generator_is_closed(self, engine_at: EngineAt) -> None:
        left = asyncio.Event()

        async def goes_on(exchange: Exchange) -> None:
            await exchange.begin_events()
            await exchange.event(chunk({"content": "Well"}))
            await exchange.disconnected()
            left.set()

        engine, _server = await engine_at(goes_on)
        reply = engine.reply(UserTurn("Hi"))
        assert await anext(reply) == Text("Well")
        await reply.aclose()  # type: ignore[attr-defined]
        async with asyncio.timeout(5):
            await left.wait()

    async def test_when_the_task_is_cancelled_between_deltas(self, engine_at: EngineAt) -> None:
        left, spoke = asyncio.Event(), asyncio.Event()

        async def goes_on(exchange: Exchange) -> None:
            await exchange.begin_events()
            await exchange.event(chunk({"content": "Well"}))
            await exchange.disconnected()
            left.set()

        engine, _server = await engine_at(goes_on)

        async def listen() -> None:
            async for _piece in engine.reply(UserTurn("Hi")):
                spoke.set()

        await _cancel_after(listen, spoke, left)

    async def test_when_the_task_is_cancelled_before_the_first_byte(
        self, engine_at: EngineAt
    ) -> None:
        left, asked = asyncio.Event(), asyncio.Event()

        async def thinks(exchange: Exchange) -> None:
            asked.set()
            await exchange.disconnected()
            left.set()

        engine, _server = await engine_at(thinks)

        async def listen() -> None:
            async for _piece in engine.reply(UserTurn("Hi")):
                pass

        await _cancel_after(listen, asked, left)


async def _cancel_after(
    listen: Callable[[], Awaitable[None]], begun: asyncio.Event, left: asyncio.Event
) -> None:
    task = asyncio.ensure_future(listen())
    async with asyncio.timeout(5):
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await left.wait()
