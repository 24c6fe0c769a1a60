"""Reviewers in Chromium: the list, what they note, and one who is faster than the other."""

from __future__ import annotations

import functools
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import Browser, Page, StorageState, expect

from tests.services import VoicechatServer

from .test_access import AXE, AXE_RUN
from .visits import Visit, run_beside, visits

LIST = "/admin/conversations/conversation/"
KEEP = """
import django; django.setup()
from datetime import timedelta
from django.contrib.auth.models import Permission
from django.utils import timezone
from accounts.models import Person, User
from conversations.models import Conversation, Tag
from tests.conversations.kept import keep_call, keep_conversation, keep_turn

for name in ("ann", "bea"):
    user = User.objects.create_user(name, password="only for tests", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=(
        "view_conversation", "read_transcript", "label_conversation", "view_access", "view_tag",
    )))
tag = Tag.objects.create(name="wrong language")
for number in range(4):
    conversation = keep_conversation(
        Person.objects.create(), f"Labelled talk {number}", protocol="voice-chat-original",
        error_count=number, interruption_count=3, p95_ms=900 * number or None, turn_count=2,
        liked_count=2, disliked_count=number, duration_ms=90_000 * number, language="pt-BR",
    )
    keep_turn(conversation, "Are their horses?")
    keep_turn(conversation, "There are three houses.")
    if number == 3:
        conversation.tags.set([tag, Tag.objects.create(name="to be followed up this week")])
        conversation.grade, conversation.reviewed_at = 1, timezone.now()
        conversation.reviewed_by = user
        conversation.save()
    at = timezone.now() + timedelta(minutes=10 - number)  # before those of other tests
    Conversation.objects.filter(pk=conversation.pk).update(last_at=at)
    if number == 2:
        keep_call(conversation, seen_at=timezone.now() + timedelta(minutes=5))
    print(conversation.pk)
"""


@pytest.fixture(scope="module")
def kept(live_server_process: VoicechatServer) -> list[str]:
    """The ids of four conversations, the newest first: the third goes on, the fourth is labelled."""
    return run_beside(live_server_process, KEEP).split()


@pytest.fixture
async def review(
    browser: Browser,
    live_server_process: VoicechatServer,
    logged_in: dict[str, StorageState],
    kept: list[str],
) -> AsyncIterator[Visit]:
    # That somebody else was faster is a 409: the page tells of it.
    async with visits(browser, live_server_process, logged_in, "status of 409") as visit:
        yield functools.partial(visit, who="ann")


def page_of(conversation: str) -> str:
    return f"{LIST}{conversation}/change/"


async def faults(page: Page) -> list[object]:
    """What axe finds. To preload what style sheets import it would write an inline style."""
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(AXE.read_text())
    run = AXE_RUN.replace("axe.run()", "axe.run({preload: false})")
    found: list[object] = json.loads(await page.evaluate(run))
    return found


async def sideways(page: Page) -> int:
    """How many CSS pixels the page is wider than its window."""
    wider: int = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
    return wider


async def test_a_reviewer_notes_all_by_keyboard_and_goes_on(review: Visit, kept: list[str]) -> None:
    page = await review(page_of(kept[0]))
    await page.get_by_role("radio", name="poor").focus()
    await page.keyboard.press("Space")
    await page.get_by_role("checkbox", name="wrong language").focus()
    await page.keyboard.press("Space")
    await page.get_by_label("Other tags").focus()
    await page.keyboard.type("urgent, call back")
    await page.keyboard.press("Tab")
    await page.keyboard.type("They wanted houses.")
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("checkbox", name="Reviewed")).to_be_focused()
    await page.keyboard.press("Tab")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")  # Save as reviewed, on to the next
    await expect(page.get_by_text("What you noted is saved.")).to_be_visible()
    assert kept[1] in page.url
    await page.goto(page_of(kept[0]))
    await expect(page.get_by_role("radio", name="poor")).to_be_checked()
    for tag in ("wrong language", "urgent", "call back"):
        await expect(page.get_by_role("checkbox", name=tag)).to_be_checked()
    await expect(page.get_by_role("textbox", name="Note")).to_have_value("They wanted houses.")
    await expect(page.get_by_role("checkbox", name="Reviewed")).to_be_checked()
    # The third goes on now and the fourth is reviewed: from the second the way leads elsewhere.
    await page.goto(page_of(kept[1]))
    await page.get_by_role("link", name="Next that is not reviewed").click()
    assert not any(id in page.url for id in kept[2:])


