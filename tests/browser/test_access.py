"""Everything by keyboard, and nothing that axe finds fault with, in every state."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from .conftest import Chat, OpenChat
from .microphones import OWN
from .scripted_server import a_turn
from .test_transcript import CARD

AXE = Path(__file__).parents[2] / "node_modules/axe-core/axe.min.js"
# As the audit of the whole page; "region" is on: everything lies in a landmark.
AXE_RUN = (
    "axe.run().then(r => JSON.stringify(r.violations.map(v => [v.id, v.nodes.map(n => n.html)])))"
)


async def faults(page: Page) -> list[object]:
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(AXE.read_text())
    found: list[object] = json.loads(await page.evaluate(AXE_RUN))
    return found


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing_in_any_state(open_chat: OpenChat, scheme: str) -> None:
    chat = await open_chat(color_scheme=scheme, reduced_motion="reduce")
    page = chat.page
    assert await faults(page) == [], "empty"
    await chat.write("Find me a flat")
    said, reply = await chat.peer.take_text()
    await expect(page.locator(".is-thinking")).to_have_count(1)
    assert await faults(page) == [], "thinking"
    await chat.peer.start_reply(reply, said["turn"], kind="property", voice="espeak:en-us")
    await chat.peer.send("state", person="silent", bot="speaking")
    await chat.peer.send("cards", reply=reply, cards=[CARD])
    await chat.peer.send("delta", reply=reply, offset=0, text="One flat. It is bright.")
    await chat.peer.speak(reply, "One flat. ", 2500)
    await chat.until("CSS.highlights.has('spoken-word')")
    assert await faults(page) == [], "speaking"
    await chat.peer.send("clear", generation=1)
    await chat.peer.send("state", person="hearing", bot="held")
    await expect(page.locator(".bot-state")).to_have_text("Listening to you")
    assert await faults(page) == [], "held"
    await chat.peer.end_reply(
        reply, "One flat. It is bright.", status="interrupted", heard="One flat.", heard_ms=600
    )
    await expect(page.locator("s")).to_have_count(1)
    assert await faults(page) == [], "interrupted"
    reply = await chat.ask("Again")
    await chat.peer.end_reply(reply, "Unheard.", status="interrupted", heard="", heard_ms=0)
    await expect(page.locator(".is-folded")).to_have_count(1)
    assert await faults(page) == [], "not heard"
    reply = await chat.ask("Again")
    await chat.peer.end_reply(reply, "", status="failed")
    audio = [{"url": "/audio/1.wav", "start_ms": 0, "duration_ms": 400}]
    turn = a_turn(seq=9, rev=9, role="assistant", kind="realtime", text="One\nTwo", audio=audio)
    await chat.peer.send("turn", turn=turn, rev=9)
    await page.locator("[data-action=replay]:visible").last.click()
    assert await faults(page) == [], "failed, realtime and player"
    await page.get_by_role("button", name="Voice settings").click()
    assert await faults(page) == [], "voice settings"
    await page.keyboard.press("Escape")
    await page.get_by_label("Message").fill("x" * 8001)
    assert await faults(page) == [], "too long"
    chat.server.refuse_sockets = True
    await chat.peer.close(1012)
    await expect(page.locator(".banner")).to_be_visible()
    assert await faults(page) == [], "offline"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
async def test_axe_finds_nothing_in_any_state_of_the_microphone(
    open_chat: OpenChat, scheme: str, width: int
) -> None:
    chat = await open_chat(
        script=OWN, color_scheme=scheme, reduced_motion="reduce",
        viewport={"width": width, "height": 844},
    )  # fmt: skip
    page = chat.page
    await page.evaluate("microphone.refuse = 'NotReadableError'")
    await page.get_by_role("button", name="Open the microphone").click()
    assert await faults(page) == [], "notice"
    await page.get_by_role("button", name="Continue").click()
    await expect(chat.prompt).to_contain_text("another program")
    assert await faults(page) == [], "in use"
    await page.evaluate("microphone.refuse = ''")
    await page.get_by_role("button", name="Try again").click()
    await chat.peer.receive("microphone")
    assert await faults(page) == [], "listening"
    await chat.peer.send("state", person="hearing", bot="held")
    await chat.peer.transcript("u1", "Find me a")
    await expect(page.locator(".turn")).to_have_count(1)
    assert await faults(page) == [], "hearing"
    await page.get_by_role("button", name="Mute the microphone").click()
    assert await faults(page) == [], "muted"
    await page.get_by_role("button", name="Microphone settings").click()
    assert await faults(page) == [], "settings"
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="Push to talk").click()
    assert await faults(page) == [], "push to talk"
    await page.keyboard.down(" ")
    await chat.peer.receive("speech_start")
    assert await faults(page) == [], "pressed"
    small = await page.evaluate(
        "[...document.querySelectorAll('.talk-bar button, [data-action=talk]')]"
        ".filter((one) => one.checkVisibility()).map((one) => one.getBoundingClientRect())"
        ".filter(({ width, height }) => width < 44 || height < 44).length"
    )
    assert small == 0
    await page.evaluate("new BroadcastChannel('voicechat.microphone').postMessage('open')")
    await expect(chat.prompt).to_contain_text("open in another tab")
    assert await faults(page) == [], "open in another tab"
    await chat.peer.close(4401)
    await expect(page.locator(".banner")).to_be_visible()
    assert await faults(page) == [], "ended"


async def test_axe_finds_nothing_in_the_drawer_of_a_phone(open_chat: OpenChat) -> None:
    chat = await open_chat(viewport={"width": 390, "height": 844}, reduced_motion="reduce")
    assert await faults(chat.page) == []
    await chat.page.get_by_role("button", name="Conversations").click()
    assert await faults(chat.page) == []


async def test_the_drawer_takes_and_gives_back_the_focus(open_chat: OpenChat) -> None:
    chat = await open_chat(viewport={"width": 390, "height": 844}, reduced_motion="reduce")
    opener = chat.page.get_by_role("button", name="Conversations")
    await expect(chat.page.get_by_role("link", name="New conversation")).to_be_hidden()
    await opener.focus()
    await chat.page.keyboard.press("Enter")
    await expect(chat.page.get_by_role("button", name="Close the list")).to_be_focused()
    await chat.page.keyboard.press("Escape")
    await expect(opener).to_be_focused()
    await expect(opener).to_have_attribute("aria-expanded", "false")


async def test_a_whole_conversation_by_keyboard(chat: Chat) -> None:
    page = chat.page
    await expect(page.get_by_label("Message")).to_be_focused()
    await page.keyboard.type("First line")
    await page.keyboard.press("Shift+Enter")
    await page.keyboard.type("second line")
    await page.keyboard.press("Enter")
    said, reply = await chat.peer.take_text()
    assert said["text"] == "First line\nsecond line"
    await expect(page.get_by_label("Message")).to_have_value("")
    # The bot is busy: the button stops it, and the focus stays in the page when it goes.
    stop = page.get_by_role("button", name="Stop")
    await expect(stop).to_be_visible()
    await page.keyboard.press("Tab")
    await expect(stop).to_be_focused()
    await page.keyboard.press("Enter")
    await chat.peer.receive("interrupt")
    await chat.peer.end_reply(reply, "I was", status="interrupted")
    await expect(stop).to_be_hidden()
    await expect(page.get_by_label("Message")).to_be_focused()
    await page.keyboard.press("Shift+Tab")
    await expect(page.get_by_role("button", name="Bad answer")).to_be_focused()
    await page.keyboard.press("Enter")
    assert (await chat.peer.receive("rate"))["value"] == -1
    await expect(page.get_by_role("button", name="Bad answer")).to_be_focused()


async def test_while_the_bot_is_busy_one_can_stop_it_and_send(chat: Chat) -> None:
    await chat.ask("Hi")
    await expect(chat.page.get_by_role("button", name="Stop")).to_be_visible()
    await expect(chat.page.get_by_role("button", name="Send")).to_be_hidden()
    await chat.page.get_by_label("Message").fill("Wait")
    await expect(chat.page.get_by_role("button", name="Stop")).to_be_visible()
    await expect(chat.page.get_by_role("button", name="Send")).to_be_visible()


async def test_enter_that_ends_a_composition_does_not_send(chat: Chat) -> None:
    await chat.page.get_by_label("Message").fill("にほん")
    await chat.page.get_by_label("Message").dispatch_event(
        "keydown", {"key": "Enter", "isComposing": True}
    )
    await expect(chat.page.get_by_label("Message")).to_have_value("にほん")
    await expect(chat.turns).to_have_count(0)


async def test_the_limit_counts_as_the_server_does_and_keeps_too_long_a_text(chat: Chat) -> None:
    message = chat.page.get_by_label("Message")
    await message.fill("👋" * 7999)
    await expect(chat.page.get_by_text("7999 of 8000 characters")).to_be_visible()
    await message.fill("👋" * 8001)
    await expect(chat.page.get_by_role("button", name="Send")).to_be_disabled()
    await chat.page.keyboard.press("Enter")
    await expect(chat.turns).to_have_count(0)
    await message.fill("short")
    await expect(chat.page.locator(".composer-counter")).to_be_hidden()


async def test_the_draft_survives_a_reload(chat: Chat) -> None:
    await chat.page.get_by_label("Message").fill("Half a thought")
    await chat.page.reload()
    await (await chat.server.connection()).ready()
    await expect(chat.page.get_by_label("Message")).to_have_value("Half a thought")


async def test_escape_in_the_voice_settings_closes_them_and_nothing_else(chat: Chat) -> None:
    reply = await chat.ask("Hi")
    await chat.page.get_by_role("button", name="Voice settings").click()
    await chat.page.keyboard.press("Escape")
    await expect(chat.page.locator("#voice-panel")).to_be_hidden()
    await chat.page.keyboard.press("Escape")
    await chat.peer.receive("interrupt")
    assert reply


async def test_nothing_moves_by_itself_while_a_page_opens(chat: Chat) -> None:
    await expect(chat.page.locator(".bot-state")).to_have_text("Ready")
    shift = """new Promise(resolve => new PerformanceObserver(list => resolve(
        list.getEntries().reduce((sum, entry) => sum + entry.value, 0)
    )).observe({ type: "layout-shift", buffered: true }) || setTimeout(() => resolve(0), 300))"""
    assert await chat.page.evaluate(shift) < 0.05
