"""SIGTERM under both servers: what goes on is finished, and everybody is told to come back."""

from __future__ import annotations

import asyncio
import re
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import websockets

from tests.part import Part
from tests.services import ROOT, environment_without_settings, free_port, is_a_page
from tests.topology.reviewer import reviewer_cookies

from .person import guest_cookies, person

# daphne cannot write 1012.
RESTARTS = {1012, 1000}
COMMANDS = {
    "uvicorn": ["-m", "voicechat.server", "--port"],
    "daphne": ["-m", "daphne", "voicechat.asgi:application", "--port"],
}


@pytest.fixture
def limit_s() -> float:
    """How long what goes on may take to come to its end."""
    return 30


@pytest.fixture(params=COMMANDS)
def server(request: pytest.FixtureRequest, tmp_path: Path, limit_s: float) -> Iterator[Part]:
    port = free_port()
    environment = {
        **environment_without_settings(),
        "VOICECHAT_DATA_DIR": str(tmp_path),
        "VOICECHAT_TTS": "espeak",
        "VOICECHAT_STT": "none",
        "VOICECHAT_DIALOGUE": "tests.e2e.bots.Moody",
        "VOICECHAT_DRAIN_TIMEOUT": str(limit_s),
        "DJANGO_SETTINGS_MODULE": "voicechat.settings",
        "DJANGO_SECRET_KEY": "only-for-tests",
        "DJANGO_DEBUG": "1",
        "DJANGO_SUPERUSER_PASSWORD": "only for tests",
    }
    url = f"http://127.0.0.1:{port}"
    ready = Part(
        "prepare",
        [sys.executable, "-m", "voicechat.prepare"],
        tmp_path / "prepare.log",
        lambda: True,
        environment=environment,
        cwd=ROOT,
    )
    ready.start()
    assert ready.wait(60) == 0, ready.log.read_text()
    command = [sys.executable, *COMMANDS[request.param], str(port)]
    part = Part(
        url,
        command,
        tmp_path / "server.log",
        lambda: is_a_page(url),
        environment=environment,
        cwd=ROOT,
    )
    with part:
        yield part


async def test_the_answer_is_finished_before_the_socket_is_closed(server: Part) -> None:
    url = server.name
    cookies = await guest_cookies(url)
    socket = url.replace("http", "ws", 1) + "/ws/voice-chat/"
    async with (
        person(socket, cookies, origin=url) as anna,
        person(socket, await guest_cookies(url), origin=url) as ben,
    ):
        await anna.hello()
        await ben.hello()
        ack = await anna.until("ack", id=await anna.type("slowly 40"))
        await anna.until("delta")
        server.signal(signal.SIGTERM)
        assert (await ben.until("going_away"))["retry_after"] >= 0
        assert await ben.closed() in RESTARTS
        assert (await anna.until("going_away"))["retry_after"] >= 0
        async with httpx.AsyncClient() as browser:  # pages are served to the end
            assert (await browser.get(url + "/")).status_code == 200
        end = await anna.until("reply_end", reply=ack["reply"])
        assert end["status"] == "done"
        assert await anna.closed() in RESTARTS
    assert await asyncio.to_thread(server.wait, 30) in {0, -signal.SIGTERM}


async def test_nothing_new_is_begun_meanwhile_and_whoever_asks_is_told(server: Part) -> None:
    url = server.name
    cookies = await guest_cookies(url)
    socket = url.replace("http", "ws", 1) + "/ws/voice-chat/"
    staff = await reviewer_cookies(url, "only for tests", tls=False)
    async with (
        person(socket, cookies, origin=url) as anna,
        person(socket, await guest_cookies(url), origin=url) as ben,
        httpx.AsyncClient() as machine,
    ):
        conversation = (await anna.hello())["conversation"]
        await ben.hello()
        ack = await anna.until("ack", id=await anna.type("slowly 100"))
        await ben.until("ack", id=await ben.type("slowly 100"))
        await anna.until("delta")
        watching = url.replace("http", "ws", 1) + f"/ws/watch/{conversation}/"
        async with person(watching, staff, origin=url) as reviewer:
            await reviewer.until("turns")
            assert (await machine.get(url + "/readyz")).status_code == 200

            server.signal(signal.SIGTERM)
            await anna.until("going_away")
            assert await reviewer.closed() in RESTARTS
        ready = await machine.get(url + "/readyz")
        assert ready.status_code == 503
        assert ready.json() == {"ready": False, "draining": True, "parts": ready.json()["parts"]}
        assert set(ready.json()["parts"].values()) == {"ok"}
        assert (await machine.get(url + "/livez")).status_code == 200

        # It would have cut the answer, which therefore ends: they are sent away at once.
        refused = await ben.until("error", id=await ben.type("And another thing."))
        assert refused["code"] == "going_away"
        assert await ben.closed() in RESTARTS
        for address in (socket, watching):
            told = await what_a_newcomer_is_told(address, url, staff)
            assert re.fullmatch(r"503 [0-4]|going_away", told)

        end = await anna.until("reply_end", reply=ack["reply"])
        assert end["status"] == "done"
        assert await anna.closed() in RESTARTS
        assert len([m for m in ben.messages if m["type"] == "ack"]) == 1
    assert await asyncio.to_thread(server.wait, 30) in {0, -signal.SIGTERM}


async def what_a_newcomer_is_told(address: str, origin: str, cookies: str) -> str:
    """The status of the handshake and after how long to come back, or the code of the error before the close."""
    try:
        async with person(address, cookies, origin=origin) as newcomer:
            code = str((await newcomer.until("error"))["code"])
            assert await newcomer.closed() in RESTARTS
            return code
    except websockets.InvalidStatus as refused:
        return f"{refused.response.status_code} {refused.response.headers['Retry-After']}"


@pytest.mark.parametrize("limit_s", [4])
async def test_at_the_limit_it_is_cut_and_kept(server: Part) -> None:
    url = server.name
    socket = url.replace("http", "ws", 1) + "/ws/voice-chat/"
    async with person(socket, await guest_cookies(url), origin=url) as anna:
        await anna.hello()
        ack = await anna.until("ack", id=await anna.type("slowly 1000"))
        await anna.until("delta")
        server.signal(signal.SIGTERM)
        assert (await anna.until("reply_end", reply=ack["reply"]))["status"] == "interrupted"
        assert await anna.closed() in RESTARTS
    assert await asyncio.to_thread(server.wait, 30) in {0, -signal.SIGTERM}
