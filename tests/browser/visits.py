"""People who log in to a real server and look at its pages in Chromium."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from playwright.async_api import Browser, BrowserContext, Page, StorageState

from tests.services import ROOT, VoicechatServer, environment_without_settings

Visit = Callable[..., Awaitable[Page]]


def run_beside(server: VoicechatServer, script: str) -> str:
    """What a script printed that keeps something in the server's database."""
    environment = {
        **environment_without_settings(),
        "VOICECHAT_DATA_DIR": str(server.data_dir),
        "DJANGO_SETTINGS_MODULE": "voicechat.settings",
    }
    told = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    return told.stdout


@asynccontextmanager
async def visits(
    browser: Browser, server: VoicechatServer, logged_in: dict[str, StorageState], forgiven: str
) -> AsyncIterator[Visit]:
    """Logs somebody in, once for all of ``logged_in``, and opens a page.

    At the end nothing may have complained in the console but what has ``forgiven`` in it. With ``axe``
    nobody looks at the console: it tries styles that the policy forbids.
    """
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    async def opened(path: str, who: str, *, axe: bool = False, **options: Any) -> Page:
        context = await browser.new_context(
            base_url=server.url, storage_state=logged_in.get(who), **options
        )
        contexts.append(context)
        context.set_default_timeout(5_000)
        page = await context.new_page()
        if who not in logged_in:
            await page.goto("/accounts/login/")
            await page.locator("[name=login]").fill(who)
            await page.locator("[name=password]").fill(server.password)
            await page.keyboard.press("Enter")
            await page.wait_for_url(lambda url: "/login/" not in url)
            logged_in[who] = await context.storage_state()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        if not axe:
            page.on("console", lambda message: complaints.append(message.text))
        await page.goto(path)
        return page

    yield opened
    for context in contexts:
        await context.close()
    assert [text for text in complaints if forgiven not in text] == []
