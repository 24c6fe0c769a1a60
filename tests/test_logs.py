"""What the log says, and what it never does."""

from __future__ import annotations

import asyncio
import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import websockets
from hypothesis import given
from hypothesis import strategies as st

from chat.log_context import CallIds, about_turn, log_as, log_ids
from voicechat.logs import JsonLines, TextLines, is_fit, left_out

from .chat.protocols.voicebot_starts import CONNECTED, exotel
from .e2e.person import guest_cookies, person
from .services import ROOT, VoicechatServer, environment_without_settings, free_port

TOKEN = "telephone_secret_0123456789"
# On loopback everybody is a guest, unless somebody has forwarded them.
STRANGER = {"X-Forwarded-For": "203.0.113.9"}
WORDS = "xylophones whisper quietly"


def record(message: str, *values: object, **more: Any) -> logging.LogRecord:
    made = logging.LogRecord("a.logger", logging.INFO, "file.py", 1, message, values, None)
    made.__dict__.update(more)
    return made


def as_json(made: logging.LogRecord) -> dict[str, Any]:
    line = JsonLines().format(made)
    assert "\n" not in line
    told: dict[str, Any] = json.loads(line)
    return told


# --- a line -----------------------------------------------------------------------------------


def test_a_line_says_when_how_bad_and_who():
    told = as_json(record("%d calls", 3))
    assert told.pop("timestamp").startswith("20")
    assert told == {"level": "INFO", "logger": "a.logger", "message": "3 calls"}


async def test_it_has_the_ids_of_what_it_is_about():
    async def later() -> dict[str, str]:
        return log_ids()

    log_as(ids := CallIds("socket-1"))
    task = asyncio.create_task(later())
    ids.call, ids.conversation = "call-1", "conversation-1"
    with about_turn("turn-1"):
        told = as_json(record("said"))
    assert told["turn"] == "turn-1"
    assert told["conversation"] == "conversation-1"
    # A task that was started before they were known has them too.
    assert await task == {"socket": "socket-1", "call": "call-1", "conversation": "conversation-1"}


def test_of_what_a_library_adds_only_what_is_known_is_told():
    told = as_json(record("x", request="<ASGIRequest: GET '/?q=secret'>", status="done"))
    assert told["status"] == "done"
    assert "request" not in told


@pytest.mark.parametrize("lines", [TextLines(), JsonLines()], ids=["text", "json"])
def test_an_exception_has_its_places_and_not_its_message(lines):
    error = ValueError(WORDS)
    error.__cause__ = KeyError(WORDS)
    made = record("it failed")
    try:
        raise error
    except ValueError:
        made.exc_info = sys.exc_info()
    line = lines.format(made)
    assert "xylophones" not in line
    assert "ValueError at test_logs.py" in line
    assert "; from KeyError" in line


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ('"GET /ws/voicebot/?token=abc HTTP/1.1"', '"GET /ws/voicebot/?[left out] HTTP/1.1"'),
        ('"WebSocket /ws/voicebot/abc/" [ok]', '"WebSocket /ws/voicebot/[left out]/" [ok]'),
        ("https://a.org/tts?q=hello%20you&tl=en", "https://a.org/tts?[left out]"),
        ("Authorization: Bearer abc.def", "Authorization: Bearer [left out]"),
        (
            "Cookie: sessionid=abc; csrftoken=def",
            "Cookie: sessionid=[left out]; csrftoken=[left out]",
        ),
        ("<Task exception=ValueError('what was said')>", "<Task exception=ValueError"),
        ("why? a=b", "why? a=b"),
    ],
)
def test_tokens_queries_and_cookies_are_left_out(said, left):
    assert left_out(said) == left


@given(token=st.text("abcXYZ019-_", min_size=8, max_size=40), rest=st.text(max_size=20))
def test_no_token_of_an_address_gets_through(token, rest):
    for address in (
        f"/ws/voicebot/?token={token}",
        f"/ws/voicebot/{token}/",
        f"/x?a=b&token={token}",
    ):
        told = as_json(record("%s", f"GET {address} {rest}"))
        assert token not in told["message"] or token in rest


@pytest.mark.parametrize(
    ("logger", "level", "fit"),
    [
        ("uvicorn.error", logging.DEBUG, False),
        ("uvicorn.access", logging.INFO, True),
        ("daphne.http_protocol", logging.DEBUG, False),
        ("django.request", logging.WARNING, True),
        ("chat.runner", logging.DEBUG, True),
    ],
)
def test_frames_that_a_server_would_log_are_no_lines(logger, level, fit):
    made = logging.LogRecord(logger, level, "file.py", 1, "< TEXT 'hello'", (), None)
    assert is_fit(made) is fit


# --- a server ---------------------------------------------------------------------------------


