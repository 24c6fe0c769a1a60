"""A server whose bots do what they are told, badly; and what its database holds."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable
from typing import Any

from tests.services import VoicechatServer

MOODY = {"VOICECHAT_DIALOGUE": "tests.e2e.bots.Moody", "VOICECHAT_DIALOGUE_TIMEOUT": "1.5"}


def kept(server: VoicechatServer, query: str, *values: str) -> list[Any]:
    """What the server's database holds."""
    with sqlite3.connect(server.data_dir / "db.sqlite3") as database:
        return database.execute(query, values).fetchall()


def turns_of(server: VoicechatServer, conversation: str) -> list[Any]:
    return kept(
        server,
        "select role, kind, status, text, error from conversations_turn"
        " where conversation_id = ? order by seq",
        conversation.replace("-", ""),
    )


async def until(is_so: Callable[[], bool], within_s: float) -> None:
    """Look into the database until something is so."""
    give_up = time.monotonic() + within_s
    while not is_so():
        assert time.monotonic() < give_up
        await asyncio.sleep(0.1)
