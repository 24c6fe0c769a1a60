"""Calls to the real server in each dialect: recordings of people go in, the bot's voice comes out."""

from __future__ import annotations

import asyncio
import base64
import json
import sqlite3
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import websockets

from speech import g711
from speech.pcm import nbytes
from tests.chat.protocols.voicebot_starts import CONNECTED, TWILIO, VOICEBOT, exotel, twilio
from tests.chat.test_webhooks import signature
from tests.e2e.person import person
from tests.services import VoicechatServer, voicechat_server
from tests.speech.recordings import cards, readings
from tests.speech_api.client import new_key

PATIENCE_S = 30
# So many pieces of 200 ms are the notice that the call is recorded; it is not to be cut.
GREETING_AT = 10
TOKEN = "a-secret-of-the-operator"
# On loopback everybody is a guest, unless somebody has forwarded them.
STRANGER = {"X-Forwarded-For": "203.0.113.9"}
Json = dict[str, Any]

EXOTEL_16K = exotel(
    media_format={"encoding": "audio/x-raw", "sample_rate": "16000", "bit_rate": "16"}
)


class Caller:
    """A telephone in one of the dialects: plays what comes by the clock, and returns marks."""

    def __init__(self, socket: websockets.ClientConnection, start: Json, rate: int = 8000) -> None:
        self.socket = socket
        self.start = start
        self.rate = rate
        self.mulaw = "mediaFormat" in start["start"]  # Twilio alone spells it so
        self.messages: list[Json] = []
        # What the bot said, as S16LE, and how much of it has been played or cleared.
        self.heard = b""
        self._arrived = asyncio.Condition()
        self._playback: asyncio.Queue[Json] = asyncio.Queue()
        self._mine = b""

    async def send(self, **message: Any) -> None:
        await self.socket.send(json.dumps(message))

    async def begin(self) -> None:
        if self.start is not VOICEBOT:
            await self.send(**CONNECTED)
        await self.send(**self.start)

    def say(self, pcm: bytes) -> None:
        """Speak S16LE at the rate of the call from now on."""
        self._mine = pcm

    async def speak(self) -> None:
        """The microphone: a piece every 100 ms, silence where nothing is said."""
        size = nbytes(100, self.rate)
        due = asyncio.get_running_loop().time()
        while True:
            piece, self._mine = self._mine[:size].ljust(size, b"\0"), self._mine[size:]
            coded = g711.encode_ulaw(piece) if self.mulaw else piece
            await self.send(event="media", media={"payload": base64.b64encode(coded).decode()})
            due += 0.1
            await asyncio.sleep(max(0.0, due - asyncio.get_running_loop().time()))

    async def listen(self) -> None:
        async for frame in self.socket:
            message: Json = json.loads(frame)
            async with self._arrived:
                self.messages.append(message)
                self._arrived.notify_all()
            if message["event"] == "clear":
                while not self._playback.empty():
                    self._playback.get_nowait()
            elif message["event"] in {"media", "mark"}:
                self._playback.put_nowait(message)

    async def play(self) -> None:
        while True:
            message = await self._playback.get()
            if message["event"] == "mark":
                await self.send(event="mark", mark=message["mark"])
                continue
            payload = base64.b64decode(message["media"]["payload"])
            pcm = g711.decode_ulaw(payload) if self.mulaw else payload
            self.heard += pcm
            await asyncio.sleep(len(pcm) / 2 / self.rate)

    async def until(self, true: Callable[[list[Json]], bool]) -> None:
        """Wait until something is true of the messages that have come."""
        async with asyncio.timeout(PATIENCE_S), self._arrived:
            await self._arrived.wait_for(lambda: true(self.messages))

    async def quiet(self) -> int:
        """Wait until the bot has said something to its end; how many messages there were."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                before = len(self.messages)
                await asyncio.sleep(0.7)
                if before == len(self.messages) and before and self._playback.empty():
                    return before


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VoicechatServer]:
    environment = {"VOICECHAT_TELEPHONE_TOKENS": TOKEN, "VOICECHAT_TWILIO_AUTH_TOKEN": "12345"}
    with voicechat_server(tmp_path_factory.mktemp("voicebot"), environment) as started:
        yield started


def socket_url(server: VoicechatServer, rest: str = "") -> str:
    return server.url.replace("http", "ws", 1) + "/ws/voicebot/" + rest


@asynccontextmanager
async def call(
    server: VoicechatServer, start: Json, rate: int = 8000, rest: str = "", stranger: bool = False
) -> AsyncIterator[Caller]:
    headers = STRANGER if stranger else None
    async with websockets.connect(socket_url(server, rest), additional_headers=headers) as socket:
        caller = Caller(socket, start, rate)
        await caller.begin()
        async with asyncio.TaskGroup() as telephone:
            tasks = [
                telephone.create_task(until_closed(work))
                for work in (caller.speak(), caller.listen(), caller.play())
            ]
            yield caller
            for task in tasks:
                task.cancel()


async def until_closed(work: Coroutine[Any, Any, None]) -> None:
    with suppress(websockets.ConnectionClosed):
        await work


def media(messages: list[Json]) -> list[bytes]:
    return [base64.b64decode(m["media"]["payload"]) for m in messages if m["event"] == "media"]


def stored(server: VoicechatServer, label: str) -> list[Any]:
    """Role, text and heard text of the turns of the latest call with that label."""
    with sqlite3.connect(server.data_dir / "db.sqlite3") as database:
        return database.execute(
            "select role, text, heard_text, status from conversations_turn where call_id ="
            " (select id from conversations_call where client_label = ?"
            " order by started_at desc limit 1) order by seq",
            (label,),
        ).fetchall()


DIALECTS = pytest.mark.parametrize(
    ("start", "rate", "label"),
    [(VOICEBOT, 8000, "test"), (EXOTEL_16K, 16000, "call-1"), (TWILIO, 8000, "CA1")],
    ids=["voicebot", "exotel", "twilio"],
)


class TestTalking:
    @DIALECTS
    async def test_a_person_is_greeted_understood_and_answered(
        self, server: VoicechatServer, start: Json, rate: int, label: str
    ) -> None:
        recording = cards()[2]
        async with call(server, start, rate) as caller:
            greeted = await caller.quiet()
            assert np.abs(np.frombuffer(caller.heard, "<i2").astype(int)).max() > 1000
            caller.say(recording.pcm(rate))
            await caller.until(lambda messages: len(media(messages[greeted:])) > 3)
            await caller.quiet()
        await asyncio.sleep(0.5)
        [notice, greeting, said, answer] = stored(server, label)
        assert (greeting[0], said[0], answer[0]) == ("assistant", "user", "assistant")
        assert notice == ("assistant", "This call is recorded.", "This call is recorded.", "done")
        # The recogniser knows sound of 16 kHz; what a telephone leaves out it guesses, often wrongly.
        understood = set(said[1].lower().split()) & set(recording.text.split())
        assert understood or rate == 8000
        assert answer[2] == answer[1]
        assert answer[3] == "done"

    @DIALECTS
    async def test_media_is_as_each_dialect_wants_it(
        self, server: VoicechatServer, start: Json, rate: int, label: str
    ) -> None:
        async with call(server, start, rate) as caller:
            await caller.quiet()
        sizes = {len(payload) for payload in media(caller.messages)}
        sample_bytes = 1 if start is TWILIO else 2
        assert max(sizes) == rate // 5 * sample_bytes
        if start is EXOTEL_16K:
            assert sizes == {6400}
        events = {message["event"] for message in caller.messages}
        assert events == {"media", "mark"}
        ids = {message.get("streamSid") or message.get("stream_sid") for message in caller.messages}
        assert ids == {None if start is VOICEBOT else caller.start["streamSid" if sample_bytes == 1 else "stream_sid"]}  # fmt: skip

    @DIALECTS
    async def test_a_voice_that_cuts_in_clears_and_the_rest_counts_as_unheard(
        self, server: VoicechatServer, start: Json, rate: int, label: str
    ) -> None:
        async with call(server, start, rate) as caller:
            await caller.until(lambda messages: len(media(messages)) > GREETING_AT)
            caller.say(readings()[0].pcm(rate))
            await caller.until(lambda messages: any(m["event"] == "clear" for m in messages))
            cleared = len(caller.messages)
            await caller.until(lambda messages: len(media(messages[cleared:])) > 3)
        await asyncio.sleep(0.5)
        greeting = stored(server, label)[1]
        assert greeting[3] == "interrupted"
        assert len(greeting[2]) < len(greeting[1])

    async def test_keys_are_a_turn(self, server: VoicechatServer) -> None:
        start = twilio(callSid="CA-keys")
        async with call(server, start) as caller:
            await caller.quiet()
            for digit in "12#":
                await caller.send(event="dtmf", dtmf={"track": "inbound_track", "digit": digit})
            greeted = len(caller.messages)
            await caller.until(lambda messages: len(media(messages[greeted:])) > 2)
            await caller.send(event="stop", stop={})
            await asyncio.wait_for(caller.socket.wait_closed(), 5)
            assert caller.socket.close_code == 1000
        await asyncio.sleep(0.5)
        assert stored(server, "CA-keys")[2][1] == "12#"


async def test_who_says_nothing_is_greeted_reminded_and_parted_from(
    server: VoicechatServer,
) -> None:
    async with call(server, twilio(callSid="CA-silent")) as caller:
        await asyncio.wait_for(caller.socket.wait_closed(), 60)
        assert caller.socket.close_code == 1000
    # The notice and the greeting, "Are you still there?", and "Goodbye".
    said = np.abs(np.frombuffer(caller.heard, "<i2").astype(int)) > 500
    assert said.sum() > 2 * caller.rate
    assert stored(server, "CA-silent") == []


async def test_what_is_wrong_is_told_and_the_call_goes_on_until_it_is_too_much(
    server: VoicechatServer,
) -> None:
    def told(code: str) -> Callable[[list[Json]], bool]:
        return lambda messages: code in [m["error"]["code"] for m in messages if "error" in m]

    async with call(server, VOICEBOT) as caller:
        await caller.send(event="media", media={"payload": "AQID"})
        await caller.until(told("bad_audio"))
        await caller.send(**VOICEBOT)
        await caller.until(told("bad_message"))
        heard = len(media(caller.messages))
        await caller.until(lambda messages: len(media(messages)) > heard)
        await caller.send(event="media", media={"payload": "A" * 300_000})
        await asyncio.wait_for(caller.socket.wait_closed(), 5)
        assert caller.socket.close_code == 4413


async def refusal(server: VoicechatServer, *frames: str, rest: str = "") -> tuple[Json, int]:
    """The error and the close that somebody without a session gets."""
    async with websockets.connect(socket_url(server, rest), additional_headers=STRANGER) as socket:
        for frame in frames:
            await socket.send(frame)
        error: Json = json.loads(await asyncio.wait_for(socket.recv(), 15))
        await asyncio.wait_for(socket.wait_closed(), 5)
        assert socket.close_code is not None
        return error, socket.close_code


class TestAdmission:
    @pytest.mark.parametrize(
        ("start", "rest"),
        [
            (twilio(customParameters={"token": TOKEN}), ""),
            (exotel(custom_parameters={"token": TOKEN}), ""),
            (VOICEBOT, f"?token={TOKEN}"),
            (exotel(), f"{TOKEN}/?sample-rate=8000"),
        ],
        ids=["twilio", "exotel", "query", "path"],
    )
    async def test_a_token_of_the_operator_admits(
        self, server: VoicechatServer, start: Json, rest: str
    ) -> None:
        async with call(server, start, rest=rest, stranger=True) as caller:
            await caller.until(lambda messages: len(media(messages)) > 0)

    @pytest.mark.parametrize("rest", ["", "?token=wrong", "wrong/"])
    async def test_a_start_without_it_is_refused(self, server: VoicechatServer, rest: str) -> None:
        error, code = await refusal(server, json.dumps(VOICEBOT), rest=rest)
        assert code == 4401
        assert error["event"] == "error"
        assert error["error"]["code"] == "not_admitted"

    async def test_nothing_much_is_read_before(self, server: VoicechatServer) -> None:
        _, code = await refusal(server, *[json.dumps(CONNECTED)] * 20)
        assert code == 4401
        error, code = await refusal(server, " " * 9_000)
        assert (code, error["error"]["code"]) == (4413, "too_big")
        error, code = await refusal(server, "?")
        assert (code, error["error"]["code"]) == (4400, "bad_message")

    async def test_nobody_is_waited_for_for_long(self, server: VoicechatServer) -> None:
        error, code = await refusal(server)
        assert code == 4401
        assert "in time" in error["error"]["message"]

    async def test_where_there_are_no_tokens_nobody_is_waited_for_at_all(
        self, start_server: Callable[..., VoicechatServer]
    ) -> None:
        server = start_server()
        error, code = await asyncio.wait_for(refusal(server), 3)
        assert (code, error["error"]["code"]) == (4401, "not_admitted")
        new_key(server, voice=1)  # for which there might be a token
        error, _ = await refusal(server)
        assert "in time" in error["error"]["message"]

    async def test_the_token_of_twiml_admits_its_call(self, server: VoicechatServer) -> None:
        url = server.url + "/voicebot/twiml"
        form = {"CallSid": "CA-announced"}
        async with httpx.AsyncClient() as twilio_itself:
            response = await twilio_itself.post(
                url, data=form, headers={"X-Twilio-Signature": signature(url, form, "12345")}
            )
        token = response.text.partition('value="')[2].partition('"')[0]
        start = twilio(callSid="CA-announced", customParameters={"token": token})
        async with call(server, start, stranger=True) as caller:
            await caller.until(lambda messages: len(media(messages)) > 0)
        other = twilio(callSid="CA-another", customParameters={"token": token})
        _, code = await refusal(server, json.dumps(CONNECTED), json.dumps(other))
        assert code == 4401

    async def test_no_token_is_logged(self, server: VoicechatServer) -> None:
        await refusal(server, json.dumps(VOICEBOT), rest="?token=seen-nowhere")
        await refusal(server, json.dumps(VOICEBOT), rest="seen-nowhere/")
        async with httpx.AsyncClient() as browser:
            await browser.get(server.url + "/voicebot/exotel?token=seen-nowhere")
        assert "seen-nowhere" not in server.log.read_text()


async def test_while_nobody_would_be_understood_telephones_are_refused_and_typing_is_not(
    tmp_path: Path,
) -> None:
    crowded = {"VOICECHAT_STT": "tests.e2e.recognisers.Crowded"}
    with voicechat_server(tmp_path, crowded) as server:
        address = server.url.replace("http", "ws") + "/ws/voicebot/"
        async with websockets.connect(address) as socket:
            assert json.loads(await socket.recv())["code"] == "full"
            await socket.wait_closed()
            assert socket.close_code == 4429
        async with person(server.socket_url) as anna:
            await anna.hello()
            await anna.type("What can you do?")
            await anna.until("reply_end")
