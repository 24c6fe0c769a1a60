"""A client of the speech socket, as simple as can be."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import websockets

from accounts.api_keys.making import hash_of, new_text
from tests.services import ROOT, VoicechatServer, environment_without_settings

PATIENCE_S = 20
Json = dict[str, Any]


@dataclass
class Answer:
    """What came from a start to its end."""

    start: Json
    audio: list[bytes] = field(default_factory=list)
    errors: list[Json] = field(default_factory=list)
    end: Json = field(default_factory=dict)

    @property
    def whole(self) -> bytes:
        return b"".join(self.audio)


def key_by_command(server: VoicechatServer, *options: str) -> str:
    """A key as an operator makes it, in the server's database."""
    done = subprocess.run(
        [sys.executable, "manage.py", "create_api_key", "admin", *options],
        cwd=ROOT,
        env={
            **environment_without_settings(),
            "VOICECHAT_DATA_DIR": str(server.data_dir),
            "DJANGO_SETTINGS_MODULE": "voicechat.settings",
            "PATH": os.environ["PATH"],
        },
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def in_database(server: VoicechatServer, query: str, *values: Any) -> list[Any]:
    with sqlite3.connect(server.data_dir / "db.sqlite3", timeout=20) as database:
        return database.execute(query, values).fetchall()


def new_key(server: VoicechatServer, **fields: Any) -> str:
    """A key of the administrator, quicker. ``fields`` as those of ``ApiKey``."""
    text = new_text()
    [[user]] = in_database(server, "select id from accounts_user where username = 'admin'")
    row = {
        "name": "",
        "tts": 1,
        "voice": 0,
        "realtime": 0,
        "created_at": "2026-11-21",
        "commands_per_minute": 600,
        "characters_per_minute": 200_000,
        "sockets": 20,
        "user_id": user,
        "prefix": text[:10],
        "hash": hash_of(text),
        **fields,
    }
    marks = ", ".join("?" * len(row))
    query = f"insert into accounts_apikey ({', '.join(row)}) values ({marks})"
    in_database(server, query, *row.values())
    return text


def revoke(server: VoicechatServer, key: str) -> None:
    query = "update accounts_apikey set revoked_at = '2026-11-21' where hash = ?"
    in_database(server, query, hash_of(key))


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}", "X-User-Id": "somebody"}


async def within_a_minute(seconds: float = 15) -> None:
    """Wait for the next minute if this one ends in less: a process that counts by itself counts by the
    minutes of the clock, and at their turn there is room for a little more.
    """
    left_s = 60 - time.time() % 60
    if left_s < seconds:
        await asyncio.sleep(left_s)


async def socket_url(server: VoicechatServer, key: str, model: str = "PlayDialog") -> str:
    async with httpx.AsyncClient() as http:
        answer = await http.post(f"{server.url}/api/v1/tts/websocket-auth", headers=bearer(key))
    answer.raise_for_status()
    url: str = answer.json()["webSocketUrls"][model]
    return url


async def say(socket: websockets.ClientConnection, **fields: Any) -> None:
    await socket.send(json.dumps(fields))


async def hear(socket: websockets.ClientConnection) -> Answer:
    """The next answer. Fails when anything comes out of its order."""
    async with asyncio.timeout(PATIENCE_S):
        start = json.loads(await socket.recv())
        assert start["type"] == "start"
        assert "request_id" in start
        answer = Answer(start)
        while True:
            message = await socket.recv()
            if isinstance(message, bytes):
                assert not answer.errors
                assert len(message) <= 2**20
                answer.audio.append(message)
                continue
            frame = json.loads(message)
            assert frame["request_id"] == start["request_id"]
            if frame["type"] == "end":
                answer.end = frame
                return answer
            assert frame["type"] == "error"
            answer.errors.append(frame)


def resident_kb(server: VoicechatServer) -> int:
    """Memory that the server's process has."""
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0])