async def test_a_correction_stands_beneath_what_the_transcript_says(
    review: Visit, kept: list[str]
) -> None:
    page = await review(page_of(kept[1]))
    turn = page.locator(".turn").first
    await turn.get_by_text("Correct", exact=False).first.focus()
    await page.keyboard.press("Enter")
    field = turn.get_by_label("What was really said")
    await expect(field).to_be_focused()
    await expect(field).to_have_value("Are their horses?")
    await field.fill("Are there houses?")
    await turn.get_by_role("button", name="Save correction").click()
    await expect(page.locator(".turn").first).to_contain_text("Are their horses?")
    await expect(page.locator(".corrected")).to_contain_text("Are there houses?")
    await expect(page.locator(".corrected")).to_contain_text("ann")
    assert await faults(page) == []


async def test_what_is_typed_is_not_left_by_accident(review: Visit, kept: list[str]) -> None:
    page = await review(page_of(kept[1]))
    asked: list[str] = []

    async def stay(dialog: Any) -> None:
        asked.append(dialog.type)
        await dialog.dismiss()

    page.on("dialog", stay)
    await page.get_by_role("textbox", name="Note").press_sequentially("Half a thou")
    await page.get_by_role("link", name="Conversations").last.click(no_wait_after=True)
    await expect(page.get_by_role("textbox", name="Note")).to_have_value("Half a thou")
    assert asked == ["beforeunload"]
    await page.get_by_role("button", name="Save", exact=True).click()
    await expect(page.get_by_text("What you noted is saved.")).to_be_visible()
    assert asked == ["beforeunload"]


async def test_of_two_reviewers_the_second_is_told(review: Visit, kept: list[str]) -> None:
    first, second = [await review(page_of(kept[2]), who=who) for who in ("ann", "bea")]
    await first.get_by_role("textbox", name="Note").fill("By Ann")
    await second.get_by_role("textbox", name="Note").fill("By Bea")
    await first.get_by_role("button", name="Save", exact=True).click()
    await expect(first.get_by_text("What you noted is saved.")).to_be_visible()
    await second.get_by_role("button", name="Save", exact=True).click()
    told = second.get_by_role("alert")
    await expect(told).to_contain_text("By Ann")
    await expect(second.get_by_role("textbox", name="Note")).to_have_value("By Bea")
    assert await faults(second) == []
    await second.get_by_role("textbox", name="Note").fill("By Ann and Bea")
    await second.get_by_role("button", name="Save", exact=True).click()
    await expect(second.get_by_text("What you noted is saved.")).to_be_visible()
    await expect(second.get_by_role("textbox", name="Note")).to_have_value("By Ann and Bea")


@pytest.mark.parametrize(("scheme", "width"), [("light", 1400), ("dark", 390)])
async def test_nothing_is_too_wide_and_axe_finds_nothing(
    review: Visit, kept: list[str], scheme: str, width: int
) -> None:
    page = await review(LIST, color_scheme=scheme, viewport={"width": width, "height": 900})
    for path in (
        LIST,
        f"{LIST}?o=-7.-6.-3",
        page_of(kept[3]),
        f"{LIST}{kept[3]}/labels/",
        "/admin/conversations/tag/",
        "/admin/conversations/access/",
    ):
        await page.goto(path)
        assert await sideways(page) <= 0, path
        assert await faults(page) == [], path


async def test_all_columns_of_the_list_are_seen_at_once(review: Visit) -> None:
    page = await review(LIST, viewport={"width": 1400, "height": 900})
    table = page.locator(".results")
    assert await table.evaluate("table => table.scrollWidth - table.clientWidth") <= 0
    await expect(table.locator(".live")).to_have_text("live now")
