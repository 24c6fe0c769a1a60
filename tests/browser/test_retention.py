"""In Chromium: somebody deletes all of their own, but for what is on legal hold."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, StorageState, expect

from tests.services import VoicechatServer

from .test_access import faults
from .visits import Visit, run_beside, visits

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


@pytest.fixture(scope="module")
def kept(live_server_process: VoicechatServer) -> Kept:
    """By user: the ids of a conversation, of one on legal hold, and of one that was purged."""
    known: Kept = json.loads(run_beside(live_server_process, KEEP))
    return known


@pytest.fixture
async def visit(
    browser: Browser,
    live_server_process: VoicechatServer,
    logged_in: dict[str, StorageState],
    kept: Kept,
) -> AsyncIterator[Visit]:
    # What is on legal hold is refused with a 409: the page tells of it.
    async with visits(browser, live_server_process, logged_in, "status of 409") as visit:
        yield visit


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
