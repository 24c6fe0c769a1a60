"""A page of the scripted server in Chromium."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.async_api import Browser, BrowserContext, Locator, Page, StorageState, expect

from tests.conftest import LaunchChromium

from .scripted_server import Connection, ScriptedServer, running

expect.set_options(timeout=5_000)


@pytest.fixture
def chromium_flags() -> tuple[str, ...]:
    """Further flags for ``browser``; for parametrisation."""
    return ()


@pytest.fixture
async def browser(
    launch_chromium: LaunchChromium, chromium_flags: tuple[str, ...]
) -> AsyncIterator[Browser]:
    """Chromium that lets sound start without a gesture."""
    launched = await launch_chromium("--autoplay-policy=no-user-gesture-required", *chromium_flags)
    yield launched
    await launched.close()


@pytest.fixture(scope="module")
def logged_in() -> dict[str, StorageState]:
    """The cookies of those who have logged in to the module's server, by name."""
    return {}


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    async with running(ScriptedServer()) as started:
        yield started


@dataclass(slots=True)
class Chat:
    """The page under test, and the server's end of its socket."""

    server: ScriptedServer
    page: Page
    peer: Connection

    async def write(self, text: str) -> None:
        await self.page.get_by_label("Message").fill(text)
        await self.page.keyboard.press("Enter")

    async def ask(self, text: str, **start: Any) -> str:
        """Write a text, have it acknowledged and its reply started; returns the reply's id."""
        await self.write(text)
        said, reply = await self.peer.take_text()
        await self.peer.start_reply(reply, said["turn"], **start)
        return reply

    async def speaker(self) -> dict[str, Any]:
        stats: dict[str, Any] = await self.page.evaluate("voicechat.speaker.stats()")
        return stats

    async def until(self, condition: str) -> None:
        """Wait until a JavaScript expression is true. (Playwright's own way needs ``eval``.)"""
        poll = (
            f"async () => {{ while (!({condition})) await new Promise(r => setTimeout(r, 10)); }}"
        )
        await asyncio.wait_for(self.page.evaluate(poll), 10)

    async def talk(self) -> None:
        """Open the microphone, past the notice, and wait until the server knows."""
        await self.page.get_by_role("button", name="Open the microphone").click()
        go = self.page.get_by_role("button", name="Continue")
        if await go.is_visible():
            await go.click()
        assert (await self.peer.receive("microphone"))["on"] is True

    @property
    def prompt(self) -> Locator:
        """What the page says about the microphone."""
        return self.page.locator(".microphone-prompt")

    @property
    def turns(self) -> Any:
        return self.page.locator(".turn")


OpenChat = Callable[..., Awaitable[Chat]]


@pytest.fixture
async def open_chat(browser: Browser, server: ScriptedServer) -> AsyncIterator[OpenChat]:
    """Opens pages; at the end no script of theirs may have failed."""
    contexts: list[BrowserContext] = []
    faults: list[str] = []

    async def opened(
        path: str = "/", *, script: str = "", ready: dict[str, Any] | None = None, **options: Any
    ) -> Chat:
        context = await browser.new_context(**options)
        contexts.append(context)
        if script:
            await context.add_init_script(script)
        context.set_default_timeout(5_000)
        page = await context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        await page.goto(server.url + path)
        peer = await server.connection()
        await peer.ready(**(ready or {}))
        return Chat(server, page, peer)

    yield opened
    for context in contexts:
        await context.close()
    assert faults == []


@pytest.fixture
async def chat(open_chat: OpenChat) -> Chat:
    return await open_chat()


@pytest.fixture
async def server_hello(browser: Browser, server: ScriptedServer) -> dict[str, Any]:
    """The first message of a page that is opened for the first time."""
    context = await browser.new_context()
    await (await context.new_page()).goto(server.url)
    hello = await (await server.connection()).ready()
    await context.close()
    return hello
