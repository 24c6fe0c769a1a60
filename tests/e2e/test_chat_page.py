"""A person at the chat page, in a real Chromium, against the real server."""

from __future__ import annotations

import asyncio
import re

import pytest
from playwright.async_api import Browser, Page, expect

from tests.conftest import LaunchChromium
from tests.services import VoicechatServer

PLAYED = "window.voicechat.speaker.stats().played"
STATS = "window.voicechat.speaker.stats()"


async def open_page(
    launch_chromium: LaunchChromium, server: VoicechatServer, path: str = "/"
) -> tuple[Browser, Page]:
    browser = await launch_chromium("--autoplay-policy=no-user-gesture-required")
    page = await browser.new_page()
    await page.goto(server.url + path)
    return browser, page


async def ask(page: Page, text: str) -> None:
    await page.get_by_label("Message").fill(text)
    await page.keyboard.press("Enter")


async def until(page: Page, condition: str) -> None:
    """Ask the page again and again: its own rules forbid Playwright to leave code there."""
    async with asyncio.timeout(20):
        while not await page.evaluate(condition):  # noqa: ASYNC110 (it has no event for it)
            await asyncio.sleep(0.05)


async def hear(page: Page, seconds: float) -> None:
    """Wait until so much more sound has really been played: samples, at 24 kHz, that are not silence."""
    before = await page.evaluate(PLAYED)
    await until(page, f"{PLAYED} > {before + 24_000 * seconds}")
    await until(page, f"{STATS}.level > 0.001")


async def test_somebody_signs_up_asks_hears_and_finds_it_again(
    launch_chromium: LaunchChromium, live_server_process: VoicechatServer
) -> None:
    browser, page = await open_page(launch_chromium, live_server_process, "/accounts/signup/")
    await page.get_by_label("Username").fill("grace")
    for field in await page.locator("input[type=password]").all():
        await field.fill("a long enough sentence")
    await page.get_by_role("button", name=re.compile("sign up", re.IGNORECASE)).click()
    # The box is there a moment before the code that sends what is in it.
    await until(page, "'voicechat' in window")

    await ask(page, "two bedroom flat in Lisbon under 300k")
    card = page.locator(".property").first
    await expect(card).to_contain_text("€")
    await hear(page, 1.0)

    await ask(page, "What time is it in Tokyo?")
    await expect(page.get_by_text(re.compile("In Tokyo it is")).first).to_be_visible()
    await hear(page, 1.0)

    await ask(page, "What can you do?")
    await hear(page, 1.0)
    await page.keyboard.press("Escape")
    # The bot falls silent: what is played after the fade is nothing.
    await until(page, f"!{STATS}.playing")
    silent = await page.evaluate(PLAYED)
    await page.wait_for_timeout(300)
    assert await page.evaluate(PLAYED) == silent

    await page.wait_for_url(re.compile("/c/"))
    said = await page.locator(".turn-text").all_inner_texts()
    await page.reload()
    await expect(page.locator(".turn-text")).to_have_count(len(said))
    assert [text.split()[:3] for text in await page.locator(".turn-text").all_inner_texts()] == [
        text.split()[:3] for text in said
    ]
    await expect(
        page.get_by_role("link", name=re.compile("two bedroom flat")).first
    ).to_be_visible()
    stats = await page.evaluate(STATS)
    assert stats["underruns"] == 0
    await browser.close()


async def test_an_answer_goes_on_through_a_reload(
    launch_chromium: LaunchChromium, live_server_process: VoicechatServer
) -> None:
    browser, page = await open_page(launch_chromium, live_server_process)
    await ask(page, "hello")
    await page.wait_for_url(re.compile("/c/"))
    await page.reload()
    await expect(page.get_by_text("What would you like?").first).to_be_visible()
    await expect(page.get_by_text("hello", exact=True).first).to_be_visible()
    await browser.close()


async def test_a_kept_turn_can_be_played_again(
    launch_chromium: LaunchChromium, live_server_process: VoicechatServer
) -> None:
    browser, page = await open_page(launch_chromium, live_server_process)
    await until(page, "'voicechat' in window")
    await ask(page, "hello")
    await hear(page, 1.0)
    await page.keyboard.press("Escape")
    # An element that only plays is in no document: keep hold of what is told to play.
    await page.evaluate(
        "() => { window.played = []; const play = HTMLMediaElement.prototype.play;"
        " HTMLMediaElement.prototype.play = function () {"
        " window.played.push(this); return play.call(this); } }"
    )
    # The answer's own: that of the greeting is shown only to a pointer or a focus in its turn, and
    # may have its sound before the answer has.
    answer = page.locator(".turn[data-role=assistant].is-last")
    await answer.locator("[data-action=replay]").click()
    await until(
        page,
        "played.some(a => a.currentTime > 0.2 && a.webkitAudioDecodedByteCount > 1000)",
    )
    await browser.close()


@pytest.mark.parametrize("path", ["/", "/conversations/", "/accounts/login/", "/accounts/signup/"])
async def test_no_page_breaks_its_own_rules(
    launch_chromium: LaunchChromium, live_server_process: VoicechatServer, path: str
) -> None:
    browser = await launch_chromium("--autoplay-policy=no-user-gesture-required")
    page = await browser.new_page()
    complaints: list[str] = []
    page.on(
        "console", lambda m: complaints.append(m.text) if m.type in {"error", "warning"} else None
    )
    page.on("pageerror", lambda error: complaints.append(str(error)))
    await page.goto(live_server_process.url + path)
    await page.wait_for_load_state("networkidle")
    assert complaints == []
    await browser.close()
