"""A recording of a person, played into Chromium's microphone: understood, answered, heard and stored."""

from __future__ import annotations

import re
import wave
from pathlib import Path

from playwright.async_api import expect

from tests.browser.microphones import plays
from tests.conftest import LaunchChromium
from tests.e2e.test_chat_page import STATS, hear, until
from tests.services import VoicechatServer
from tests.speech.recordings import cards, readings

RATE = 16_000
BEFORE_S, AFTER_S = 2, 6


def recorded(path: Path, pcm: bytes, before_s: int = BEFORE_S) -> Path:
    """A WAV file: silence, S16LE mono at 16 kHz, silence."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        silence = bytes(2 * RATE)
        file.writeframes(silence * before_s + pcm + silence * AFTER_S)
    return path


async def test_what_is_said_at_the_page_is_understood_answered_and_kept(
    launch_chromium: LaunchChromium, live_server_process: VoicechatServer, tmp_path: Path
) -> None:
    recording = cards()[0]
    browser = await launch_chromium(
        "--autoplay-policy=no-user-gesture-required",
        *plays(recorded(tmp_path / "said.wav", recording.pcm(RATE))),
    )
    page = await browser.new_page()
    complaints: list[str] = []
    page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    await page.goto(live_server_process.url)
    # The greeting is over, so that nobody is cut in on.
    await hear(page, 0.5)
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="Open the microphone").click()
    await page.get_by_role("button", name="Continue").click()
    said = page.locator(".turn[data-role=user]")
    await expect(said.locator(".turn-text")).not_to_be_empty(timeout=20_000)
    await expect(said).to_have_attribute("data-delivery", "sent", timeout=20_000)
    text = await said.locator(".turn-text").inner_text()
    assert set(text.lower().split()) & set(recording.text.lower().split())
    await hear(page, 0.5)
    assert await page.evaluate(f"{STATS}.underruns") == 0
    await page.get_by_role("button", name="Close the microphone").last.click()
    await until(page, f"!{STATS}.playing")
    # One's own voice is kept, too, and can be heard again.
    await said.hover()
    await expect(said.locator("[data-action=replay]")).to_be_visible()
    await page.reload()
    await expect(said.locator(".turn-text").first).to_have_text(text)
    assert complaints == []
    await browser.close()


async def test_a_voice_silences_the_bot_by_counted_samples(
    launch_chromium: LaunchChromium, live_server_process: VoicechatServer, tmp_path: Path
) -> None:
    """The microphone is silent for 6 s, in which the bot begins to speak, and then somebody reads."""
    reading = readings()[0].pcm(RATE)
    browser = await launch_chromium(
        "--autoplay-policy=no-user-gesture-required",
        *plays(recorded(tmp_path / "said.wav", reading, before_s=6)),
    )
    page = await browser.new_page()
    await page.goto(live_server_process.url)
    await hear(page, 0.2)
    await page.get_by_role("button", name="Open the microphone").click()
    await page.get_by_role("button", name="Continue").click()
    await expect(page.locator(".talk-state")).to_have_text("Listening")
    await page.get_by_label("Message").fill("What can you do?")
    await page.keyboard.press("Enter")
    # The greeting names the same things, and is never struck through.
    answer = page.locator(
        ".turn[data-role=assistant]:not([data-kind=greeting])",
        has_text=re.compile("home|time|weather"),
    )
    await hear(page, 0.5)
    before = await page.evaluate(STATS)
    await until(page, f"!{STATS}.playing && {STATS}.flushed > {before['flushed']}")
    silent = await page.evaluate(STATS)
    assert silent["played"] < silent["received"]
    mine = page.locator(".turn[data-role=user]").nth(1)
    await expect(mine).to_have_attribute("data-delivery", "sent", timeout=20_000)
    await expect(answer.first.locator("s")).not_to_be_empty()
    await browser.close()
