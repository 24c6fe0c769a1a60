"""The page /tts/ of a real server: every format is heard, and the requests it shows work."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from playwright.async_api import Browser, ConsoleMessage, Page, expect

from scripts import programs
from speech.codecs import decode
from speech.pcm import duration_ms
from tests.conftest import LaunchChromium
from tests.services import VoicechatServer
from tests.speech_api.client import new_key

from .test_access import faults

TEXT = 'She said: "It\'s $5 & <b>café</b>."'
# The sound of all players goes by here, on its way out.
LISTEN = """
  const ears = window.ears = { loudest: 0 };
  const hear = (analyser) => {
    const samples = new Float32Array(analyser.fftSize);
    setInterval(() => {
      analyser.getFloatTimeDomainData(samples);
      for (const sample of samples) ears.loudest = Math.max(ears.loudest, Math.abs(sample));
    }, 20);
  };
  const connect = AudioNode.prototype.connect;
  AudioNode.prototype.connect = function (to, ...rest) {
    if (to instanceof AudioDestinationNode && !(this instanceof AnalyserNode)) {
      const analyser = new AnalyserNode(this.context);
      hear(analyser);
      connect.call(this, analyser);
    }
    return connect.call(this, to, ...rest);
  };
  addEventListener("DOMContentLoaded", () => {
    const context = new AudioContext();
    const audio = document.querySelector("audio");
    context.createMediaElementSource(audio).connect(context.destination);
  });
