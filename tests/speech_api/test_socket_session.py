"""What a real server cannot be made to do in a test: an hour that ends, engines that fail, a client
that hangs. The socket's ASGI application is driven by hand.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from typing import Any

import pytest
from limits import parse

from accounts.api_keys.making import make_key
from accounts.api_keys.tokens import sign
from accounts.api_keys.usage import Usage
from accounts.models import ApiKey, User
from conversations.database import in_database
from feed.limits.counters import Counters
from feed.limits.refusals import Refusals
from speech.tts.chain import Chain
from speech.tts.engine import Engine, TTSError, Voice
from speech_api import credentials, inbox, speaking
from speech_api import socket as module
from speech_api.service import Service
from speech_api.socket import SpeechSocket

pytestmark = pytest.mark.django_db(transaction=True)
PATIENCE_S = 10


class Scripted(Engine):
    """Says some silence, and fails when it is told to. ``fails``: before or after its first audio."""

    name = "scripted"
    rate = 24_000
    remote = False

    def __init__(self, fails: str = "", remote: bool = False) -> None:
        self.fails, self.remote = fails, remote
        self.go_on = asyncio.Event()
        self.go_on.set()
        self.closed = 0

    def voices(self) -> list[Voice]:
        return [Voice("scripted:en", "Scripted", "en", "scripted")]

    async def synthesize(
        self, text: str, voice: str, speed: float = 1.0, priority: int = 0
    ) -> AsyncGenerator[bytes, None]:
        try:
            if self.fails == "before":
                raise TTSError("no")
            yield bytes(9600)
            await self.go_on.wait()
            if self.fails == "after":
                raise TTSError("no")
            if self.fails == "oddly":
                raise ZeroDivisionError("what was said")
            yield bytes(4800)
        finally:
            self.closed += 1


class Shared:
    recogniser = None

    def __init__(self, *engines: Engine) -> None:
        self.voices = Chain(engines, cache_bytes=0)
        self.counters = Counters()
        self.refused_keys = Refusals(self.counters.rates, parse("3/minute"), lambda: None)
        self.key_usage = Usage(in_database)

    async def start(self) -> None:
        return


class Driven:
    """A socket whose client is the test."""

    def __init__(self, service: Service, token: str, session_s: float = 60) -> None:
        self._in: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.sent: list[Any] = []
        self.reads = asyncio.Event()
        self.reads.set()
        self.gone_says: type[Exception] | None = None
        scope = {
            "query_string": f"token={token}".encode(),
            "url_route": {"kwargs": {"model": "PlayDialog"}},
        }
        self.socket = SpeechSocket(scope, self._in.get, self._send, service, session_s)
        self._in.put_nowait({"type": "websocket.connect"})
        self.task = asyncio.create_task(self.socket.run())

    async def _send(self, message: dict[str, Any]) -> None:
        await self.reads.wait()
        if self.gone_says and message["type"] == "websocket.send":
            raise self.gone_says
        match message["type"]:
            case "websocket.send":
                text = message.get("text")
                self.sent.append(message["bytes"] if text is None else json.loads(text))
            case "websocket.close":
                self.sent.append(message["code"])

    def say(self, **fields: Any) -> None:
        self._in.put_nowait({"type": "websocket.receive", "text": json.dumps(fields)})

    @property
    def waiting(self) -> int:
        """What was said and not read yet."""
        return self._in.qsize()

    def leave(self) -> None:
        self._in.put_nowait({"type": "websocket.disconnect", "code": 1001})

    async def until(self, holds: Callable[[], Any]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not holds():  # noqa: ASYNC110 (an engine's health makes no event)
                await asyncio.sleep(0.005)

    async def ended(self) -> None:
        async with asyncio.timeout(PATIENCE_S):
            await self.task

    @property
    def kinds(self) -> list[Any]:
        return [
            "audio" if isinstance(one, bytes) else one["type"] if isinstance(one, dict) else one
            for one in self.sent
        ]

    @property
    def audio(self) -> list[bytes]:
        return [one for one in self.sent if isinstance(one, bytes)]

    def of(self, kind: str) -> list[Any]:
        return [one for one in self.sent if isinstance(one, dict) and one["type"] == kind]


@pytest.fixture
def key() -> ApiKey:
    return make_key(User.objects.create_user("ann"))[0]


@pytest.fixture
def token(key: ApiKey) -> str:
    return sign(key.pk, "PlayDialog")


def has_limit(driven: Driven, characters: int) -> bool:
    holder = getattr(driven.socket, "_holder", None)
    return holder is not None and holder.characters_per_minute == characters


def service_of(*engines: Engine) -> Service:
    shared = Shared(*engines)
    return Service(lambda: shared)


@pytest.mark.parametrize("format", ["mp3", "ogg", "flac", "wav", "mulaw", "pcm"])
async def test_audio_leaves_while_the_engine_still_speaks(token, format):
    engine = Scripted()
    engine.go_on.clear()
    driven = Driven(service_of(engine), token)
    driven.say(text="Hello.", output_format=format)
    await driven.until(lambda: sum(map(len, driven.audio)) > 44)  # more than the header of a WAV
    assert not driven.of("end")
    engine.go_on.set()
    await driven.until(lambda: driven.of("end"))
    driven.leave()
    await driven.ended()


class TestTheHour:
    async def test_the_running_command_ends_the_waiting_are_refused_and_the_close_is_1000(
        self, token
    ):
        engine = Scripted()
        engine.go_on.clear()
        driven = Driven(service_of(engine), token, session_s=0.2)
        for number in range(3):
            driven.say(text="Hello.", request_id=number, output_format="pcm")
        await driven.until(lambda: "audio" in driven.kinds)
        await asyncio.sleep(0.25)
        engine.go_on.set()
        await driven.ended()
        triple = ["start", "error", "end"]
        assert driven.kinds == ["start", "audio", "audio", "end", *triple, *triple, 1000]
        assert [error["code"] for error in driven.of("error")] == ["session_over"] * 2
        assert [end["status"] for end in driven.of("end")] == [200, 401, 401]
        assert [end["request_id"] for end in driven.of("end")] == [0, 1, 2]

    async def test_an_idle_one_is_closed_1000(self, token):
        driven = Driven(service_of(Scripted()), token, session_s=0.05)
        await driven.ended()
        assert driven.kinds == [1000]


class TestAnEngineThatFails:
    async def test_at_once_is_a_refusal(self, token):
        driven = Driven(service_of(Scripted("before")), token)
        driven.say(text="Hello.")
        await driven.until(lambda: driven.of("end"))
        assert driven.kinds == ["start", "error", "end"]
        assert driven.of("start")[0]["status"] == driven.of("end")[0]["status"] == 502
        driven.leave()
        await driven.ended()

    @pytest.mark.parametrize("how", ["after", "oddly"])
    async def test_in_the_middle_is_an_error_before_the_end(self, token, caplog, how):
        engine = Scripted(how)
        driven = Driven(service_of(engine), token)
        driven.say(text="what was said", output_format="pcm")
        await driven.until(lambda: driven.of("end"))
        assert driven.kinds == ["start", "audio", "error", "end"]
        assert driven.of("end")[0]["status"] == 502
        assert "what was said" not in "".join(
            record.getMessage() for record in caplog.records if record.name.startswith("speech_api")
        )
        engine.fails = ""
        driven.say(text="Hello.", output_format="pcm")
        await driven.until(lambda: len(driven.of("end")) == 2)
        assert driven.of("end")[1]["status"] == 200
        driven.leave()
        await driven.ended()

    async def test_a_remote_one_is_stood_in_for(self, token):
        remote = Scripted("", remote=True)
        service = service_of(remote)
        await service.voices.start()
        driven = Driven(service, token)
        await driven.until(lambda: service.voices.choose(None, "en").engine is remote)
        remote.fails = "before"
        driven.say(text="Hello.", voice="scripted:en", output_format="pcm")
        await driven.until(lambda: driven.of("end"))
        assert driven.of("end")[0]["status"] == 200
        assert driven.of("start")[0]["voice"] == "espeak:en-us"
        driven.leave()
        await driven.ended()
        await service.voices.stop()


class TestOurOwnFaults:
    async def test_with_a_command_are_told_in_its_place(self, token, monkeypatch, caplog):
        def encoder_for(*_: Any) -> None:
            raise ZeroDivisionError("what was said")

        driven = Driven(service_of(Scripted()), token)
        with monkeypatch.context() as patched:
            patched.setattr(speaking, "encoder_for", encoder_for)
            driven.say(text="what was said", request_id=1)
            await driven.until(lambda: driven.of("end"))
        assert driven.kinds == ["start", "error", "end"]
        assert (driven.of("error")[0]["status"], driven.of("error")[0]["code"]) == (500, "internal")
        assert "what was said" not in caplog.text
        assert "ZeroDivisionError" in caplog.text
        driven.say(text="Hello.", output_format="pcm")
        await driven.until(lambda: len(driven.of("end")) == 2)
        assert driven.of("end")[1]["status"] == 200
        driven.leave()
        await driven.ended()

    async def test_with_the_socket_close_it_1011(self, token, monkeypatch):
        async def spend(*_: Any) -> None:
            raise ZeroDivisionError

        monkeypatch.setattr(module, "spend", spend)
        driven = Driven(service_of(Scripted()), token)
        driven.say(text="Hello.")
        await driven.ended()
        assert driven.kinds == [1011]

    async def test_before_it_is_let_in_close_it_1011(self, token, monkeypatch):
        async def holder_of_token(*_: Any) -> None:
            raise OSError  # the database is away

        monkeypatch.setattr(module, "holder_of_token", holder_of_token)
        driven = Driven(service_of(Scripted()), token)
        await driven.ended()
        assert driven.kinds == [1011]


async def test_commands_ask_the_database_nothing(token, monkeypatch):
    asked = []
    in_database = credentials.in_database

    async def counted(call: Any, *arguments: Any) -> Any:
        asked.append(call)
        return await in_database(call, *arguments)

    monkeypatch.setattr(credentials, "in_database", counted)
    service = service_of(Scripted())
    written = []
    monkeypatch.setattr(service.usage, "_in_database", counted_writes(written))
    driven = Driven(service, token)
    for _ in range(50):
        driven.say(text="Hello.", output_format="pcm")
    await driven.until(lambda: len(driven.of("end")) == 50)
    assert len(asked) == 1  # whose token it is
    driven.leave()
    await driven.ended()
    await service.usage.stop()
    assert sum(written) == 50  # together, every few seconds and at the end
    assert len(written) < 50


def counted_writes(written: list[int]) -> Callable[..., Any]:
    async def in_database(_write: Any, counts: Any, _used: Any) -> None:
        written.append(sum(count.commands for count in counts.values()))

    return in_database


class TestLeaving:
    async def test_who_leaves_ends_the_synthesis(self, token):
        engine = Scripted()
        engine.go_on.clear()
        driven = Driven(service_of(engine), token)
        driven.say(text="Hello.", output_format="pcm")
        await driven.until(lambda: "audio" in driven.kinds)
        driven.leave()
        await driven.ended()
        assert engine.closed == 1

    async def test_who_does_not_read_is_let_go(self, token, monkeypatch):
        monkeypatch.setattr(module, "SEND_S", 0.1)
        engine = Scripted()
        driven = Driven(service_of(engine), token)
        await asyncio.sleep(0)
        driven.say(text="Hello.", output_format="pcm")
        await driven.until(lambda: driven.of("start"))
        driven.reads.clear()
        driven.say(text="Hello.", output_format="pcm")
        await driven.ended()
        assert engine.closed >= 1

    @pytest.mark.parametrize("says", [OSError, RuntimeError])
    async def test_who_goes_while_being_spoken_to_is_no_fault_of_ours(self, token, caplog, says):
        driven = Driven(service_of(Scripted()), token)
        driven.gone_says = says
        driven.say(text="Hello.", output_format="pcm")
        await driven.ended()
        assert not [record for record in caplog.records if record.name.startswith("speech_api")]


class TestTooMuchAtOnce:
    @pytest.fixture(autouse=True)
    def small(self, monkeypatch):
        monkeypatch.setattr(inbox, "BUDGET_BYTES", 500)
        monkeypatch.setattr(inbox, "REFUSED_BYTES", 500)
        monkeypatch.setattr(inbox, "PATIENCE_S", 0.02)

    async def test_commands_that_find_no_room_are_refused_in_their_place(self, token):
        engine = Scripted()
        engine.go_on.clear()
        driven = Driven(service_of(engine), token)
        for number in range(10):
            driven.say(text="Hello.", request_id=number, output_format="pcm")
        await driven.until(lambda: driven.waiting == 0)
        engine.go_on.set()
        await driven.until(lambda: len(driven.of("end")) == 10)
        assert [end["request_id"] for end in driven.of("end")] == list(range(10))
        statuses = [end["status"] for end in driven.of("end")]
        assert statuses == sorted(statuses)
        assert set(statuses) == {200, 429}
        assert {error["code"] for error in driven.of("error")} == {"too_many_waiting"}
        driven.say(text="Hello.", request_id="next", output_format="pcm")
        await driven.until(lambda: len(driven.of("end")) == 11)
        assert driven.of("end")[-1]["status"] == 200
        driven.leave()
        await driven.ended()

    async def test_who_goes_on_for_ever_is_closed_1013(self, token):
        engine = Scripted()
        engine.go_on.clear()
        driven = Driven(service_of(engine), token)
        for number in range(40):
            driven.say(text="Hello.", request_id=number, output_format="pcm")
        await driven.ended()
        assert driven.kinds == ["start", "audio", "error", 1013]
        assert driven.of("error")[0]["code"] == "too_many_waiting"
        assert engine.closed == 1


class TestARevokedKey:
    @pytest.mark.parametrize("speaks", [True, False])
    async def test_its_open_socket_is_cut_off_with_1008(self, token, key, monkeypatch, speaks):
        monkeypatch.setattr(module, "LOOK_S", 0.05)
        engine = Scripted()
        driven = Driven(service_of(engine), token)
        driven.say(text="Hello.", output_format="pcm")
        await driven.until(lambda: driven.of("end"))
        if speaks:
            engine.go_on.clear()
            driven.say(text="Hello.", output_format="pcm")
            await driven.until(lambda: len(driven.of("start")) == 2)
        await asyncio.to_thread(key.revoke)
        await driven.ended()
        assert driven.kinds[-2:] == ["error", 1008]
        assert driven.of("error")[0]["code"] == "revoked_key"
        assert engine.closed == 1 + speaks

    async def test_a_database_that_is_away_cuts_nobody_off(self, token, monkeypatch):
        monkeypatch.setattr(module, "LOOK_S", 0.02)
        looked = asyncio.Event()

        async def away(*_: Any) -> None:
            looked.set()
            raise OSError

        monkeypatch.setattr(module, "still_holds", away)
        driven = Driven(service_of(Scripted()), token)
        await asyncio.wait_for(looked.wait(), PATIENCE_S)
        driven.say(text="Hello.")
        await driven.until(lambda: driven.of("end"))
        driven.leave()
        await driven.ended()

    async def test_limits_that_were_changed_hold_for_it(self, token, key, monkeypatch):
        monkeypatch.setattr(module, "LOOK_S", 0.02)
        driven = Driven(service_of(Scripted()), token)
        key.characters_per_minute = 1
        await key.asave()
        await driven.until(lambda: has_limit(driven, 1))
        driven.say(text="Hello.")
        await driven.until(lambda: driven.of("end"))
        assert driven.of("error")[0]["code"] == "text_too_long"
        driven.leave()
        await driven.ended()


async def test_its_visit_counts_only_while_it_lasts(token, key):
    key.sockets = 1
    await key.asave()
    service = service_of(Scripted())
    first = Driven(service, token)
    first.say(text="Hello.")
    await first.until(lambda: first.of("end"))
    second = Driven(service, token)
    await second.ended()
    assert second.kinds == ["error", 1013]
    first.leave()
    await first.ended()
    third = Driven(service, token)
    third.say(text="Hello.")
    await third.until(lambda: third.of("end"))
    third.leave()
    await third.ended()
