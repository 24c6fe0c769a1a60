"""Pages at FastRTC's WebSocket mode in a real Chromium: the one of its documents, and ours."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.browser.microphones import FAKE, plays
from tests.browser.test_access import faults
from tests.conftest import LaunchChromium
from tests.services import VoicechatServer, voicechat_server
from tests.speech.recordings import cards

from .test_chat_page import ask, until
from .test_talking_in_the_page import RATE, recorded

SOUNDS = "--autoplay-policy=no-user-gesture-required"
# A page that a test makes up comes from no address, so Chromium takes it for one of the internet.
MADE_UP = "--disable-features=LocalNetworkAccessChecks"
HERE = Path(__file__).parent
# The notice that the call is recorded, and the greeting, are over by then.
BEFORE_S = 8


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VoicechatServer]:
    environment = {"VOICECHAT_DIALOGUE": "tests.e2e.bots.Asking"}
    with voicechat_server(tmp_path_factory.mktemp("fastrtc-page"), environment) as started:
        yield started


async def open_snippet(page: Page, url: str) -> None:
    """The page of the documents, as if the server at ``url`` had it."""
    for name in ("fastrtc_snippet.html", "fastrtc_snippet.js"):
        await page.route(
            f"{url}/{name}", lambda route, _, name=name: route.fulfill(path=HERE / name)
        )
    await page.goto(f"{url}/fastrtc_snippet.html")


async def holds_a_conversation(page: Page) -> None:
    """What is said is understood, the form is filled in, the answer heard and told of."""
    await until(page, "seen.messages.some((message) => message.type === 'send_input')")
    played = await page.evaluate("seen.played")
    assert played > 1
    await until(page, "seen.outputs.some(({content}) => content.includes('Welcome Ann of Oslo.'))")
    said = await page.evaluate("seen.outputs.find(({role}) => role === 'user').content")
    assert set(said.lower().split()) & set(cards()[0].text.split())
    await until(page, f"seen.played > {played} + 0.5")
    logged = await page.evaluate(
        "seen.messages.filter(({type}) => type === 'log').map(({data}) => data)"
    )
    assert logged[-3:] == ["started_talking", "pause_detected", "response_starting"]
    await page.evaluate("stop(ws)")
    await until(page, "ws.readyState === WebSocket.CLOSED")


async def test_the_page_of_fastrtcs_documents_holds_a_conversation(
    launch_chromium: LaunchChromium, server: VoicechatServer, tmp_path: Path
) -> None:
    said = recorded(tmp_path / "said.wav", cards()[0].pcm(RATE), before_s=BEFORE_S)
    browser = await launch_chromium(SOUNDS, MADE_UP, *plays(said))
    page = await browser.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    await open_snippet(page, server.url)
    await holds_a_conversation(page)
    assert complaints == []
    await browser.close()


async def test_our_own_page_talks_shows_the_form_and_what_was_said(
    launch_chromium: LaunchChromium, server: VoicechatServer, tmp_path: Path
) -> None:
    said = recorded(tmp_path / "said.wav", cards()[0].pcm(RATE), before_s=BEFORE_S)
    browser = await launch_chromium(SOUNDS, *plays(said))
    page = await browser.new_page()
    complaints: list[str] = []
    page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    await page.goto(server.url + "/fastrtc/")
    await page.get_by_role("button", name="Start").click()
    await page.get_by_label("Your name").fill("Ann", timeout=30_000)
    await page.get_by_role("button", name="Send").click()
    await expect(page.locator(".outputs")).to_contain_text(
        "Welcome Ann of nowhere.", timeout=30_000
    )
    await expect(page.locator(".asked")).to_be_hidden()
    assert await page.evaluate("fastrtc.stats().played") > 24_000
    await page.get_by_role("button", name="Stop").click()
    await expect(page.locator(".call-state")).to_have_text("The stream has ended.")
    await browser.close()
    assert complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_our_own_page_works_by_keyboard_and_axe_finds_nothing_in_any_state(
    launch_chromium: LaunchChromium, server: VoicechatServer, tmp_path: Path, scheme: str
) -> None:
    said = recorded(tmp_path / "said.wav", cards()[0].pcm(RATE), before_s=BEFORE_S)
    browser = await launch_chromium(SOUNDS, *plays(said))
    phone = {"width": 360, "height": 740}
    page = await browser.new_page(color_scheme=scheme, viewport=phone)
    await page.goto(server.url + "/fastrtc/")
    assert await faults(page) == [], "not connected"
    await page.get_by_role("button", name="Start").focus()
    await page.keyboard.press("Enter")
    await page.get_by_label("Your name").fill("Ann", timeout=30_000)
    assert await faults(page) == [], "asked"
    assert not await page.evaluate("document.documentElement.scrollWidth > innerWidth")
    await page.keyboard.press("Enter")
    outputs = page.locator(".outputs")
    await expect(outputs).to_contain_text("Welcome Ann", timeout=30_000)
    await expect(outputs.get_by_role("listitem")).to_have_text("Flat · 9")
    assert await faults(page) == [], "said"
    await page.get_by_role("button", name="Stop").focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("button", name="Start")).to_be_focused()
    assert await faults(page) == [], "ended"
    await browser.close()


async def test_our_own_page_says_what_is_wrong_with_the_microphone(
    launch_chromium: LaunchChromium, server: VoicechatServer
) -> None:
    browser = await launch_chromium(SOUNDS, "--use-fake-ui-for-media-stream")  # no device
    page = await browser.new_page()
    await page.goto(server.url + "/fastrtc/")
    await page.get_by_role("button", name="Start").click()
    await expect(page.get_by_role("alert")).to_contain_text("No microphone was found")
    await expect(page.locator(".call-state")).to_have_text("Not connected")
    assert await faults(page) == []
    await browser.close()


async def test_our_own_page_says_that_there_is_no_room(
    launch_chromium: LaunchChromium, tmp_path: Path
) -> None:
    browser = await launch_chromium(SOUNDS, *FAKE)
    with voicechat_server(tmp_path, {"VOICECHAT_LIMIT_SOCKETS_PER_PROCESS": "2"}) as full:
        talking, late = [await browser.new_page() for _ in range(2)]
        for page in (talking, late):
            await page.goto(full.url + "/fastrtc/")
        await talking.get_by_role("button", name="Start").click()
        await until(talking, "fastrtc.stats().played > 0")
        await late.get_by_role("button", name="Start").click()
        await expect(late.get_by_role("alert")).to_contain_text("The server is full")
        await expect(late.locator(".call-state")).to_have_text("Not connected")
        await expect(late.get_by_role("button", name="Start")).to_be_focused()
        await expect(talking.locator(".call-state")).to_contain_text("In the stream")
        await browser.close()


async def test_the_chat_page_shows_the_form_too(
    launch_chromium: LaunchChromium, server: VoicechatServer
) -> None:
    browser = await launch_chromium(SOUNDS)
    page = await browser.new_page()
    await page.goto(server.url)
    await until(page, "'voicechat' in window")
    await ask(page, "Book me in.")
    await page.get_by_label("Your name").fill("Ann")
    await page.get_by_label("city").fill("Oslo")
    await page.get_by_role("button", name="Send", exact=True).last.click()
    turn = page.locator(".turn[data-role=assistant]").last
    await expect(turn).to_contain_text("Welcome Ann of Oslo.")
    # One that is not answered goes with its reply.
    await ask(page, "Again.")
    await expect(page.get_by_label("Your name")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.locator(".asked")).to_be_hidden()
    await browser.close()
