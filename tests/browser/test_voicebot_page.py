"""The VoiceBot page keeps to its document, plays what it gets, and says what is the matter."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from playwright.async_api import Browser, BrowserContext, Page, expect

from speech.pcm import nbytes
from tests.conftest import LaunchChromium
from tests.speech.recordings import cards
from tests.speech.sounds import tone

from .microphones import ALLOWED, FAKE, OWN, plays
from .test_access import faults
from .voicebot_server import RATE, Peer, VoiceBotServer, voicebot_server

SOUNDS = "--autoplay-policy=no-user-gesture-required"


@dataclass(slots=True)
class Client:
    """The page under test."""

    server: VoiceBotServer
    page: Page

    async def connect(self) -> Peer:
        await self.page.get_by_role("button", name="Connect").click()
        return await self.server.peer()

    async def talk(self) -> Peer:
        """Connect, and wait until the call has started."""
        peer = await self.connect()
        await peer.receive("start")
        return peer

    async def stats(self) -> dict[str, Any]:
        stats: dict[str, Any] = await self.page.evaluate("voicebot.stats()")
        return stats

    async def until(self, condition: str) -> None:
        """Wait until an expression of the page's ``stats`` is true."""
        poll = f"""async () => {{
          for (let stats = voicebot.stats(); !({condition}); stats = voicebot.stats())
            await new Promise((next) => setTimeout(next, 10));
        }}"""
        await asyncio.wait_for(self.page.evaluate(poll), 10)


OpenPage = Callable[..., Awaitable[Client]]


@pytest.fixture
async def server() -> AsyncIterator[VoiceBotServer]:
    async with voicebot_server() as started:
        yield started


@pytest.fixture
async def browser(launch_chromium: LaunchChromium) -> AsyncIterator[Browser]:
    launched = await launch_chromium(SOUNDS, *FAKE)
    yield launched
    await launched.close()


@pytest.fixture
async def open_page(server: VoiceBotServer) -> AsyncIterator[OpenPage]:
    """Opens the page in a browser; at the end no script of it may have failed."""
    contexts: list[BrowserContext] = []
    faults: list[str] = []

    async def opened(
        browser: Browser, *, script: str = "", host: str = "127.0.0.1", **options: Any
    ) -> Client:
        context = await browser.new_context(**options)
        contexts.append(context)
        await context.add_init_script(script)
        page = await context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        await page.goto(server.url.replace("127.0.0.1", host) + "/voicebot/")
        return Client(server, page)

    yield opened
    for context in contexts:
        await context.close()
    assert faults == []


@pytest.fixture
async def client(open_page: OpenPage, browser: Browser) -> Client:
    return await open_page(browser)


def samples_of(message: dict[str, Any]) -> np.ndarray[Any, np.dtype[np.int16]]:
    return np.frombuffer(base64.b64decode(message["media"]["payload"]), "<i2")


