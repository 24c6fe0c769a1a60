"""Wrong keys, tried again and again from one address: it has to wait, and the others do not."""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx
import pytest
import websockets

from tests.services import VoicechatServer, voicechat_server

from .client import bearer, new_key

MOST = 4
EVERYWHERE = (
    ("POST", "/api/v1/tts/websocket-auth"),
    ("POST", "/api/v4/sdk-auth"),
    ("POST", "/api/v1/tts/stream"),
    ("GET", "/api/v1/voices"),
    ("POST", "/v1/audio/speech"),
    ("POST", "/v1/audio/transcriptions"),
)
ALTERED = f"1-ffffffff-{'0' * 64}"
_houses = (f"198.51.100.{n}" for n in range(1, 250))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VoicechatServer]:
    environment = {
        "VOICECHAT_TRUST_PROXY": "1",
        "VOICECHAT_LIMIT_REFUSED_KEYS_PER_ADDRESS": f"{MOST}/hour",
    }
    with voicechat_server(tmp_path_factory.mktemp("wrong keys"), environment) as started:
        yield started


@pytest.fixture
def there() -> dict[str, str]:
    """From an address that no other test comes from."""
    return {"X-Forwarded-For": next(_houses)}


@pytest.fixture
def http(server: VoicechatServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, timeout=20) as client:
        yield client


@pytest.mark.parametrize("wrong", [{}, bearer("vc_wrong")], ids=["none", "wrong"])
@pytest.mark.parametrize(("method", "path"), EVERYWHERE)
def test_one_too_many_is_answered_429_with_the_time_to_wait(http, there, method, path, wrong):
    statuses = [http.request(method, path, headers=there | wrong).status_code for _ in range(MOST)]
    assert statuses == [401] * MOST
    answer = http.request(method, path, headers=there | wrong)
    assert answer.status_code == 429
    assert 1 <= int(answer.headers["Retry-After"]) <= 3601
    told = answer.json()
    told = told["error"] if path.startswith("/v1/") else told
    assert told["code"] == "too_many_refused"


def test_it_is_one_count_for_all_ways_in_and_holds_for_right_keys_there(server, http, there):
    right = bearer(new_key(server))
    for method, path in EVERYWHERE[:MOST]:
        assert http.request(method, path, headers=there).status_code == 401
    assert http.get("/api/v1/voices", headers=there | right).status_code == 429
    elsewhere = {"X-Forwarded-For": next(_houses)}
    assert http.get("/api/v1/voices", headers=elsewhere | right).status_code == 200


def test_what_is_right_or_asks_for_nothing_is_not_counted(server, http, there):
    right, other = bearer(new_key(server)), bearer(new_key(server, tts=0, voice=1))
    for _ in range(MOST + 1):
        assert http.get("/api/v1/voices", headers=there | right).status_code == 200
        assert http.get("/api/v1/voices", headers=there | other).status_code == 403
        assert http.options("/v1/audio/speech", headers=there).status_code == 204
    assert http.get("/api/v1/voices", headers=there).status_code == 401


def test_this_machine_is_not_counted(http):
    for _ in range(MOST + 1):
        assert http.post("/v1/audio/speech").status_code == 401


class TestTokens:
    async def test_wrong_ones_are_counted_on_sockets_and_right_ones_are_let_in(
        self, server, http, there
    ):
        addresses = http.post("/api/v4/sdk-auth", headers=there | bearer(new_key(server))).json()
        right = addresses["PlayDialog"]
        wrong = server.url.replace("http", "ws", 1) + f"/ws/tts/PlayDialog?token={ALTERED}"
        for status, close in [(401, 1008)] * MOST + [(429, 1013)]:
            async with websockets.connect(wrong, additional_headers=there) as socket:
                error = json.loads(await socket.recv())
                await socket.wait_closed()
            assert (error["status"], socket.close_code) == (status, close)
        assert error["retry"] >= 1
        command = {"text": "Hello.", "output_format": "pcm"}
        answer = http.post(f"/tts/PlayDialog/?token={ALTERED}", headers=there, json=command)
        assert answer.status_code == 429
        answer = http.post(right["http_streaming_url"], headers=there, json=command)
        assert answer.status_code == 200
        async with websockets.connect(right["websocket_url"], additional_headers=there) as socket:
            await socket.send(json.dumps(command))
            assert json.loads(await socket.recv())["status"] == 200
