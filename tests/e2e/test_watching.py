"""Members of the staff read along on real servers, and the person is told."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import websockets
from websockets.typing import Origin

from tests.services import ROOT, VoicechatServer, environment_without_settings, voicechat_server

from .person import Person, guest_cookies, person

PATIENCE_S = 20
# Who logs in, and what they may.
USERS = {
    "watcher": ("view_conversation", "read_transcript", "watch_live"),
    "leaver": ("view_conversation", "read_transcript", "watch_live"),
    "no staff": ("view_conversation", "read_transcript", "watch_live"),
    "nothing": (),
    "reader": ("view_conversation", "read_transcript"),
    "blind": ("view_conversation", "watch_live"),
    "others": ("view_conversation", "hear_audio", "export_conversation", "label_conversation"),
}
LOG_IN = f"""
import json
from django.contrib.auth.models import Permission
from django.test import Client
from accounts.models import User
sessions = {{}}
for name, permissions in {USERS}.items():
    user = User.objects.create_user(name, is_staff=name != "no staff")
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    sessions[name] = "sessionid=" + client.cookies["sessionid"].value
print(json.dumps(sessions))
"""
StartServer = Callable[..., VoicechatServer]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VoicechatServer]:
    """Its bots do what they are told."""
    moody = {"VOICECHAT_DIALOGUE": "tests.e2e.bots.Moody"}
    with voicechat_server(tmp_path_factory.mktemp("watched"), moody) as server:
        yield server


def shell(server: VoicechatServer, script: str) -> str:
    data = {"VOICECHAT_DATA_DIR": str(server.data_dir)}
    done = subprocess.run(
        [sys.executable, "manage.py", "shell", "-v", "0", "-c", script],
        cwd=ROOT,
        env=environment_without_settings() | data,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return done.stdout.strip()


@pytest.fixture(scope="module")
def cookies(server: VoicechatServer) -> dict[str, str]:
    """Of those who have logged in, by their names."""
    sessions: dict[str, str] = json.loads(shell(server, LOG_IN))
    return sessions


@dataclass
class Watcher:
    socket: websockets.ClientConnection

    async def hear(self) -> dict[str, Any]:
        async with asyncio.timeout(PATIENCE_S):
            message: dict[str, Any] = json.loads(await self.socket.recv())
            return message

    async def until_shown(self, words: str) -> str:
        """Wait for a turn with these words; its piece of the page."""
        while True:
            message = await self.hear()
            for piece in message.get("turns", ()):
                if words in piece:
                    return str(piece)

    async def refused(self) -> tuple[str, int]:
        """What the error says that closes the socket, and with which code."""
        code = ""
        async with asyncio.timeout(PATIENCE_S):
            async for frame in self.socket:
                code = json.loads(frame).get("code", code)
        assert self.socket.close_code is not None
        return code, self.socket.close_code


@asynccontextmanager
async def watching(
    server: VoicechatServer, conversation: str, cookies: str = "", origin: str = ""
) -> AsyncIterator[Watcher]:
    url = server.url.replace("http", "ws", 1) + f"/ws/watch/{conversation}/"
    headers = {"Cookie": cookies} if cookies else {}
    from_page = Origin(origin or server.url)
    async with websockets.connect(url, additional_headers=headers, origin=from_page) as socket:
        yield Watcher(socket)


@asynccontextmanager
async def talking(server: VoicechatServer) -> AsyncIterator[tuple[Person, str]]:
    """Somebody who has said something, and their conversation."""
    cookies = await guest_cookies(server.url)
    async with person(server.socket_url, cookies, origin=server.url) as one:
        ready = await one.hello()
        await one.ask("Hello?")
        yield one, ready["conversation"]


def watched_entries(server: VoicechatServer, conversation: str) -> int:
    with sqlite3.connect(server.data_dir / "db.sqlite3") as database:
        query = "select count(*) from conversations_access where what = 'watched' and conversation_id = ?"
        count: int = database.execute(query, [conversation.replace("-", "")]).fetchone()[0]
        return count


async def test_what_is_said_is_seen_as_it_is_said(
    server: VoicechatServer, cookies: dict[str, str]
) -> None:
    async with (
        talking(server) as (one, conversation),
        watching(server, conversation, cookies["watcher"]) as watcher,
    ):
        first = await watcher.hear()
        assert first["live"]
        assert len(first["turns"]) >= 2
        assert "You said: Hello?" in first["turns"][-1]
        told = await one.until("watched")
        assert told["watched"]
        assert "reading along" in told["text"]
        assert watched_entries(server, conversation) == 1

        await one.type("slowly 20")
        question = await watcher.until_shown("slowly 20")
        assert "turn-user" in question
        said = ""
        while "number 9 is" not in said:
            message = await watcher.hear()
            if message["type"] == "text":
                said += message["text"]
            else:
                said = "".join(message["turns"])
        while "status-streaming" in await watcher.until_shown("number 19 is"):
            pass


async def test_who_comes_later_is_told_as_well(
    server: VoicechatServer, cookies: dict[str, str]
) -> None:
    guest = await guest_cookies(server.url)
    async with person(server.socket_url, guest, origin=server.url) as one:
        conversation = (await one.hello())["conversation"]
        await one.ask("Hello?")
    async with watching(server, conversation, cookies["watcher"]) as watcher:
        await watcher.hear()
        async with person(server.socket_url, guest, origin=server.url) as one:
            await one.hello(conversation=conversation)
            assert (await one.until("watched"))["watched"]


async def test_what_was_told_to_nobody_is_found_in_the_database(
    server: VoicechatServer, cookies: dict[str, str]
) -> None:
    async with (
        talking(server) as (_, conversation),
        watching(server, conversation, cookies["watcher"]) as watcher,
    ):
        await watcher.hear()
        change = (
            "from conversations.models import Conversation, Turn\n"
            f"one = Conversation.objects.get(pk='{conversation}')\n"
            "Conversation.objects.filter(pk=one.pk).update(rev=one.rev + 1)\n"
            "Turn.objects.filter(conversation=one, role='user').update("
            "text='changed behind its back', rev=one.rev + 1)\n"
        )
        await asyncio.to_thread(shell, server, change)
        await watcher.until_shown("changed behind its back")


@pytest.mark.parametrize("who", ["nothing", "reader", "blind", "others", "no staff"])
async def test_who_may_not_watch_sees_nothing_and_is_not_told_of(
    server: VoicechatServer, cookies: dict[str, str], who: str
) -> None:
    async with talking(server) as (one, conversation):
        async with watching(server, conversation, cookies[who]) as watcher:
            assert await watcher.refused() == ("not_admitted", 4403)
        await one.ask("Anybody there?")
        assert not [told for told in one.messages if told["type"] == "watched"]
        assert watched_entries(server, conversation) == 0


async def test_the_person_themselves_and_strangers_may_not_watch(
    server: VoicechatServer, cookies: dict[str, str]
) -> None:
    async with talking(server) as (_, conversation):
        guest = await guest_cookies(server.url)
        async with watching(server, conversation, guest) as watcher:
            assert (await watcher.refused())[1] == 4403
        async with watching(server, conversation) as watcher:
            assert (await watcher.refused())[1] in {4401, 4403}


async def test_a_page_on_another_site_may_not_watch(
    server: VoicechatServer, cookies: dict[str, str]
) -> None:
    async with (
        talking(server) as (_, conversation),
        watching(
            server, conversation, cookies["watcher"], origin="https://evil.example"
        ) as watcher,
    ):
        assert await watcher.refused() == ("not_admitted", 4403)


async def test_what_is_not_there_cannot_be_watched(
    server: VoicechatServer, cookies: dict[str, str]
) -> None:
    async with watching(
        server, "3f0c0f6e-0000-4000-8000-000000000000", cookies["watcher"]
    ) as watcher:
        assert await watcher.refused() == ("unknown_conversation", 4403)


async def test_who_loses_the_permission_is_shown_out(
    server: VoicechatServer, cookies: dict[str, str]
) -> None:
    take_away = (
        "from accounts.models import User\n"
        "User.objects.get(username='leaver').user_permissions.clear()\n"
    )
    async with (
        talking(server) as (_, conversation),
        watching(server, conversation, cookies["leaver"]) as watcher,
    ):
        await watcher.hear()
        await asyncio.to_thread(shell, server, take_away)
        assert await watcher.refused() == ("not_admitted", 4403)


async def test_a_conversation_that_is_deleted_is_over(
    server: VoicechatServer, cookies: dict[str, str]
) -> None:
    async with (
        talking(server) as (_, conversation),
        watching(server, conversation, cookies["watcher"]) as watcher,
    ):
        await watcher.hear()
        gone = (
            "from conversations.models import Conversation\n"
            f"Conversation.objects.filter(pk='{conversation}').delete()\n"
        )
        await asyncio.to_thread(shell, server, gone)
        assert await watcher.refused() == ("unknown_conversation", 4403)


async def test_it_is_watched_from_another_instance(
    start_server: StartServer, redis_server: str
) -> None:
    moody = {"VOICECHAT_DIALOGUE": "tests.e2e.bots.Moody", "REDIS_URL": redis_server}
    here, there = (start_server(**moody) for _ in range(2))
    staff = json.loads(await asyncio.to_thread(shell, here, LOG_IN))
    async with (
        talking(here) as (one, conversation),
        watching(there, conversation, staff["watcher"]) as watcher,
    ):
        await watcher.hear()
        assert (await one.until("watched"))["watched"]
        asked = await one.type("Do you hear me?")
        await one.until("ack", id=asked)
        await watcher.until_shown("You said: Do you hear me?")


async def test_garbage_in_the_address_or_on_the_socket_disturbs_nobody(
    server: VoicechatServer, cookies: dict[str, str]
) -> None:
    async with talking(server) as (_, conversation):
        for query in ("?rev=-1", "?rev=9999999999999", "?rev=%00", "?rev=x&rev=2"):
            url = server.url.replace("http", "ws", 1) + f"/ws/watch/{conversation}/{query}"
            async with websockets.connect(
                url, additional_headers={"Cookie": cookies["watcher"]}, origin=Origin(server.url)
            ) as socket:
                await socket.send("{")
                await socket.send(b"\x00" * 100)
                assert (await Watcher(socket).hear())["type"] == "turns"
    async with httpx.AsyncClient(base_url=server.url) as client:
        assert (await client.get("/")).status_code == 200