class TestTheDocument:
    async def test_start_comes_two_seconds_after_the_socket_opened_and_before_all_else(
        self, client: Client
    ) -> None:
        peer = await client.connect()
        start = await peer.receive("start")
        assert 1.9 < time.monotonic() - peer.opened_at < 2.6
        assert start == {"event": "start", "start": {"call_sid": "test", "stream_sid": "test"}}
        assert peer.voice == []

    async def test_media_is_200_ms_of_samples_every_200_ms(self, client: Client) -> None:
        peer = await client.talk()
        heard = await peer.hear(10)
        for _, message in heard:
            assert set(message) == {"event", "media"}
            assert set(message["media"]) == {"chunk", "payload", "timestamp"}
            assert message["media"]["chunk"] == "inbound"
            assert len(base64.b64decode(message["media"]["payload"])) == 3200
            assert abs(message["media"]["timestamp"] - time.time()) < 60
        times = [at for at, _ in heard]
        assert np.mean(np.diff(times)) == pytest.approx(0.2, abs=0.03)

    async def test_a_person_is_heard_at_8_khz(
        self, launch_chromium: LaunchChromium, open_page: OpenPage
    ) -> None:
        recording = cards()[0]
        script = """
          const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
          navigator.mediaDevices.getUserMedia = () => open({ audio: {
            echoCancellation: false, noiseSuppression: false, autoGainControl: false } });"""
        # Again and again: the microphone is opened two seconds before the call.
        flags = [flag.removesuffix("%noloop") for flag in plays(recording.path)]
        browser = await launch_chromium(SOUNDS, *flags)
        client = await open_page(browser, script=script)
        peer = await client.talk()
        pcm = recording.pcm(RATE)
        heard = await peer.hear(2 * len(pcm) // nbytes(200, RATE) + 1, within=20)
        sound = np.concatenate([samples_of(message) for _, message in heard]).astype(float)
        spoken = np.frombuffer(pcm, "<i2").astype(float)
        # The whole recording lies somewhere in what came.
        found = np.correlate(sound, spoken, "valid")
        at = int(np.argmax(np.abs(found)))
        window = sound[at : at + len(spoken)]
        likeness = abs(found[at]) / np.linalg.norm(window) / np.linalg.norm(spoken)
        assert likeness > 0.95
        await browser.close()

    async def test_nobody_is_waited_for_longer_than_ten_seconds(
        self, client: Client, server: VoiceBotServer
    ) -> None:
        server.answers = False
        began = time.monotonic()
        await client.page.get_by_role("button", name="Connect").click()
        problem = client.page.get_by_role("alert")
        await expect(problem).to_contain_text("within 10 seconds", timeout=15_000)
        assert 9.5 < time.monotonic() - began < 12
        await expect(client.page.get_by_role("button", name="Connect")).to_be_enabled()

    async def test_hanging_up_closes_the_socket(self, client: Client) -> None:
        peer = await client.talk()
        await client.page.get_by_role("button", name="Hang up").click()
        await asyncio.wait_for(peer.closed.wait(), 5)
        await expect(client.page.locator(".call-state")).to_have_text("The call has ended.")
        await expect(client.page.get_by_role("alert")).to_be_hidden()
        heard = len(peer.voice)
        # Another call may follow.
        again = await client.talk()
        await again.hear(2)
        assert len(peer.voice) == heard


class TestPlaying:
    async def test_every_sample_is_played(self, client: Client) -> None:
        peer = await client.talk()
        for at in range(4):
            await peer.say(tone(440 + 110 * at, 0.2, RATE))
        await client.until("stats.level.bot > 0.05")
        await client.until(f"stats.played === {4 * 1600}")
        stats = await client.stats()
        assert (stats["receivedBytes"], stats["queued"], stats["cleared"]) == (4 * 3200, 0, 0)

    async def test_a_mark_comes_back_as_it_was_when_playback_has_reached_it(
        self, client: Client
    ) -> None:
        peer = await client.talk()
        for value in ("one", "two"):
            await peer.say(tone(440, 0.5, RATE))
            await peer.mark(value, "played")
        sent_at = time.monotonic()
        for value, after in (("one", 0.5), ("two", 1.0)):
            mark = await peer.receive("mark")
            assert mark == {"event": "mark", "mark": {"type": "played", "value": value}}
            assert after - 0.05 < time.monotonic() - sent_at < after + 0.4
        assert (await client.stats())["marks"] == 2

    async def test_a_mark_with_nothing_before_it_comes_back_at_once(self, client: Client) -> None:
        peer = await client.talk()
        await peer.mark("now")
        await peer.receive("mark", within=1)

    async def test_clear_silences_at_once_and_drops_what_waits_with_its_marks(
        self, client: Client
    ) -> None:
        peer = await client.talk()
        await peer.say(tone(440, 3, RATE))
        await peer.mark("never")
        await client.until("stats.level.bot > 0.05")
        await peer.tell("clear")
        await client.until("stats.clears === 1 && stats.cleared > 0")
        await client.until("stats.level.bot === 0")
        # The end of the fade is told a moment later.
        await client.until(f"stats.played + stats.cleared === {3 * RATE}")
        stats = await client.stats()
        assert stats["cleared"] > RATE
        # What comes after is played, and its mark is the next to come back.
        await peer.say(tone(440, 0.2, RATE))
        await peer.mark("next")
        mark = await peer.receive("mark")
        assert mark["mark"]["value"] == "next"
        await client.until(f"stats.played === {stats['played'] + 1600}")

    async def test_a_piece_too_short_to_begin_with_is_played_all_the_same(
        self, client: Client
    ) -> None:
        peer = await client.talk()
        await peer.say(tone(440, 0.02, RATE))
        await client.until("stats.played === 160")


class TestWhatIsShown:
    async def test_before_the_microphone_opens_the_page_says_whether_sound_is_kept(
        self, open_page: OpenPage, browser: Browser, server: VoiceBotServer
    ) -> None:
        client = await open_page(browser)
        await expect(client.page.locator(".call")).to_contain_text("This call is recorded")
        server.record = "never"
        client = await open_page(browser)
        await expect(client.page.locator(".call")).to_contain_text("This call is not recorded")

    async def test_the_log_has_every_message_and_one_line_for_a_stream(
        self, client: Client
    ) -> None:
        peer = await client.talk()
        await peer.hear(3)
        await peer.tell("clear")
        await peer.tell("error", error={"code": "bad_audio", "message": "Half a sample came."})
        rows = client.page.locator(".log tbody tr")
        await expect(rows.filter(has_text="clear")).to_have_count(1)
        await expect(rows.filter(has_text="start")).to_contain_text('{"call_sid":"test"')
        await expect(rows.filter(has_text="media").first).to_contain_text("times: 3200 bytes")
        await expect(client.page.get_by_role("alert")).to_have_text("Half a sample came.")

    async def test_the_log_keeps_the_last_200(self, client: Client) -> None:
        peer = await client.talk()
        for _ in range(201):
            await peer.tell("clear")
        await client.until("stats.clears === 201")
        await expect(client.page.locator(".log tbody tr")).to_have_count(200)

    @pytest.mark.parametrize(
        ("code", "text"),
        [(4401, "not logged in"), (4429, "no room"), (1011, "code 1011")],
    )
    async def test_why_the_call_ended(self, client: Client, code: int, text: str) -> None:
        peer = await client.connect()
        await peer.close(code)
        await expect(client.page.get_by_role("alert")).to_contain_text(text)


class TestMicrophone:
    async def test_a_page_without_https_says_so(
        self, launch_chromium: LaunchChromium, open_page: OpenPage
    ) -> None:
        browser = await launch_chromium("--host-resolver-rules=MAP voice.test 127.0.0.1")
        client = await open_page(browser, host="voice.test")
        await client.page.get_by_role("button", name="Connect").click()
        await expect(client.page.get_by_role("alert")).to_contain_text("https://")
        await browser.close()

    @pytest.mark.parametrize(
        ("flags", "text"),
        [
            ((f"{ALLOWED}=deny", *FAKE[1:]), "The microphone is blocked"),
            ((ALLOWED,), "No microphone was found"),
        ],
    )
    async def test_a_real_refusal_says_what_to_do(
        self, launch_chromium: LaunchChromium, open_page: OpenPage, flags: Any, text: str
    ) -> None:
        browser = await launch_chromium(*flags)
        client = await open_page(browser)
        await client.page.get_by_role("button", name="Connect").click()
        await expect(client.page.get_by_role("alert")).to_contain_text(text)
        await expect(client.page.get_by_role("button", name="Connect")).to_be_enabled()
        await browser.close()

    @pytest.mark.parametrize(
        ("name", "text"),
        [("NotReadableError", "another program may have it"), ("OddError", "(OddError)")],
    )
    async def test_other_refusals_say_what_to_do(
        self, open_page: OpenPage, browser: Browser, name: str, text: str
    ) -> None:
        client = await open_page(browser, script=OWN)
        await client.page.evaluate(f"microphone.refuse = '{name}'")
        await client.page.get_by_role("button", name="Connect").click()
        await expect(client.page.get_by_role("alert")).to_contain_text(text)

    async def test_unplugging_it_ends_the_call_and_says_why(
        self, open_page: OpenPage, browser: Browser
    ) -> None:
        client = await open_page(browser, script=OWN)
        peer = await client.talk()
        await client.page.evaluate("microphone.tracks[0].dispatchEvent(new Event('ended'))")
        await expect(client.page.get_by_role("alert")).to_contain_text("unplugged")
        await asyncio.wait_for(peer.closed.wait(), 5)

    async def test_one_that_hears_nothing_is_noticed(
        self, open_page: OpenPage, browser: Browser
    ) -> None:
        client = await open_page(browser, script=OWN)
        await client.talk()
        warning = client.page.locator(".call-warning")
        await client.page.evaluate("microphone.level = 0")
        await expect(warning).to_contain_text("Nothing is heard", timeout=8_000)
        await client.page.evaluate("microphone.level = 0.3")
        await expect(warning).to_be_hidden()


# Chromium's own renderer, with nothing to hear: exact samples of a worklet, at several rates.
OFFLINE = """async ([worklet, rate, hertz]) => {
  const context = new OfflineAudioContext(1, rate * 1.5, rate);
  await context.audioWorklet.addModule(`/static/playground/${worklet}-worklet.js`);
  const node = new AudioWorkletNode(context, "playground-microphone", {
    numberOfOutputs: 0, processorOptions: { rate: 8000, chunk: 1600 },
  });
  const chunks = [];
  const told = new Promise((all) => {
    node.port.onmessage = ({ data }) => { if (chunks.push(data) === 7) all(); };
  });
  const oscillator = new OscillatorNode(context, { frequency: hertz });
  oscillator.connect(node);
  oscillator.start();
  await context.startRendering();
  await told;
  return chunks.map((chunk) => Math.hypot(...chunk) / Math.sqrt(chunk.length) / 32_767);
}"""


class TestResampling:
    @pytest.mark.parametrize("rate", [16_000, 44_100, 48_000, 96_000])
    async def test_speech_passes_and_what_would_fold_back_does_not(
        self, client: Client, rate: int
    ) -> None:
        for hertz in (300, 1000, 3300):
            levels = await client.page.evaluate(OFFLINE, ["microphone", rate, hertz])
            assert levels[1:] == pytest.approx([2**-0.5] * 6, rel=0.02)
        for hertz in (4400, 5000, 7000):
            levels = await client.page.evaluate(OFFLINE, ["microphone", rate, hertz])
            assert max(levels[1:]) < 10 ** (-60 / 20)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
async def test_axe_finds_nothing_in_any_state(
    open_page: OpenPage, browser: Browser, scheme: str, width: int
) -> None:
    client = await open_page(
        browser,
        color_scheme=scheme,
        reduced_motion="reduce",
        viewport={"width": width, "height": 844},
    )
    page = client.page
    assert await faults(page) == [], "idle"
    peer = await client.talk()
    await peer.say(tone(440, 1, RATE))
    await peer.mark("one")
    await peer.receive("mark")
    assert await faults(page) == [], "talking"
    await peer.close(4429)
    await expect(page.get_by_role("alert")).to_be_visible()
    assert await faults(page) == [], "ended"


async def test_everything_is_reached_by_keyboard(client: Client) -> None:
    page = client.page
    button = page.get_by_role("button", name="Connect")
    await button.focus()
    await page.keyboard.press("Enter")
    peer = await client.server.peer()
    await expect(page.get_by_role("button", name="Hang up")).to_be_focused()
    await page.keyboard.press("Enter")
    await asyncio.wait_for(peer.closed.wait(), 5)
    await expect(button).to_be_focused()