"""


@pytest.fixture
async def browser(launch_chromium: LaunchChromium) -> AsyncIterator[Browser]:
    launched = await launch_chromium("--autoplay-policy=no-user-gesture-required")
    yield launched
    await launched.close()


def is_fault(said: ConsoleMessage) -> bool:
    # What a server refuses, or that there is none, is for the page to tell.
    return said.type == "error" and not said.text.startswith("Failed to load resource")


@pytest.fixture
async def page(
    browser: Browser, live_server_process: VoicechatServer, request: pytest.FixtureRequest
) -> AsyncIterator[Page]:
    """No script of the page may have failed at the end, and its policy have stopped nothing."""
    context = await browser.new_context(**getattr(request, "param", {}))
    opened = await context.new_page()
    failed: list[str] = []
    opened.on("pageerror", lambda error: failed.append(str(error)))
    opened.on("console", lambda said: failed.append(said.text) if is_fault(said) else None)
    await opened.add_init_script(LISTEN)
    await opened.goto(live_server_process.url + "/tts/")
    yield opened
    await context.close()
    assert failed == []


async def speak(page: Page) -> None:
    await page.get_by_role("button", name="Speak").click()


@pytest.mark.parametrize("format", ["mp3", "wav", "ogg", "flac", "raw", "mulaw"])
async def test_every_format_is_heard(page: Page, format: str) -> None:
    await page.get_by_label("Format").select_option(format)
    await speak(page)
    state = page.locator(".tts-state")
    await expect(state).to_have_text("Playing.", timeout=15_000)
    await expect(state).to_have_text("Done.", timeout=15_000)
    assert 0.1 < await page.evaluate("ears.loudest") <= 1
    await expect(page.get_by_role("button", name="Stop")).to_be_disabled()


async def test_keys_are_enough_and_the_sound_can_be_kept(page: Page, tmp_path: Path) -> None:
    await page.get_by_label("Format").select_option("raw")
    assert await page.get_by_role("link", name="Save").count() == 0
    await page.get_by_label("Text", exact=True).press("Control+Enter")
    await expect(page.locator(".tts-state")).to_have_text("Playing.", timeout=15_000)
    await page.keyboard.press("Tab")  # through voice, speed, format and Speak to Stop
    for name in ("Voice", "Speed", "Format"):
        await expect(page.get_by_label(name)).to_be_focused()
        await page.keyboard.press("Tab")
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("button", name="Stop")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator(".tts-state")).to_have_text("Stopped.")
    async with page.expect_download() as download:
        await page.get_by_role("link", name="Save").press("Enter")
    kept = await download.value
    assert kept.suggested_filename == "speech.pcm"
    assert duration_ms((await kept.path()).stat().st_size, 24_000) > 1000


async def test_the_request_is_copied_or_selected(page: Page) -> None:
    shown = await page.locator(".tts-request").inner_text()
    told = page.locator(".tts-copied")
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await page.get_by_role("button", name="Copy").click()
    await expect(told).to_have_text("Copied.")
    assert await page.evaluate("navigator.clipboard.readText()") == shown
    # A page that came without HTTPS.
    await page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    await page.get_by_label("Python").check()
    await page.get_by_role("button", name="Copy").click()
    await expect(told).to_contain_text("selected")
    assert "requests.post" in await page.evaluate("getSelection().toString()")


async def test_who_has_no_session_any_more_is_told_what_helps(page: Page) -> None:
    await page.context.clear_cookies()
    await speak(page)
    await expect(page.get_by_role("alert")).to_have_text("Reload the page, or log in again.")
    await expect(page.get_by_role("button", name="Stop")).to_be_disabled()


async def test_a_server_that_is_away_is_told(page: Page) -> None:
    await page.route("**/tts/clips", lambda route: route.abort())
    await speak(page)
    await expect(page.get_by_role("alert")).to_contain_text("cannot be reached")


async def test_who_is_logged_in_finds_the_page(
    browser: Browser, live_server_process: VoicechatServer
) -> None:
    context = await browser.new_context(base_url=live_server_process.url)
    visited = await context.new_page()
    await visited.goto("/accounts/login/")
    await visited.get_by_label("Username").fill("admin")
    await visited.get_by_label("Password").fill(live_server_process.password)
    await visited.get_by_role("button", name="Log in").click()
    await visited.wait_for_url("**/")
    await visited.get_by_role("button", name="admin").click()
    await visited.get_by_role("link", name="Text to speech").click()
    await visited.wait_for_url("**/tts/")
    await expect(visited.get_by_role("link", name="make one")).to_be_visible()
    assert await faults(visited) == []
    await context.close()


async def test_stop_stops_either_player(page: Page) -> None:
    await page.get_by_label("Text", exact=True).fill("A long text. " * 100)
    for format in ("mp3", "raw"):
        await page.get_by_label("Format").select_option(format)
        await speak(page)
        await expect(page.locator(".tts-state")).to_have_text("Playing.", timeout=15_000)
        await page.get_by_role("button", name="Stop").click()
        await expect(page.locator(".tts-state")).to_have_text("Stopped.")
        assert await page.evaluate("document.querySelector('audio').paused")


async def test_what_is_wrong_is_told_and_the_next_works(page: Page) -> None:
    await page.evaluate("document.querySelector('#tts-text').removeAttribute('maxlength')")
    await page.get_by_label("Text", exact=True).fill("a" * 2001)
    async with page.expect_response("**/tts/clips") as answer:
        await page.evaluate("document.querySelector('.tts-form').requestSubmit()")
    assert (await answer.value).status == 413
    await expect(page.get_by_role("alert")).to_contain_text("2001 characters")
    await page.get_by_label("Text", exact=True).fill("Hello.")
    await speak(page)
    await expect(page.locator(".tts-state")).to_have_text("Done.", timeout=15_000)
    await expect(page.get_by_role("alert")).to_be_hidden()


@pytest.mark.parametrize(
    "page",
    [
        {"color_scheme": "light"},
        {"color_scheme": "dark"},
        {"viewport": {"width": 390, "height": 844}},
        {"viewport": {"width": 320, "height": 640}, "color_scheme": "dark"},
    ],
    indirect=True,
    ids=["light", "dark", "phone", "narrow"],
)
async def test_axe_finds_nothing(page: Page) -> None:
    assert await faults(page) == [], "fresh"
    await speak(page)
    await expect(page.locator(".tts-state")).to_have_text("Done.", timeout=15_000)
    await page.get_by_label("JavaScript").check()
    assert await faults(page) == [], "spoken"
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def run(language: str, shown: str, key: str, folder: Path) -> str:
    """Run a request as somebody who copied it would."""
    environment = {"PATH": os.environ["PATH"], "VOICECHAT_KEY": key}
    command: list[str | Path]
    if language == "curl":
        command = ["sh", "-c", shown]
    elif language == "Python":
        command = [sys.executable, "-c", shown]
    else:
        shown = f"const {{ VOICECHAT_KEY }} = process.env;\n{shown}"
        command = [programs.find("node"), "--input-type=module", "-e", shown]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout


@pytest.mark.parametrize("language", ["curl", "Python", "JavaScript"])
async def test_the_request_that_is_shown_works(
    page: Page, live_server_process: VoicechatServer, tmp_path: Path, language: str
) -> None:
    await page.get_by_label("Text", exact=True).fill(TEXT)
    await page.get_by_label("Voice").select_option("espeak:en-gb")
    await page.get_by_label("Speed").select_option("1.25")
    await page.get_by_label("Format").select_option("flac")
    await page.get_by_label(language, exact=True).check()
    shown = await page.locator(".tts-request").inner_text()
    key = new_key(live_server_process)
    said = await asyncio.to_thread(run, language, shown, key, tmp_path)
    if language == "JavaScript":
        assert "bytes of audio/flac" in said
        return
    pcm, rate = decode((tmp_path / "speech.flac").read_bytes())
    assert duration_ms(len(pcm), rate) > 1000


class TestTheWrongPerson:
    BODY = {"text": "Hello."}

    @staticmethod
    @asynccontextmanager
    async def visitor(server: VoicechatServer) -> AsyncIterator[httpx.AsyncClient]:
        async with httpx.AsyncClient(base_url=server.url) as http:
            await http.get("/tts/")
            http.headers["X-CSRFToken"] = http.cookies["csrftoken"]
            yield http

    async def test_a_clip_is_its_makers_alone(self, live_server_process) -> None:
        async with (
            self.visitor(live_server_process) as ann,
            self.visitor(live_server_process) as bob,
            httpx.AsyncClient(base_url=live_server_process.url) as nobody,
        ):
            url = (await ann.post("/tts/clips", json=self.BODY)).json()["url"]
            assert (await bob.get(url)).status_code == 404
            assert (await nobody.get(url)).status_code == 403
            assert (await ann.get(url)).headers["content-type"] == "audio/mpeg"

    async def test_a_clip_is_not_read_for_ever(self, live_server_process) -> None:
        async with self.visitor(live_server_process) as ann:
            url = (await ann.post("/tts/clips", json=self.BODY)).json()["url"]
            statuses = [(await ann.get(url)).status_code for _ in range(6)]
        assert statuses == [200] * 5 + [404]

    async def test_nobody_without_a_session_or_from_another_site(self, live_server_process) -> None:
        async with httpx.AsyncClient(base_url=live_server_process.url) as nobody:
            assert (await nobody.post("/tts/clips", json=self.BODY)).status_code == 403
        async with self.visitor(live_server_process) as ann:
            del ann.headers["X-CSRFToken"]
            assert (await ann.post("/tts/clips", json=self.BODY)).status_code == 403

    async def test_a_person_has_limits_too(self, live_server_process) -> None:
        async with self.visitor(live_server_process) as ann:
            statuses = {
                (await ann.post("/tts/clips", json=self.BODY)).status_code for _ in range(31)
            }
        assert statuses == {200, 429}

    async def test_guests_log_in_where_they_are_not_allowed(self, start_server) -> None:
        server = start_server(VOICECHAT_ALLOW_GUESTS="0")
        async with httpx.AsyncClient(base_url=server.url) as http:
            answer = await http.get("/tts/")
        assert (answer.status_code, answer.headers["location"]) == (
            302,
            "/accounts/login/?next=/tts/",
        )
