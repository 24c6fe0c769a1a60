"""A reviewer finds what was said, by keyboard, in a real browser."""

from __future__ import annotations

import subprocess
import sys

import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.test_access import faults
from tests.services import ROOT, VoicechatServer, environment_without_settings

LIST = "/admin/conversations/conversation/"
# The last turn is on the second page of its transcript.
KEEP = """
from accounts.models import Person
from conversations.models import Turn
from tests.conversations.kept import keep_conversation, keep_turn
conversation = keep_conversation(Person.objects.create(), "About <b>capybaras</b>")
Turn.objects.bulk_create(
    Turn(conversation=conversation, seq=seq, rev=seq, role="user", status="done", text="and so on")
    for seq in range(250)
)
keep_turn(conversation, "A <i>Capybara</i> swam home. " + "And so on. " * 60)
"""


@pytest.fixture
def reviewed(live_server_process: VoicechatServer) -> VoicechatServer:
    subprocess.run(
        [sys.executable, "manage.py", "shell", "-c", KEEP],
        cwd=ROOT,
        env={
            **environment_without_settings(),
            "VOICECHAT_DATA_DIR": str(live_server_process.data_dir),
        },
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return live_server_process


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 360)])
async def test_a_turn_is_found_and_opened(
    reviewed: VoicechatServer, chromium: Browser, scheme: str, width: int
) -> None:
    page = await chromium.new_page(
        base_url=reviewed.url,
        color_scheme=scheme,
        reduced_motion="reduce",
        viewport={"width": width, "height": 800},
    )
    await _log_in(page, reviewed.password)
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    await page.goto(LIST)
    await page.locator("#searchbar").fill("capybara")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("link", name="About <b>capybaras</b>").first).to_be_visible()
    assert await faults(page) == [], "list"
    await page.get_by_role("link", name="Show the turns in which this was said").press("Enter")
    await expect(page.locator("mark").first).to_have_text("Capybara")
    assert await faults(page) == [], "found"
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    field = page.get_by_role("searchbox", name="Words that were said")
    await field.fill("capybara zyzzyva")
    await field.press("Enter")
    await expect(page.get_by_role("status")).to_have_text("Nobody said this.")
    assert await faults(page) == [], "nothing found"
    await field.fill('"capybara i swam" -zyzzyva')
    await field.press("Enter")
    await page.get_by_role("link", name="About <b>capybaras</b>").first.press("Enter")
    await expect(page.locator(":target")).to_contain_text("A <i>Capybara</i> swam home.")
    await expect(page.locator(":target")).to_be_in_viewport()
    assert complaints == []


async def _log_in(page: Page, password: str) -> None:
    await page.goto("/accounts/login/")
    await page.locator("[name=login]").fill("admin")
    await page.locator("[name=password]").fill(password)
    await page.keyboard.press("Enter")
    await page.wait_for_url(lambda url: "/login/" not in url)
