"""The speech socket of a real server: wire.md A.2 and A.3, row by row, and all that goes wrong."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import numpy as np
import pytest
import websockets
from django.test import override_settings
from dotenv import dotenv_values

from accounts.api_keys.tokens import sign
from speech import g711
from speech.codecs import decode
from speech.pcm import duration_ms
from speech_api.command import FORMATS
from tests.services import VoicechatServer
from tests.speech.sounds import bands

from .client import (
    Answer,
    bearer,
    hear,
    in_database,
    new_key,
    resident_kb,
    revoke,
    say,
    socket_url,
    within_a_minute,
)

LONG = "This is one of many sentences that take their time to be spoken. " * 100


@pytest.fixture
async def socket(
    live_server_process: VoicechatServer, key: str
) -> AsyncIterator[websockets.ClientConnection]:
    async with websockets.connect(await socket_url(live_server_process, key)) as connection:
        yield connection


async def still_works(socket: websockets.ClientConnection) -> None:
    await say(socket, text="Hello.", request_id="still here")
    answer = await hear(socket)
    assert answer.end == {"type": "end", "request_id": "still here", "status": 200}
    assert answer.audio


class TestTheQuickstart:
    async def test_text_and_voice_are_answered_with_start_audio_and_end(self, socket):
        await say(socket, text="Hello world.", voice="x")
        answer = await hear(socket)
        assert answer.start["request_id"] is None
        assert answer.start["status"] == 200
        assert answer.end == {"type": "end", "request_id": None, "status": 200}
        pcm, rate = decode(answer.whole)
        assert rate == 24_000
        assert 500 < duration_ms(len(pcm), rate) < 3000

    async def test_the_blobs_of_several_commands_play_as_one(self, socket):
        for text in ("One.", "Two.", "Three."):
            await say(socket, text=text, voice="x")
        answers = [await hear(socket) for _ in range(3)]
        alone = [decode(answer.whole) for answer in answers]
        together, rate = decode(b"".join(answer.whole for answer in answers))
        parts = sum(len(pcm) for pcm, _rate in alone)
        assert duration_ms(abs(len(together) - parts), rate) < 200

    async def test_the_voice_that_speaks_is_told(self, socket):
        await say(socket, text="Hello.", voice="no such voice")
        assert (await hear(socket)).start["voice"] == "espeak:en-us"
        await say(socket, text="Hallo.", voice="espeak:de")
        assert (await hear(socket)).start["voice"] == "espeak:de"
        await say(socket, text="Olá.", voice="no such voice", language="portuguese")
        assert (await hear(socket)).start["voice"] == "espeak:pt"


class TestOrder:
    async def test_pipelined_commands_are_answered_strictly_in_order(self, socket):
        texts = ["A long first one. " * 30, "Short.", "A", "Once more, something longer. " * 10]
        for number, text in enumerate(texts * 5):
            await say(socket, text=text, request_id=str(number), output_format="pcm")
        for number in range(len(texts) * 5):
            answer = await hear(socket)  # checks that nothing comes in between
            assert answer.start["request_id"] == str(number)
            assert answer.audio

    async def test_errors_keep_their_place(self, socket):
        await say(socket, text="One.", request_id="1")
        await say(socket, text="", request_id="2")
        await socket.send("nonsense")
        await say(socket, text="Four.", request_id="4")
        answers = [await hear(socket) for _ in range(4)]
        assert [answer.start["request_id"] for answer in answers] == ["1", "2", None, "4"]
        assert [answer.start["status"] for answer in answers] == [200, 400, 400, 200]

    async def test_1000_pipelined_commands_are_all_answered(self, socket):
        for number in range(1000):
            await say(socket, text="Hi.", request_id=str(number), output_format="mulaw")
        for number in range(1000):
            assert (await hear(socket)).start["request_id"] == str(number)

    async def test_audio_leaves_while_the_rest_is_still_to_be_spoken(self, socket):
        for format in ("mp3", "ogg", "pcm"):
            await say(socket, text=LONG[:1500], output_format=format)
            answer = await hear(socket)
            assert len(answer.audio) > 100


class TestWav:
    async def test_its_header_is_a_frame_of_its_own(self, socket):
        await say(socket, text="Hello.", output_format="wav", sample_rate=16_000)
        header, *audio = (await hear(socket)).audio
        assert len(header) == 44
        assert header.startswith(b"RIFF")
        assert not any(piece.startswith(b"RIFF") for piece in audio)
        pcm, rate = decode(header + b"".join(audio))
        assert (rate, pcm) == (16_000, b"".join(audio))


def heard(answer: Answer) -> tuple[np.ndarray, int]:
    """The samples of an answer as whoever follows its ``start`` hears them, and their rate in Hz."""
    rate = answer.start["sample_rate"]
    if answer.start["output_format"] in ("raw", "pcm"):
        return np.frombuffer(answer.whole, "<i2").astype(float), rate
    if answer.start["output_format"] == "mulaw":
        return np.frombuffer(g711.decode_ulaw(answer.whole), "<i2").astype(float), rate
    pcm, rate = decode(answer.whole)
    return np.frombuffer(pcm, "<i2").astype(float), rate


class TestFormats:
    COMMAND = {"text": "One sentence, spoken in every format. It is the same in each.", "seed": 1}

    @pytest.mark.parametrize("format", FORMATS)
    async def test_each_is_the_same_speech(self, socket, format):
        for rate in (8_000, 24_000, 44_100):
            plain_form = {"output_format": "pcm", "sample_rate": rate}
            await say(socket, **self.COMMAND, **plain_form)
            plain, plain_rate = heard(await hear(socket))
            await say(socket, **self.COMMAND, output_format=format, sample_rate=rate)
            answer = await hear(socket)
            assert answer.start["output_format"] == FORMATS[format]
            samples, real_rate = heard(answer)
            if format == "ogg":  # RFC 7845, 5.1
                assert real_rate == 48_000
            else:
                assert real_rate == answer.start["sample_rate"] == rate
            # MP3 and Opus add silence before and after, up to two frames each.
            padding_s = 0.3 if format in ("mp3", "ogg") else 0.001
            length_s = len(plain) / plain_rate
            assert length_s > 2
            assert len(samples) / real_rate == pytest.approx(length_s, abs=padding_s)
            assert bands(samples, real_rate) == pytest.approx(bands(plain, rate), abs=0.05)

    async def test_ogg_streams_of_several_commands_play_as_one(self, socket):
        answers = []
        for text in ("One.", "Two."):
            await say(socket, text=text, output_format="ogg")
            answers.append(await hear(socket))
        alone = [len(heard(answer)[0]) for answer in answers]
        together, rate = decode(b"".join(answer.whole for answer in answers))
        assert abs(len(together) // 2 - sum(alone)) / rate < 0.1


class TestSeed:
    COMMAND = {"text": "The very same words. Twice.", "seed": 7, "voice": "espeak:en-gb"}

    @pytest.mark.parametrize("format", FORMATS)
    async def test_the_same_seed_gives_the_same_bytes(self, socket, format):
        await say(socket, **self.COMMAND, output_format=format)
        first = await hear(socket)
        await still_works(socket)
        await say(socket, **self.COMMAND, output_format=format)
        second = await hear(socket)
        assert first.whole == second.whole
        assert len(first.whole) > 5_000

    async def test_and_so_does_a_text_that_is_too_long_to_be_remembered(self, socket):
        command = {"text": LONG, "seed": 7, "output_format": "mulaw"}
        await say(socket, **command)
        first = await hear(socket)
        await say(socket, **command)
        assert (await hear(socket)).whole == first.whole
        assert duration_ms(2 * len(first.whole), 8000) > 200_000

    async def test_who_does_not_read_it_holds_up_no_other(self, live_server_process, key, socket):
        url = await socket_url(live_server_process, key)
        stuck = [await websockets.connect(url, max_queue=1) for _ in range(3)]
        for connection in stuck:
            await say(connection, text=LONG * 3, seed=7, output_format="pcm", sample_rate=48_000)
        for connection in stuck:
            await connection.recv()
        await say(socket, text="Hello.", seed=7)
        assert (await hear(socket)).audio
        for connection in stuck:
            connection.transport.abort()

    async def test_speed_changes_how_long_it_takes(self, socket):
        lengths = []
        for speed in (0.5, 1, 2, 5):
            await say(socket, text=LONG[:200], speed=speed, output_format="pcm", sample_rate=8000)
            lengths.append(len((await hear(socket)).whole))
        slow, normal, fast, clamped = lengths
        assert slow > 1.5 * normal > 2 * fast
        assert abs(clamped - fast) < 0.02 * fast


BAD = [
    ({"text": ""}, 400, "no_text"),
    ({"text": None}, 400, "no_text"),
    ({}, 400, "no_text"),
    ({"text": "a" * 100_000}, 413, "text_too_long"),
    ({"text": "a", "output_format": "mp4"}, 400, "unknown_format"),
    ({"text": "a", "speed": 0}, 400, "bad_speed"),
    ({"text": "a", "sample_rate": 7}, 400, "bad_sample_rate"),
    ({"text": "a", "language": "klingonese"}, 400, "unknown_language"),
    ({"text": "a", "seed": -1}, 400, "bad_seed"),
]
ODD = [
    {"text": "Nulls \0 in \0 it."},
    {"text": "A lone \ud800 surrogate."},
    {"text": "<speak>Like <break time='9999s'/> SSML &amp; co.</speak>"},
    {"text": "?!"},
    {"text": "😀"},
    {"text": ["An array", "of lines."]},
    {"text": "Another model.", "voice_engine": "Play3.0-mini"},
    {"text": "Many nulls.", **dict.fromkeys(["voice", "speed", "seed", "output_format"])},
]


class TestBadInput:
    @pytest.mark.parametrize(("fields", "status", "code"), BAD)
    async def test_a_bad_command_is_refused_and_the_socket_lives(
        self, socket, fields, status, code
    ):
        await say(socket, **fields, request_id="bad")
        answer = await hear(socket)
        assert answer.start["status"] == answer.end["status"] == status
        [error] = answer.errors
        assert (error["status"], error["code"], error["request_id"]) == (status, code, "bad")
        assert error["error"] == error["message"] == answer.start["message"]
        assert not answer.audio
        await still_works(socket)

    @pytest.mark.parametrize(
        ("frame", "status", "code"),
        [
            ("hello", 400, "not_json"),
            ("[]", 400, "not_an_object"),
            (b"\0\1\2", 400, "binary"),
            ("[" * 50_000, 400, "not_json"),
            ('{"text": "' + "a" * 300_000 + '"}', 413, "command_too_big"),
        ],
    )
    async def test_what_is_no_command_is_refused_and_the_socket_lives(
        self, socket, frame, status, code
    ):
        await socket.send(frame)
        answer = await hear(socket)
        assert (answer.errors[0]["status"], answer.errors[0]["code"]) == (status, code)
        assert answer.start["request_id"] is None
        await still_works(socket)

    @pytest.mark.parametrize("fields", ODD)
    async def test_what_is_only_odd_is_spoken(self, socket, fields):
        await say(socket, **fields)
        answer = await hear(socket)
        assert answer.start["status"] == 200
        assert answer.audio
        await still_works(socket)

    async def test_more_than_a_megabyte_is_cut_off(self, live_server_process, key):
        async with websockets.connect(await socket_url(live_server_process, key)) as connection:
            await connection.send("a" * (2**20 + 1))
            with pytest.raises(websockets.ConnectionClosed) as closed:
                await connection.recv()
        assert closed.value.rcvd.code == 1009


async def refusal_of(url: str) -> tuple[str, int]:
    """The code of the error on a socket that is not let in, and that of its close."""
    async with websockets.connect(url) as connection:
        error = json.loads(await connection.recv())
        assert error["type"] == "error"
        assert error["request_id"] is None
        with pytest.raises(websockets.ConnectionClosed) as closed:
            await connection.recv()
    return error["code"], closed.value.rcvd.code


class TestTheWrongPerson:
    async def test_no_token(self, live_server_process):
        url = live_server_process.url.replace("http", "ws", 1) + "/ws/tts/PlayDialog"
        assert await refusal_of(url) == ("wrong_token", 1008)

    @pytest.mark.parametrize("path", ["/ws/tts/", "/ws/tts/PlayDialog/", "/ws/tts/a/b", "/ws/x"])
    async def test_an_address_that_leads_nowhere(self, live_server_process, path):
        url = live_server_process.url.replace("http", "ws", 1) + path
        with pytest.raises(websockets.InvalidStatus) as refused:
            await websockets.connect(url)
        assert refused.value.response.status_code == 403

    async def test_an_altered_one(self, live_server_process, key):
        url = await socket_url(live_server_process, key)
        other = url[:-1] + ("0" if url[-1] != "0" else "1")
        assert await refusal_of(other) == ("wrong_token", 1008)

    async def test_an_expired_one(self, live_server_process, key):
        url = await socket_url(live_server_process, key)
        address, _, token = url.partition("?token=")
        secret = dotenv_values(live_server_process.data_dir / ".env")["DJANGO_SECRET_KEY"]
        with override_settings(SECRET_KEY=secret):
            old = sign(int(token.split("-")[0], 16), "PlayDialog", time.time() - 3601)
        assert await refusal_of(f"{address}?token={old}") == ("expired_token", 1008)

    async def test_that_of_another_model(self, live_server_process, key):
        url = await socket_url(live_server_process, key)
        assert await refusal_of(url.replace("/PlayDialog?", "/Other?")) == ("wrong_token", 1008)

    async def test_that_of_a_key_that_was_revoked_since(self, live_server_process):
        key = new_key(live_server_process)
        url = await socket_url(live_server_process, key)
        revoke(live_server_process, key)
        assert await refusal_of(url) == ("revoked_key", 1008)

    @pytest.mark.parametrize("headers", [{}, bearer("vc_wrong"), {"Authorization": ""}])
    async def test_without_a_key_there_is_no_address(self, live_server_process, headers):
        async with httpx.AsyncClient() as http:
            for path in ("/api/v1/tts/websocket-auth", "/api/v4/sdk-auth"):
                answer = await http.post(live_server_process.url + path, headers=headers)
                assert answer.status_code == 401
                assert answer.headers["www-authenticate"] == "Bearer"

    @pytest.mark.parametrize("text", ["ü€", "\udcff\udcfe", "x" * 5000])
    async def test_nor_with_one_that_is_no_key(self, live_server_process, text):
        headers = {b"Authorization": b"Bearer " + text.encode("utf-8", "surrogateescape")}
        async with httpx.AsyncClient(base_url=live_server_process.url) as http:
            answer = await http.post("/api/v1/tts/websocket-auth", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "wrong_key")

    async def test_a_key_for_something_else_gets_none(self, live_server_process):
        key = new_key(live_server_process, tts=0, realtime=1)
        async with httpx.AsyncClient() as http:
            answer = await http.post(
                f"{live_server_process.url}/api/v1/tts/websocket-auth", headers=bearer(key)
            )
        assert (answer.status_code, answer.json()["code"]) == (403, "wrong_scope")


class TestLimits:
    async def test_commands_and_characters_a_minute(self, live_server_process):
        await within_a_minute()
        key = new_key(live_server_process, commands_per_minute=3, characters_per_minute=20)
        async with websockets.connect(await socket_url(live_server_process, key)) as socket:
            codes = []
            for text in ("12345", "1234567890123456", "1" * 21, "1"):
                await say(socket, text=text)
                answer = await hear(socket)
                codes.append(answer.errors[0]["code"] if answer.errors else answer.end["status"])
        assert codes == [200, "too_many_characters", "text_too_long", "too_many_commands"]

    async def test_a_limit_says_when_to_come_back(self, live_server_process):
        await within_a_minute()
        key = new_key(live_server_process, commands_per_minute=1)
        headers = bearer(key)
        async with httpx.AsyncClient(base_url=live_server_process.url) as http:
            body = {"text": "Hello."}
            first = await http.post("/api/v1/tts/stream", headers=headers, json=body)
            second = await http.post("/api/v1/tts/stream", headers=headers, json=body)
        assert (first.status_code, second.status_code) == (200, 429)
        assert 1 <= int(second.headers["retry-after"]) <= 61

    async def test_sockets_at_a_time(self, live_server_process):
        key = new_key(live_server_process, sockets=1)
        url = await socket_url(live_server_process, key)
        async with websockets.connect(url) as first:
            await still_works(first)
            assert await refusal_of(url) == ("too_many_sockets", 1013)
            await still_works(first)
        for _ in range(50):
            async with websockets.connect(url) as second:
                await say(second, text="Hello.")
                if json.loads(await second.recv())["type"] == "start":
                    return
            await asyncio.sleep(0.1)
        pytest.fail("the first socket still counts after it has closed")


async def test_usage_is_counted(live_server_process: VoicechatServer) -> None:
    key = new_key(live_server_process, name="counted")
    async with websockets.connect(await socket_url(live_server_process, key)) as socket:
        for _ in range(2):
            await say(socket, text="Twelve chars")
            await hear(socket)
    query = (
        "select commands, characters, spoken_ms from accounts_apikeyusage"
        " where key_id = (select id from accounts_apikey where name = 'counted')"
    )
    for _ in range(50):
        if rows := in_database(live_server_process, query):
            break
        await asyncio.sleep(0.2)
    [[commands, characters, spoken_ms]] = rows
    assert (commands, characters) == (2, 24)
    assert 1000 < spoken_ms < 10_000


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="threads are counted in /proc")
async def test_an_idle_socket_holds_no_thread_process_or_connection_of_the_database(
    live_server_process: VoicechatServer, key: str
) -> None:
    process = Path(f"/proc/{live_server_process.process.pid}")

    def held() -> tuple[int, int, int]:
        links = (descriptor.readlink() for descriptor in (process / "fd").iterdir())
        return (
            sum("db.sqlite3" in str(link) for link in links),
            len(list((process / "task").iterdir())),
            len((process / f"task/{process.name}/children").read_text().split()),
        )

    url = await socket_url(live_server_process, key)
    first = [await websockets.connect(url) for _ in range(20)]
    for connection in first:
        await still_works(connection)
    before = held()
    more = [await websockets.connect(url) for _ in range(50)]
    for connection in more:
        await still_works(connection)
    # Those of the pool's threads, which are as many as there may be after the first ones.
    assert all(now <= then for now, then in zip(held(), before, strict=True))
    for connection in [*first, *more]:
        await connection.close()


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
async def test_a_client_that_stops_reading_costs_no_memory(
    live_server_process: VoicechatServer, key: str
) -> None:
    url = await socket_url(live_server_process, key)
    async with websockets.connect(url, max_queue=1) as reading:
        await still_works(reading)
        before = resident_kb(live_server_process)
        stuck = [await websockets.connect(url, max_queue=1) for _ in range(5)]
        for connection in stuck:
            for number in range(20):
                # Together an hour and a half of sound: 800 MB.
                await say(connection, text=LONG, output_format="pcm", sample_rate=48_000,
                          request_id=str(number))  # fmt: skip
        for _ in range(10):
            await still_works(reading)
            await asyncio.sleep(0.2)
        assert resident_kb(live_server_process) - before < 100_000
        # Who reads again gets all that was asked for.
        answer = await hear(stuck[0])
        assert answer.start["request_id"] == "0"
        assert len(answer.whole) > 30_000_000
        for connection in stuck:
            connection.transport.abort()
        await still_works(reading)
