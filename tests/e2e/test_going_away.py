"""SIGTERM under both servers: what goes on is finished, and everybody is told to come back."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.part import Part
from tests.services import ROOT, environment_without_settings, free_port, is_a_page

from .person import guest_cookies, person

# daphne cannot write 1012.
RESTARTS = {1012, 1000}
COMMANDS = {
    "uvicorn": ["-m", "voicechat.server", "--port"],
    "daphne": ["-m", "daphne", "voicechat.asgi:application", "--port"],
}


@pytest.fixture(params=COMMANDS)
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Part]:
    port = free_port()
    environment = {
        **environment_without_settings(),
        "VOICECHAT_DATA_DIR": str(tmp_path),
        "VOICECHAT_TTS": "espeak",
        "VOICECHAT_STT": "none",
        "VOICECHAT_DIALOGUE": "tests.e2e.bots.Moody",
        "VOICECHAT_DRAIN_TIMEOUT": "6",
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
    assert await asyncio.to_thread(server.wait) in {0, -signal.SIGTERM}


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
    assert await asyncio.to_thread(server.wait) in {0, -signal.SIGTERM}
