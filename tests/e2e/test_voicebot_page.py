"""The VoiceBot page and the real server: a conversation, an interruption, and marks."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from playwright.async_api import expect

from tests.browser.microphones import plays
from tests.browser.test_voicebot_page import SOUNDS
from tests.conftest import LaunchChromium
from tests.services import VoicechatServer
from tests.speech.recordings import readings

from .test_chat_page import until
from .test_talking_in_the_page import RATE, recorded

STATS = "voicebot.stats()"


async def test_somebody_cuts_in_on_the_greeting_and_is_answered(
    launch_chromium: LaunchChromium, live_server_process: VoicechatServer, tmp_path: Path
) -> None:
    """The microphone is silent for 6 s: two until the start, then the bot greets; somebody reads."""
    said = recorded(tmp_path / "said.wav", readings()[1].pcm(RATE), before_s=6)
    browser = await launch_chromium(SOUNDS, *plays(said))
    page = await browser.new_page()
    complaints: list[str] = []
    page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    await page.goto(live_server_process.url + "/voicebot/")
    await page.get_by_role("button", name="Connect").click()
    await until(page, f"{STATS}.marks > 2")
    await until(page, f"{STATS}.clears > 0")
    cut = await page.evaluate(STATS)
    assert cut["played"] > 0
    # It is answered.
    await until(page, f"{STATS}.played > {cut['played'] + 8_000}")
    await page.get_by_role("button", name="Hang up").click()
    await expect(page.locator(".call-state")).to_have_text("The call has ended.")
    after = await page.evaluate(STATS)
    assert after["played"] + after["cleared"] + after["queued"] == after["received"]
    assert after["cleared"] > 0
    await browser.close()
    assert complaints == []
    with sqlite3.connect(live_server_process.data_dir / "db.sqlite3") as database:
        turns = database.execute(
            "select role, status, text, heard_text from conversations_turn where call_id ="
            " (select id from conversations_call where protocol = 'voicebot'"
            " order by started_at desc limit 1) order by seq"
        ).fetchall()
    notice, greeting, person, answer = turns[:4]
    assert notice[1] == "done"
    assert (greeting[0], person[0], answer[0]) == ("assistant", "user", "assistant")
    assert greeting[1] == "interrupted"
    assert 0 < len(greeting[3]) < len(greeting[2])
    assert person[2]
