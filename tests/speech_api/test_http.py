"""The HTTP side of a real server: addresses in six shapes, commands by POST, voices."""

from __future__ import annotations

import io
import json
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import websockets

from speech.codecs import decode
from speech.pcm import duration_ms
from speech_api.model_names import MODELS
from tests.services import VoicechatServer

from .client import bearer, hear, new_key, resident_kb, say

PYHT_MODELS = ("Play3.0-mini", "PlayDialog", "PlayDialogMultilingual", "PlayDialogArabic")
AUTH_PATHS = (
    "/api/v1/tts/websocket-auth",
    "/api/v1/websocket-auth",
    "/api/v1/tts/auth",
    "/api/v4/websocket-auth",
    "/api/v4/sdk-auth",
    "/api/v3/websocket-auth",
)


@pytest.fixture
async def http(live_server_process: VoicechatServer) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=live_server_process.url, timeout=20) as client:
        yield client


class TestAddresses:
    @pytest.mark.parametrize("path", AUTH_PATHS[:2])
    async def test_v1(self, http, key, path):
        answer = (await http.post(path, headers=bearer(key))).json()
        assert set(answer) == {"webSocketUrls", "expiresAt"}
        assert set(answer["webSocketUrls"]) == set(MODELS)

    async def test_v1_per_model(self, http, key):
        answer = (await http.post("/api/v1/tts/auth", headers=bearer(key))).json()
        assert set(answer) == {*MODELS, "expiresAt"}
        assert set(answer["PlayDialog"]) == {"httpStreamingUrl", "webSocketUrl"}

    async def test_v4(self, http, key):
        answer = (await http.post("/api/v4/websocket-auth", headers=bearer(key))).json()
        assert set(answer) == {"websocket_urls", "expires_at"}
        assert set(answer["websocket_urls"]) == set(MODELS)

    async def test_v4_per_model(self, http, key):
        answer = (await http.post("/api/v4/sdk-auth", headers=bearer(key))).json()
        for model in PYHT_MODELS:
            assert set(answer[model]) == {"http_streaming_url", "websocket_url"}
        at = datetime.strptime(answer["expires_at"], "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
        left = at - datetime.now(UTC)
        assert timedelta(minutes=58) < left <= timedelta(minutes=60)

    async def test_v3(self, http, key):
        answer = (await http.post("/api/v3/websocket-auth", headers=bearer(key))).json()
        assert set(answer) == {"websocket_url"}

    @pytest.mark.parametrize("path", AUTH_PATHS)
    async def test_every_socket_address_works(self, http, key, path):
        answer = (await http.post(path, headers=bearer(key))).json()
        [url, *_] = [url for url in _strings(answer) if url.startswith("ws")]
        async with websockets.connect(url) as socket:
            await say(socket, text="Hello.")
            assert (await hear(socket)).audio

    @pytest.mark.parametrize("path", AUTH_PATHS)
    async def test_whatever_the_body_is(self, http, key, path):
        octets = {**bearer(key), "Content-Type": "application/octet-stream"}
        for how in (
            {"headers": bearer(key), "content": b""},
            {"headers": bearer(key), "json": {}},
            {"headers": octets, "content": b""},
        ):
            assert (await http.post(path, **how)).status_code in (200, 201)

    @pytest.mark.parametrize("path", AUTH_PATHS[:5])
    async def test_it_says_until_when_in_milliseconds(self, http, key, path):
        answer = (await http.post(path, headers=bearer(key))).json()
        at = answer.get("expiresAt") or answer["expires_at"]
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", at)

    async def test_without_stream_each_address_is_one_that_is_served(self, http, key):
        answer = (await http.post("/api/v4/sdk-auth", headers=bearer(key))).json()
        for model in MODELS:
            url = answer[model]["http_streaming_url"]
            assert url.count("stream") == 1
            told = await http.post(url.replace("stream", ""), json={"text": "Hello."})
            assert told.headers["content-type"] == "audio/mpeg"

    async def test_a_key_without_bearer_is_taken(self, http, key):
        for name in ("authorization", "AUTHORIZATION"):
            answer = await http.post(AUTH_PATHS[0], headers={name: key, "X-User-Id": "ü".encode()})
            assert answer.status_code == 200

    async def test_an_address_behind_a_proxy_is_as_the_outside_sees_it(self, start_server):
        server = start_server(
            VOICECHAT_TRUST_PROXY="1", DJANGO_ALLOWED_HOSTS="voice.example.org,127.0.0.1"
        )
        headers = {
            **bearer(new_key(server)),
            "Host": "voice.example.org",
            "X-Forwarded-Proto": "https",
        }
        async with httpx.AsyncClient() as client:
            answer = (await client.post(server.url + AUTH_PATHS[4], headers=headers)).json()
        urls = answer["PlayDialog"]
        assert urls["websocket_url"].startswith("wss://voice.example.org/ws/tts/PlayDialog?token=")
        assert urls["http_streaming_url"].startswith("https://voice.example.org/tts/PlayDialog/")

    @pytest.mark.parametrize("path", AUTH_PATHS)
    async def test_nothing_without_a_key_or_by_get(self, http, key, path):
        assert (await http.post(path)).status_code == 401
        wrong = await http.get(path, headers=bearer(key))
        assert (wrong.status_code, wrong.headers["allow"]) == (405, "POST, OPTIONS")


def _strings(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [string for inner in value.values() for string in _strings(inner)]
    return [value]


@pytest.fixture
async def stream_url(http: httpx.AsyncClient, key: str) -> str:
    answer = await http.post("/api/v4/sdk-auth", headers=bearer(key))
    url: str = answer.json()["PlayDialog"]["http_streaming_url"]
    return url


class TestCommandsByPost:
    @pytest.mark.parametrize(
        ("format", "content_type"),
        [
            ("mp3", "audio/mpeg"),
            ("wav", "audio/wav"),
            ("ogg", "audio/ogg"),
            ("flac", "audio/flac"),
            ("mulaw", "audio/basic"),
            ("raw", "application/octet-stream"),
        ],
    )
    async def test_the_audio_is_streamed(self, http, stream_url, format, content_type):
        answer = await http.post(stream_url, json={"text": "Hello.", "output_format": format})
        assert answer.status_code == 200
        assert answer.headers["content-type"] == content_type
        assert answer.headers["transfer-encoding"] == "chunked"
        if format not in ("raw", "mulaw"):
            pcm, rate = decode(answer.content)
            assert duration_ms(len(pcm), rate) > 300

    async def test_without_stream_it_comes_whole(self, http, stream_url):
        url = stream_url.replace("stream", "")
        answer = await http.post(url, json={"text": "Hello.", "output_format": "wav"})
        assert int(answer.headers["content-length"]) == len(answer.content)
        # A WAV that knows how long it is.
        assert int.from_bytes(answer.content[40:44], "little") == len(answer.content) - 44

    @pytest.mark.parametrize("path", ["/tts/PlayDialog/", "/tts/PlayDialog"])
    async def test_with_a_slash_or_without(self, http, stream_url, path):
        token = stream_url.partition("?")[2]
        assert (await http.post(f"{path}?{token}", json={"text": "Hello."})).status_code == 200

    @pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
    async def test_a_long_one_that_comes_whole_is_not_held_in_memory(
        self, http, stream_url, live_server_process
    ):
        text = "This is one of many sentences that take their time to be spoken. " * 150
        body = {"text": text, "output_format": "raw", "sample_rate": 48_000, "speed": 0.5}
        before, grown, size = resident_kb(live_server_process), [0], 0
        url = stream_url.replace("stream", "")
        async with http.stream("POST", url, json=body, timeout=60) as answer:
            async for piece in answer.aiter_raw():
                size += len(piece)
                grown.append(resident_kb(live_server_process) - before)
        assert int(answer.headers["content-length"]) == size > 80_000_000
        assert max(grown) < 50_000

    async def test_the_same_seed_gives_the_same_bytes_in_any_way(self, http, stream_url, key):
        body = {"text": "The very same words.", "seed": 7, "output_format": "ogg"}
        url = f"{stream_url.partition('/tts/')[0]}/api/v1/tts/stream"
        told = [
            await http.post(stream_url, json=body),
            await http.post(stream_url.replace("stream", ""), json=body),
            await http.post(url, json=body, headers=bearer(key)),
        ]
        assert len({answer.content for answer in told}) == 1
        assert len(told[0].content) > 1000

    async def test_a_body_in_chunks_without_a_length_is_taken(self, http, stream_url):
        async def body() -> AsyncIterator[bytes]:
            yield b'{"text": "Hel'
            yield b'lo."}'

        answer = await http.post(stream_url, content=body())
        assert answer.status_code == 200

    @pytest.mark.parametrize(
        ("path", "format"), [("/api/v1/tts/stream", "mpeg"), ("/api/v2/tts/stream", "wav")]
    )
    async def test_with_a_key_instead_of_a_token(self, http, key, path, format):
        answer = await http.post(path, headers=bearer(key), json={"text": "Hello."})
        assert answer.headers["content-type"] == f"audio/{format}"

    async def test_fields_may_be_written_in_camel_case(self, http, key):
        body = {"text": "Hello.", "outputFormat": "wav", "sampleRate": 16000, "voice": "espeak:de"}
        answer = await http.post("/api/v1/tts/stream", headers=bearer(key), json=body)
        _pcm, rate = decode(io.BytesIO(answer.content).read())
        assert rate == 16_000
        assert answer.headers["x-voice"] == "espeak:de"
        assert answer.headers["x-sample-rate"] == "16000"

    @pytest.mark.parametrize(
        ("body", "status", "code"),
        [
            (b"", 400, "not_json"),
            (b"hello", 400, "not_json"),
            (b"\xff\xfe", 400, "not_json"),
            (b"[]", 400, "not_an_object"),
            (b"{}", 400, "no_text"),
            (b'{"text": "' + b"a" * 100_000 + b'"}', 413, "text_too_long"),
            (b'{"text": "' + b"a" * 300_000 + b'"}', 413, "request_too_big"),
            (b'{"text": "a", "output_format": "mp4"}', 400, "unknown_format"),
            (b'{"text": "a", "speed": 0}', 400, "bad_speed"),
            (b'{"text": "a", "sample_rate": 7}', 400, "bad_sample_rate"),
        ],
    )
    async def test_what_is_wrong_has_its_status(self, http, stream_url, body, status, code):
        answer = await http.post(stream_url, content=body)
        told = json.loads(answer.content)
        assert (answer.status_code, told["status"], told["code"]) == (status, status, code)
        assert told["error"] == told["message"]

    async def test_what_is_only_odd_is_spoken(self, http, stream_url):
        odd = b'{"text": "a \\ud800 lone \\u0000 one", "voice": null, "emotion": {}}'
        assert (await http.post(stream_url, content=odd)).status_code == 200

    async def test_a_page_of_another_site_may_use_an_address(self, http, stream_url):
        asked = await http.options(stream_url, headers={"Origin": "https://other.example"})
        assert asked.status_code == 204
        for answer in (asked, await http.post(stream_url, json={"text": "Hello."})):
            assert answer.headers["access-control-allow-origin"] == "*"
            assert "access-control-allow-credentials" not in answer.headers
            assert answer.headers["access-control-allow-headers"] == "authorization, *"
            assert "x-sample-rate" in answer.headers["access-control-expose-headers"]


class TestTheWrongPerson:
    @pytest.mark.parametrize("path", ["/tts/PlayDialog/stream", "/tts/PlayDialog/"])
    async def test_without_a_token(self, http, path):
        answer = await http.post(path, json={"text": "Hello."})
        assert (answer.status_code, answer.json()["code"]) == (401, "wrong_token")

    async def test_with_that_of_another_model(self, http, stream_url):
        answer = await http.post(stream_url.replace("PlayDialog", "Other"), json={"text": "a"})
        assert answer.status_code == 401

    @pytest.mark.parametrize("path", ["/api/v1/tts/stream", "/api/v2/tts/stream"])
    async def test_without_a_key_or_with_one_for_something_else(
        self, http, live_server_process, path
    ):
        assert (await http.post(path, json={"text": "a"})).status_code == 401
        headers = bearer(new_key(live_server_process, tts=0, voice=1))
        assert (await http.post(path, json={"text": "a"}, headers=headers)).status_code == 403

    async def test_a_session_opens_nothing(self, http):
        await http.get("/")  # a guest, by a cookie
        assert http.cookies
        for path in ("/api/v1/tts/stream", "/v1/audio/speech", AUTH_PATHS[0]):
            assert (await http.post(path, json={"text": "a"})).status_code == 401

    async def test_the_voices_are_for_keys_alone(self, http):
        assert (await http.get("/api/v1/voices")).status_code == 401


class TestVoices:
    async def test_they_are_told_by_ids_that_stay(self, http, key):
        answer = (await http.get("/api/v1/voices", headers=bearer(key))).json()
        assert answer["default"] == "espeak:en-us"
        voices = {voice["id"]: voice for voice in answer["voices"]}
        assert len(voices) == len(answer["voices"]) > 100
        assert voices["espeak:de"] == {
            "id": "espeak:de",
            "name": "German",
            "language": "de",
            "engine": "espeak",
        }

    async def test_those_of_every_engine_are(self, start_server):
        server = start_server(VOICECHAT_TTS="gtts,espeak")
        async with httpx.AsyncClient(base_url=server.url) as http:
            headers = bearer(new_key(server))
            answer = (await http.get("/api/v1/voices", headers=headers)).json()
            assert {"gtts:en", "espeak:en-us"} <= {voice["id"] for voice in answer["voices"]}
            # Nobody answers for it here, so somebody else speaks its language.
            body = {"text": "Hallo.", "voice": "gtts:de"}
            told = await http.post("/api/v1/tts/stream", headers=headers, json=body)
        assert told.headers["x-voice"] == "espeak:de"