@contextmanager
def other_server(
    command: list[str], folder: Path, **environment: str
) -> Iterator[tuple[str, Path]]:
    """A server of another kind, with its own way to log; yields its address and its log."""
    port, log = free_port(), folder / "other.log"
    variables = {
        **environment_without_settings(),
        "DJANGO_SETTINGS_MODULE": "voicechat.settings",
        **environment,
    }
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", *command, str(port)],
            cwd=ROOT,
            env=variables,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield f"http://127.0.0.1:{port}", log
    finally:
        process.terminate()
        process.wait(20)


async def talk(url: str) -> tuple[str, set[str]]:
    """A conversation, sockets with tokens, and a page that is none; ids, and what must not be told."""
    socket = url.replace("http", "ws", 1)
    cookies = await guest_cookies(url)
    async with person(f"{socket}/ws/voice-chat/", cookies, origin=url) as guest:
        ready = await guest.hello(audio=True)
        await guest.ask(WORDS)
        answer = "".join(told.get("text", "") for told in guest.messages)
    for address in (f"?token={TOKEN}", f"{TOKEN}/", f"?token=wrong_{TOKEN}"):
        async with websockets.connect(
            f"{socket}/ws/voicebot/{address}", additional_headers=STRANGER
        ) as caller:
            await caller.send(json.dumps(CONNECTED))
            await caller.send(json.dumps(exotel()))
            told = json.loads(await asyncio.wait_for(caller.recv(), 20))
            assert told.get("code") == ("not_admitted" if "wrong" in address else None)
    async with httpx.AsyncClient() as browser:
        assert (await browser.get(f"{url}/nothing?token={TOKEN}")).status_code == 404
        wrong = {"login": "admin", "password": "secret-password-of-admin"}
        await browser.post(f"{url}/accounts/login/", data=wrong)
    assert len(answer) > 10
    secret = {TOKEN, "xylophones", "secret-password-of-admin", answer[:30]}
    return ready["conversation"], secret | {one.partition("=")[2] for one in cookies.split("; ")}


def lines_of(log: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]


def assert_about(log: Path, conversation: str, secrets: set[str]) -> None:
    text = log.read_text()
    for secret in secrets:
        assert secret not in text, secret
    about = [line for line in lines_of(log) if line.get("conversation") == conversation]
    messages = {line["message"] for line in about}
    assert {"a call begins", "a call is over"} <= messages
    [ended] = [line for line in about if line["message"] == "a reply has ended: done"]
    assert ended["turn"]
    assert ended["timings"]["first_text"] > 0


async def test_a_servers_log_has_ids_and_nothing_that_was_said(start_server):
    server: VoicechatServer = start_server(
        VOICECHAT_LOG_FORMAT="json",
        VOICECHAT_LOG_LEVEL="DEBUG",
        VOICECHAT_TELEPHONE_TOKENS=TOKEN,
    )
    conversation, secrets = await talk(server.url)
    server.process.terminate()
    server.process.wait(20)
    assert_about(server.log, conversation, secrets)
    # Nor who came from where.
    assert "203.0.113.9" not in server.log.read_text()
    assert "127.0.0.1:" not in server.log.read_text().partition("Stop it with Ctrl-C")[2]


# What daphne's -v asks for it writes past the log, tokens and all: docs/watching.md.
SERVERS = {
    "uvicorn": ["uvicorn", "voicechat.asgi:application", "--log-level", "debug", "--port"],
    "daphne": ["daphne", "-v", "0", "voicechat.asgi:application", "--port"],
}


@pytest.mark.parametrize("name", SERVERS)
async def test_nor_has_that_of_a_server_started_by_hand(start_server, tmp_path, name):
    """With an access log where it goes through the log; on the data of one that was made ready."""
    first: VoicechatServer = start_server()
    with other_server(
        SERVERS[name],
        tmp_path,
        VOICECHAT_DATA_DIR=str(first.data_dir),
        VOICECHAT_LOG_FORMAT="json",
        VOICECHAT_LOG_LEVEL="DEBUG",
        VOICECHAT_TELEPHONE_TOKENS=TOKEN,
        VOICECHAT_TTS="espeak",
    ) as (url, log):
        await answers(url)
        conversation, secrets = await talk(url)
        await asyncio.sleep(1)
    assert_about(log, conversation, secrets)
    text = log.read_text()
    if name == "uvicorn":
        assert "/ws/voicebot/?[left out]" in text
        assert "/ws/voicebot/[left out]/" in text
        assert "GET /nothing?[left out]" in text


async def answers(url: str) -> None:
    async with asyncio.timeout(60), httpx.AsyncClient() as browser:
        while True:
            try:
                await browser.get(f"{url}/livez")
            except httpx.TransportError:
                await asyncio.sleep(0.1)
            else:
                return
