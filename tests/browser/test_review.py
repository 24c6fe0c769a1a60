"""A reviewer in the admin: reads a conversation, plays its call and seeks in it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass
from typing import Any

import httpx
import numpy as np
import numpy.typing as npt
import pytest
from playwright.async_api import Browser, Locator, Page, StorageState, expect

from tests.services import VoicechatServer

from .test_access import faults
from .visits import Visit, run_beside, visits

RATE = 24_000
HEADER_BYTES = 44
KEEP = """
import django; django.setup()
import json
from pathlib import Path
from django.conf import settings
from django.contrib.auth.models import Permission
from accounts.models import Person, User
from conversations import media
from conversations.models import AudioSegment
from tests.conversations.recorded_call import record_call

def reviewer(name, *permissions):
    user = User.objects.create_user(name, password="only for tests", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))

reviewer("lister", "view_conversation")
reviewer("reader", "view_conversation", "read_transcript")
reviewer("hearer", "view_conversation", "read_transcript", "hear_audio")
spool = Path(settings.VOICECHAT_DATA_DIR) / "kept"
spool.mkdir()
whole, said = record_call(Person.objects.create(), spool)
broken, lost = record_call(Person.objects.create(), spool)
media.delete(AudioSegment.objects.get(turn=lost[1].turn).key)
damaged = AudioSegment.objects.get(turn=lost[2].turn)
Path(media.storage().path(damaged.key)).write_bytes(b"no sound" * 99)
print(json.dumps({
    "whole": str(whole.pk), "call": str(whole.calls.get().pk),
    "broken": str(broken.pk), "lost": lost[1].turn, "damaged": lost[2].turn,
    "said": [[one.turn, one.track, one.start_ms, one.end_ms] for one in said],
}))
"""
# What is heard of the call's player: the last samples of each side, and where it is.
LISTEN = """
() => {
  const audio = document.querySelector(".call-player audio");
  const context = new AudioContext();
  const sides = context.createChannelSplitter(2);
  const source = context.createMediaElementSource(audio);
  source.connect(sides);
  source.connect(context.destination);
  const analysers = [0, 1].map((side) => {
    const analyser = new AnalyserNode(context, { fftSize: 16384 });
    sides.connect(analyser, side);
    return analyser;
  });
  window.heard = () => ({
    rate: context.sampleRate,
    at: audio.currentTime,
    sides: analysers.map((analyser) => {
      const samples = new Float32Array(analyser.fftSize);
      analyser.getFloatTimeDomainData(samples);
      return Array.from(samples);
    }),
  });
}
"""


@dataclass(frozen=True)
class Said:
    turn: str
    track: str
    start_ms: int
    end_ms: int


@dataclass(frozen=True)
class Kept:
    """What the server has: a whole conversation, and one with sound that is lost and damaged."""

    whole: str
    call: str
    broken: str
    lost: str
    damaged: str
    said: list[Said]


@pytest.fixture(scope="module")
def kept(live_server_process: VoicechatServer) -> Kept:
    known = json.loads(run_beside(live_server_process, KEEP))
    return Kept(**{**known, "said": [Said(*one) for one in known["said"]]})


@pytest.fixture
async def review(
    browser: Browser, live_server_process: VoicechatServer, logged_in: dict[str, StorageState]
) -> AsyncIterator[Visit]:
    """Opens a conversation, whose id it is given, as a reviewer."""

    def opened(conversation: str, who: str = "hearer", **options: Any) -> Awaitable[Page]:
        return visit(f"/admin/conversations/conversation/{conversation}/change/", who, **options)

    # A sound that is lost is a 404, a page that one may not see a 403: the page tells of it.
    async with visits(browser, live_server_process, logged_in, "Failed to load resource") as visit:
        yield opened


def turn_of(page: Page, said: Said) -> Locator:
    return page.locator(f"#turn-{said.turn}")


async def until(page: Page, condition: str) -> None:
    """Wait until a JavaScript expression is true. (Playwright's own way needs ``eval``.)"""
    poll = f"async () => {{ while (!({condition})) await new Promise(r => setTimeout(r, 10)); }}"
    await asyncio.wait_for(page.evaluate(poll), 10)


async def wave_is_drawn(page: Page) -> None:
    await until(
        page,
        "document.querySelector('.wave > div')?.shadowRoot.querySelectorAll('canvas').length >= 2",
    )


async def whole_call(page: Page, kept: Kept) -> npt.NDArray[np.float64]:
    """The call's frames, as the server sends them: rows of left and right."""
    cookies = {one["name"]: one["value"] for one in await page.context.cookies()}
    address = f"/conversations/{kept.whole}/calls/{kept.call}/audio.wav"
    base = page.url.partition("/admin/")[0]
    async with httpx.AsyncClient(base_url=base, cookies=cookies) as client:
        content = (await client.get(address)).content
    frames = np.frombuffer(content[HEADER_BYTES:], dtype="<i2").astype(float)
    return frames.reshape(-1, 2)


def best_match(
    heard: npt.NDArray[np.float64], expected: npt.NDArray[np.float64]
) -> tuple[float, int]:
    """How alike the two are where they are most alike, 0 to 1, and where that is."""
    size = len(heard)
    products = np.correlate(expected, heard, "valid")
    energy = np.sqrt(np.convolve(expected**2, np.ones(size), "valid") * np.sum(heard**2))
    alike = np.abs(products) / np.maximum(energy, 1.0)
    return float(alike.max()), int(alike.argmax())


async def test_a_click_on_a_turn_plays_it_on_its_side(review: Visit, kept: Kept) -> None:
    page = await review(kept.whole)
    await page.evaluate(LISTEN)
    frames = await whole_call(page, kept)
    # Forward and back: each is a jump.
    for said in (kept.said[1], kept.said[2], kept.said[0], kept.said[3]):
        await turn_of(page, said).locator(".turn-text").click()
        begin, end = said.start_ms / 1000, said.end_ms / 1000
        await until(page, f"heard().at > {begin + 0.5} && heard().at < {end}")
        await expect(turn_of(page, said)).to_have_attribute("aria-current", "true")
        await expect(page.locator(".turn[aria-current]")).to_have_count(1)
        heard = await page.evaluate("heard()")
        sides = [np.array(side) * 32768 for side in heard["sides"]]
        loud, silent = sides if said.track == "person" else reversed(sides)
        assert np.abs(silent).max() < 3, said
        assert np.abs(loud).max() > 300, said
        # The very samples of that place. The browser resamples, and plays a little behind its clock.
        count = len(loud) * RATE // heard["rate"]
        there = np.linspace(0, len(loud) - 1, count)
        samples = np.interp(there, np.arange(len(loud)), loud)
        around = max(0, round((heard["at"] - 1.2) * RATE))
        side = frames[around : around + 2 * RATE, 0 if said.track == "person" else 1]
        alike, at = best_match(samples, side)
        assert alike > 0.97, said
        assert abs((around + at + count) / RATE - heard["at"]) < 0.3, said


async def test_the_keys_move_and_steer_the_player(review: Visit, kept: Kept) -> None:
    page = await review(kept.whole)
    first, second, third, _ = kept.said
    at = "document.querySelector('.call-player audio').currentTime"
    paused = "document.querySelector('.call-player audio').paused"
    await page.get_by_role("button", name="Play", exact=True).focus()
    await page.keyboard.press("ArrowDown")
    assert await page.evaluate(at) == pytest.approx(first.start_ms / 1000, abs=0.01)
    await page.keyboard.press("ArrowDown")
    assert await page.evaluate(at) == pytest.approx(second.start_ms / 1000, abs=0.01)
    await expect(turn_of(page, second)).to_have_attribute("aria-current", "true")
    await page.keyboard.press("ArrowRight")
    assert await page.evaluate(at) == pytest.approx(second.start_ms / 1000 + 5, abs=0.01)
    await page.keyboard.press("ArrowLeft")
    await page.keyboard.press("ArrowUp")
    assert await page.evaluate(at) == pytest.approx(first.start_ms / 1000, abs=0.01)
    assert await page.evaluate(paused)
    await page.keyboard.press("Space")
    await expect(page.get_by_role("button", name="Pause", exact=True)).to_be_focused()
    await until(page, f"!{paused} && {at} > {first.start_ms / 1000 + 0.1}")
    await page.keyboard.press("Space")
    await until(page, paused)
    slider = page.get_by_role("slider", name="Position in the call")
    await slider.focus()
    await page.keyboard.press("Space")
    await until(page, f"!{paused}")
    await page.keyboard.press("+")
    await expect(page.get_by_label("Speed")).to_have_value("1.25")
    assert await page.evaluate("document.querySelector('.call-player audio').playbackRate") == 1.25
    await page.keyboard.press("Space")
    await page.reload()
    await expect(page.get_by_label("Speed")).to_have_value("1.25")
    seek = turn_of(page, third).get_by_role("button", name="Play the call from")
    await seek.focus()
    await page.keyboard.press("Enter")
    await until(page, f"!{paused} && {at} > {third.start_ms / 1000}")
    await page.keyboard.press("Space")
    await until(page, paused)
    await page.keyboard.press("ArrowUp")
    await expect(turn_of(page, second).locator(".turn-seek")).to_be_focused()


async def test_the_waveform_is_clicked_to_seek(review: Visit, kept: Kept) -> None:
    page = await review(kept.whole)
    await wave_is_drawn(page)
    slider = page.get_by_role("slider")
    width = await slider.evaluate("(slider) => slider.clientWidth")
    await slider.click(position={"x": width * 0.9, "y": 20})
    length = kept.said[-1].end_ms / 1000
    at = await page.evaluate("document.querySelector('.call-player audio').currentTime")
    assert at == pytest.approx(length * 0.9, abs=length * 0.01)
    last = turn_of(page, kept.said[-1])
    await expect(last).to_have_attribute("aria-current", "true")
    await expect(last).to_be_in_viewport()


async def test_one_player_plays_at_a_time(review: Visit, kept: Kept) -> None:
    page = await review(kept.whole)
    playing = "[...document.querySelectorAll('audio')].filter(one => !one.paused).length"
    await page.get_by_role("button", name="Play", exact=True).click()
    await until(page, f"{playing} === 1")
    own = turn_of(page, kept.said[1]).locator("audio")
    await own.evaluate("(audio) => audio.play()")
    await until(page, "document.querySelector('.call-player audio').paused")
    assert await page.evaluate(playing) == 1
    await expect(page.get_by_role("button", name="Play", exact=True)).to_be_visible()
    await until(page, "document.querySelectorAll('.turn audio')[1].currentTime > 0.2")


async def test_nothing_is_fetched_before_it_is_played(review: Visit, kept: Kept) -> None:
    page = await review(kept.whole)
    await wave_is_drawn(page)
    fetched = await page.evaluate("performance.getEntriesByType('resource').map(one => one.name)")
    assert any(name.endswith("waveform.json") for name in fetched)
    assert not [name for name in fetched if "/audio" in name]


async def test_unheard_text_is_struck_where_it_was_cut_off(review: Visit, kept: Kept) -> None:
    page = await review(kept.whole)
    cut = turn_of(page, kept.said[1])
    await expect(cut.locator("s")).to_have_count(1)
    decoration = await cut.locator("s").evaluate("(s) => getComputedStyle(s).textDecorationLine")
    assert decoration == "line-through"
    await expect(cut).to_contain_text("[not heard:]")
    await expect(turn_of(page, kept.said[3]).locator("s")).to_have_count(0)


async def test_lost_and_damaged_sound_is_told_at_its_turn(review: Visit, kept: Kept) -> None:
    page = await review(kept.broken)
    for turn in (kept.lost, kept.damaged):
        await expect(page.locator(f"#turn-{turn} .turn-problem")).to_have_text(
            "The sound of this turn is missing or damaged."
        )
    await expect(page.locator(".turn-problem")).to_have_count(2)
    await page.locator(f"#turn-{kept.lost} audio").evaluate(
        "(audio) => audio.play().catch(() => {})"
    )
    await page.get_by_role("button", name="Play", exact=True).click()
    await until(page, "document.querySelector('.call-player audio').currentTime > 0.5")
    await expect(page.locator(".turn-problem")).to_have_count(2)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
async def test_axe_finds_nothing(review: Visit, kept: Kept, scheme: str, width: int) -> None:
    page = await review(
        kept.whole, axe=True, color_scheme=scheme, reduced_motion="reduce",
        viewport={"width": width, "height": 900},
    )  # fmt: skip
    await wave_is_drawn(page)
    assert await faults(page) == [], "at first"
    await turn_of(page, kept.said[1]).locator(".waterfall summary").click()
    await turn_of(page, kept.said[1]).locator(".turn-seek").click()
    await until(page, "document.querySelector('.is-playing') !== null")
    assert await faults(page) == [], "playing"
    overflow = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    assert not await page.evaluate(overflow)


async def test_who_may_only_read_has_nothing_to_hear(review: Visit, kept: Kept) -> None:
    page = await review(kept.whole, "reader", axe=True)
    await expect(page.locator(".turn")).to_have_count(4)
    await expect(page.locator("audio")).to_have_count(0)
    await expect(page.locator(".call-player")).to_have_count(0)
    await expect(page.get_by_text("You may read this conversation, not hear it.")).to_be_visible()
    assert await faults(page) == []
    for path in ("audio.wav", "waveform.json"):
        address = f"/conversations/{kept.whole}/calls/{kept.call}/{path}"
        assert (await page.request.get(address)).status == 404


async def test_who_may_only_list_reads_nothing(review: Visit, kept: Kept) -> None:
    page = await review(kept.whole, "lister")
    await expect(page.get_by_text("403")).to_be_visible()
    await expect(page.locator(".turn, audio")).to_have_count(0)
