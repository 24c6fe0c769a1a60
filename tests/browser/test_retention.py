"""In Chromium: somebody deletes all of their own, but for what is on legal hold."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from playwright.async_api import Browser, BrowserContext, Page, expect

from tests.services import ROOT, VoicechatServer, environment_without_settings

from .test_access import faults

KEEP = """
import django; django.setup()
import json
from datetime import timedelta
from django.contrib.auth.models import Permission
from django.utils import timezone
from accounts.models import Person, User
from conversations.models import Conversation
from conversations.retention.ages import Kind
from conversations.retention.purging import purge
from tests.conversations.retention.aged import aged_conversation

lawyer = User.objects.create_user("lawyer", password="only for tests", is_staff=True)
lawyer.user_permissions.set(Permission.objects.filter(codename__in=(
    "view_conversation", "read_transcript", "hold_conversation", "delete_conversation",
)))
told = {}
for name in ("mia", "leo", "ida"):
    user = User.objects.create_user(name, password="only for tests")
    person = Person.objects.create(user=user)
    free, held = aged_conversation(2, person), aged_conversation(1, person, legal_hold=True)
    old = aged_conversation(5000, person)
    told[name] = {"free": str(free.pk), "held": str(held.pk), "old": str(old.pk)}
for kind in Kind:
    list(purge(kind, timezone.now() - timedelta(days=4000)))
print(json.dumps(told))
"""
OWN = "/conversations/"
ADMIN = "/admin/conversations/conversation/"

Kept = dict[str, dict[str, str]]
Visit = Callable[..., Awaitable[Page]]


@pytest.fixture(scope="module")
def kept(live_server_process: VoicechatServer) -> Kept:
    """By user: the ids of a conversation, of one on legal hold, and of one that was purged."""
    environment = {
        **environment_without_settings(),
        "VOICECHAT_DATA_DIR": str(live_server_process.data_dir),
        "DJANGO_SETTINGS_MODULE": "voicechat.settings",
    }
    told = subprocess.run(
        [sys.executable, "-c", KEEP],
        cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    known: Kept = json.loads(told.stdout)
    return known


@pytest.fixture
async def visit(
    browser: Browser, live_server_process: VoicechatServer, kept: Kept
) -> AsyncIterator[Visit]:
    """Logs somebody in and opens a page. At the end nothing may have complained in the console."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    async def opened(path: str, who: str, *, axe: bool = False, **options: Any) -> Page:
        context = await browser.new_context(base_url=live_server_process.url, **options)
        contexts.append(context)
        context.set_default_timeout(5_000)
        page = await context.new_page()
        await page.goto("/accounts/login/")
        await page.locator("[name=login]").fill(who)
        await page.locator("[name=password]").fill(live_server_process.password)
        await page.keyboard.press("Enter")
        await page.wait_for_url(lambda url: "/login/" not in url)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        if not axe:  # it tries styles that the policy forbids
            page.on("console", lambda message: complaints.append(message.text))
        await page.goto(path)
        return page

    yield opened
    for context in contexts:
        await context.close()
    # What is on legal hold is refused with a 409: the page tells of it.
    assert [text for text in complaints if "status of 409" not in text] == []


async def test_everything_goes_but_what_is_on_legal_hold(visit: Visit, kept: Kept) -> None:
    page = await visit(OWN, "mia")
    await page.get_by_role("link", name="Delete everything", exact=True).click()
    await expect(page.get_by_text("2 conversations with 4 turns")).to_be_visible()
    await expect(page.get_by_text("has to be kept for legal reasons")).to_be_visible()
    await page.get_by_role("button", name="Delete everything for good").click()
    await expect(page.get_by_text("2 conversations were deleted.")).to_be_visible()
    await expect(page.locator(".conversation-link")).to_have_count(1)
    lawyer = await visit(f"{ADMIN}{kept['mia']['held']}/change/", "lawyer")
    await expect(lawyer.get_by_text("the person asked for it to be deleted")).to_be_visible()
    await lawyer.get_by_role("button", name="Release from legal hold and delete").click()
    await expect(
        lawyer.get_by_text("Released, and deleted as the person had asked.")
    ).to_be_visible()
    await page.goto(OWN)
    await expect(page.get_by_text("Nothing said yet")).to_be_visible()


async def test_what_was_said_long_ago_is_gone_from_the_chat_and_it_goes_on(
    visit: Visit, kept: Kept
) -> None:
    page = await visit(f"/c/{kept['ida']['old']}/", "ida")
    await expect(page.get_by_text("has been deleted for its age")).to_be_visible()
    await expect(page.locator(".turn")).to_have_count(0)
    await page.get_by_label("Message").fill("Hello again")
    await page.keyboard.press("Enter")
    await expect(page.locator(".turn")).to_have_count(2)
    await page.reload()
    await expect(page.locator(".turn")).to_have_count(2)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
async def test_axe_finds_nothing_and_nothing_is_too_wide(
    visit: Visit, kept: Kept, scheme: str, width: int
) -> None:
    own, options = (
        kept["leo"],
        {"color_scheme": scheme, "viewport": {"width": width, "height": 844}},
    )
    page = await visit(OWN, "leo", axe=True, **options)

    async def is_fine(what: str) -> None:
        wider = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wider <= 0, what
        assert await faults(page) == [], what

    await is_fine("history")
    for path in ("delete/", f"{own['free']}/delete/", f"{own['held']}/delete/"):
        await page.goto(OWN + path)
        await is_fine(path)
    if await page.get_by_role("button", name="Delete it as soon as possible").is_visible():
        await page.get_by_role("button", name="Delete it as soon as possible").click()
    await is_fine("refused")
    await page.goto(f"/c/{own['old']}/")
    await is_fine("purged chat")
    page = await visit(ADMIN, "lawyer", axe=True, **options)
    for conversation in own.values():
        await page.goto(f"{ADMIN}{conversation}/change/")
        await is_fine("admin")
    await page.goto(f"{ADMIN}{own['held']}/delete/")
    await is_fine("refused in the admin")
