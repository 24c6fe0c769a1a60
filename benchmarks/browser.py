"""Barge-in as a person at the page hears it: from their voice to silence at Chromium's loudspeaker.

Voice and loudspeaker are on one clock, that of the page's own AudioContext, and both are counted in
its samples: the voice goes into a microphone that a script gives the page (``page/mouth.js``), and a
worklet listens to what the page gives the loudspeaker (``page/ear.js``).
"""

from __future__ import annotations

import asyncio
import itertools
import os
import random
from dataclasses import dataclass, field
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from playwright.async_api import Page, async_playwright
from tqdm import tqdm

from scripts import programs
from tests.speech.recordings import cards, channels, readings

from .figures import OURS, QUIET, ms, percentile
from .interruptions import WORDS_S
from .recordings import voice
from .report import IMAGES, Section
from .server import CLIENT_CORE, Server, deployed

WANTED_MS = 150
RATE = 16_000
HERE = Path(__file__).parent / "page"
FLAGS = ("--no-sandbox", "--disable-gpu", "--autoplay-policy=no-user-gesture-required")
# What the person was told before is not told again. Their voice arrives as it is.
SETTINGS = """localStorage.setItem("voicechat.settings", JSON.stringify({
  recordNoticed: true, echoCancellation: false, noiseSuppression: false, autoGainControl: false }));"""
# The bot has been speaking for so long, without a pause, when it is interrupted.
BOT_SPEAKS_S = 0.5
PAUSE_S = 0.15
PATIENCE_S = 15.0
TOO_LATE_S = 2.0


@dataclass(slots=True)
class Silenced:
    """``silent_ms``: from the first loud sample to the last that sounded; ``missed``: it went on."""

    silent_ms: list[float] = field(default_factory=list)
    missed: int = 0
    rate: int = 0


def measure(trials: int) -> Silenced:
    """Speak over the bot so many times."""
    os.sched_setaffinity(0, {CLIENT_CORE})
    with deployed(DJANGO_DEBUG="1", VOICECHAT_DIALOGUE="benchmarks.bots.Talkative") as server:
        return asyncio.run(_measure(server, trials))


async def _measure(server: Server, trials: int) -> Silenced:
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(
            executable_path=programs.find("chromium"), args=FLAGS
        )
        # The page's own rules forbid scripts that are not from its address, and the ear is not.
        page = await chromium.new_page(bypass_csp=True)
        await page.add_init_script(SETTINGS)
        await page.add_init_script(path=HERE / "mouth.js")
        await page.goto(f"http://127.0.0.1:{server.port}/")
        await _begin(page)
        found = Silenced(rate=await page.evaluate("bench.last.context.sampleRate"))
        said = itertools.cycle((*cards(), *channels(), *readings()))
        for recording in tqdm(
            itertools.islice(said, trials), total=trials, desc="browser", unit="trial", disable=None
        ):
            await _interrupt(page, voice(recording, RATE, most_s=WORDS_S), found)
        await chromium.close()
    return found


async def _begin(page: Page) -> None:
    """Have the bot speak once, so that there is a loudspeaker, and open the microphone."""
    await _until(page, "'voicechat' in window")
    await page.get_by_label("Message").fill("Tell me something.")
    await page.keyboard.press("Enter")
    await _until(page, "bench.last?.context.state === 'running' && voicechat.speaker.playing")
    await page.evaluate("script => bench.listen(script)", (HERE / "ear.js").read_text())
    await page.get_by_role("button", name="Open the microphone").click()
    await _until(page, "voicechat.voice.stats().sent > 20")


async def _interrupt(page: Page, words: np.ndarray, found: Silenced) -> None:
    await _bot_speaks(page)
    flushed = await page.evaluate("voicechat.speaker.stats().flushed")
    onset = await page.evaluate(
        "([words, rate, wait]) => bench.say(words, rate, wait)",
        [(words / 32_768).tolist(), RATE, 0.05 + random.uniform(0, 0.03)],
    )
    try:
        async with asyncio.timeout(TOO_LATE_S):
            await _until(page, f"voicechat.speaker.stats().flushed > {flushed}")
    except TimeoutError:
        found.missed += 1
    else:
        await asyncio.sleep(0.05)  # it fades out
        last = (await page.evaluate("bench.heard()"))["last"]
        found.silent_ms.append((last + 1 - onset) / found.rate * 1000)
    await asyncio.sleep(WORDS_S)


async def _bot_speaks(page: Page) -> None:
    """Wait until it has been speaking for a while, and is not between two sentences."""
    async with asyncio.timeout(PATIENCE_S):
        spoken = 0.0
        while spoken < BOT_SPEAKS_S:
            await asyncio.sleep(0.05)
            heard = await page.evaluate("bench.heard()")
            rate = await page.evaluate("bench.last.context.sampleRate")
            pauses = heard["frame"] - heard["last"] > PAUSE_S * rate
            spoken = 0.0 if pauses else spoken + 0.05


async def _until(page: Page, condition: str) -> None:
    """Ask the page again and again: its own rules forbid Playwright to leave code there."""
    async with asyncio.timeout(PATIENCE_S):
        while not await page.evaluate(condition):  # noqa: ASYNC110 (it has no event for it)
            await asyncio.sleep(0.02)


def section(quick: bool) -> Section:
    """Measure, plot, and tell."""
    found = measure(6 if quick else 40)
    if not quick:
        plot(found)
    p95 = percentile(found.silent_ms, 95)
    told = (
        "Chromium and its page share a core. People's recordings go into the page's microphone while the bot speaks; counted in "
        f"samples of the loudspeaker ({found.rate} Hz), from the voice's first sample to the last that sounded, its "
        "fading out included.\n\n"
        "| times | voice → silence p50 | p95 | max | wanted: 150 ms | missed |\n|---|---|---|---|---|---|\n"
        f"| {len(found.silent_ms)} | {ms(percentile(found.silent_ms, 50))} | {ms(p95)} | "
        f"{ms(percentile(found.silent_ms, 100))} | {'yes' if p95 <= WANTED_MS else 'no'} | {found.missed} |\n\n"
        "![How long the bot is still heard](images/benchmark-browser.png)"
    )
    return Section("Barge-in in the browser", "python -m benchmarks browser", told)


def plot(found: Silenced) -> None:
    """How the waits are spread."""
    figure, axis = plt.subplots(figsize=(6, 3), layout="constrained")
    axis.hist(found.silent_ms, bins=20, color=OURS)
    axis.axvline(WANTED_MS, color=QUIET, linewidth=0.8)
    axis.set(xlabel="ms from the voice to silence", ylabel="times", xlim=(0, None))
    IMAGES.mkdir(exist_ok=True)
    figure.savefig(IMAGES / "benchmark-browser.png", dpi=130)
