"""Recognition by itself: how well, how fast, and how many callers one process serves."""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass

from rapidfuzz.distance import Levenshtein
from tqdm import tqdm

from speech.pcm import SAMPLE_BYTES
from speech.stt.engine import RATE, Recogniser
from speech.stt.pocketsphinx import PocketsphinxRecogniser
from tests.speech.recordings import Recording, cards, channels, readings

from .cost import cost
from .crowd import LISTEN_S
from .figures import ms, percentile
from .recordings import quiet
from .report import Section
from .server import CLIENT_CORE, SERVER_CORE

FRAME_MS = 20
FRAME_BYTES = RATE * FRAME_MS // 1000 * SAMPLE_BYTES
# The detector hands over so much from before a voice, and asks for the text so long after it.
BEFORE_S, AFTER_S = 0.3, 0.1
WORD = re.compile(r"[a-z']+")


@dataclass(frozen=True, slots=True)
class Understood:
    """``wrong``: words put in, left out or replaced; ``final_ms``: how long the text was waited for."""

    words: int
    wrong: int
    seconds: float
    final_ms: float


@dataclass(frozen=True, slots=True)
class Recognition:
    """``cpu_s``: of the process that decodes; ``server_cpu_s``: of this one, which feeds it.

    ``crowds``: what final() took when so many callers shared that process.
    """

    engine: str
    by_voice: dict[str, list[Understood]]
    cpu_s: float
    server_cpu_s: float
    process_mb: float
    crowds: dict[int, list[float]]


def measure(quick: bool) -> Recognition:
    """All recordings, one after the other, as they are spoken; then several callers at once."""
    voices = {"cards": cards(), "sentences of a novel": readings(), "loudspeakers": channels()}
    if quick:
        voices = {voice: said[:2] for voice, said in voices.items()}
    return asyncio.run(_measure(voices, (4,) if quick else (2, 4, 8), 10.0 if quick else 30.0))


async def _measure(
    voices: dict[str, list[Recording]], crowds: Sequence[int], seconds: float
) -> Recognition:
    recogniser = PocketsphinxRecogniser(processes=1)
    # What it starts stays on the core on which it was started.
    os.sched_setaffinity(0, {SERVER_CORE})
    await recogniser.start()
    os.sched_setaffinity(0, {CLIENT_CORE})
    try:
        before, own = cost(os.getpid()), time.process_time()
        by_voice = await _one_by_one(recogniser, voices)
        after, own_after = cost(os.getpid()), time.process_time()
        shared = {callers: await _share(recogniser, callers, seconds) for callers in crowds}
    finally:
        await recogniser.aclose()
    return Recognition(
        recogniser.id,
        by_voice,
        after.children_cpu_s - before.children_cpu_s,
        own_after - own,
        after.children_rss_mb,
        shared,
    )


async def _one_by_one(
    recogniser: Recogniser, voices: dict[str, list[Recording]]
) -> dict[str, list[Understood]]:
    understood: dict[str, list[Understood]] = {voice: [] for voice in voices}
    total = sum(map(len, voices.values()))
    with tqdm(total=total, desc="recognition", unit="recording", disable=None) as bar:
        for voice, said in voices.items():
            for recording in said:
                understood[voice].append(await _speak(recogniser, recording, voice))
                bar.update()
    return understood


async def _share(recogniser: Recogniser, callers: int, seconds: float) -> list[float]:
    """What ``callers`` wait for their text who talk as those of ``calls`` do."""
    waits: list[float] = []
    said = (*cards(), *readings())
    end = time.monotonic() + seconds

    async def caller(number: int) -> None:
        await asyncio.sleep(random.uniform(0, LISTEN_S))
        for recording in itertools.islice(itertools.cycle(said), number, None):
            if time.monotonic() > end:
                return
            waits.append((await _speak(recogniser, recording, f"caller {number}")).final_ms)
            await asyncio.sleep(LISTEN_S)

    with tqdm(total=callers, desc=f"{callers} callers", unit="caller", disable=None) as bar:
        async with asyncio.TaskGroup() as group:
            for number in range(callers):
                group.create_task(caller(number)).add_done_callback(lambda _: bar.update())
    return waits


async def _speak(recogniser: Recogniser, recording: Recording, speaker: str) -> Understood:
    room = quiet(RATE, RATE).tobytes()
    before, after = (round(seconds * RATE) * SAMPLE_BYTES for seconds in (BEFORE_S, AFTER_S))
    pcm = room[:before] + recording.pcm(RATE) + room[:after]
    stream = recogniser.listen("en", lambda text: None, speaker)
    due = time.monotonic()
    for at in range(0, len(pcm), FRAME_BYTES):
        stream.feed(pcm[at : at + FRAME_BYTES])
        due += FRAME_MS / 1000
        await asyncio.sleep(max(0.0, due - time.monotonic()))
    asked_at = time.perf_counter()
    text = await stream.final()
    final_ms = (time.perf_counter() - asked_at) * 1000
    stream.close()
    wanted, heard = (WORD.findall(said.lower()) for said in (recording.text, text))
    wrong = Levenshtein.distance(wanted, heard)
    return Understood(len(wanted), wrong, len(pcm) / SAMPLE_BYTES / RATE, final_ms)


def section(quick: bool) -> Section:
    """Measure and tell."""
    found = measure(quick)
    everything = [each for voice in found.by_voice.values() for each in voice]
    seconds = sum(each.seconds for each in everything)
    explained = (
        f"{found.engine}, one process on a core of its own, fed as people speak: 20 ms at a time. Word errors are "
        "words put in, left out or replaced. *Text*: from asking for it, 0.1 s after the last sound, to having it. "
        f"Callers who share the process speak in turn and then listen for {LISTEN_S:.0f} s."
    )
    lines = ["| recordings | words | word errors | text p50 | p95 |", "|---|---|---|---|---|"]
    for voice, each in (*found.by_voice.items(), ("all", everything)):
        words, wrong = sum(one.words for one in each), sum(one.wrong for one in each)
        waits = [one.final_ms for one in each]
        lines.append(
            f"| {voice} | {words} | {wrong / words:.0%} | {ms(percentile(waits, 50))} | {ms(percentile(waits, 95))} |"
        )
    lines += [
        "",
        "| a second of speech costs | |",
        "|---|---|",
        f"| the process that decodes | {found.cpu_s / seconds:.3f} core, {found.process_mb:.0f} MB |",
        f"| the server | {found.server_cpu_s / seconds:.4f} core |",
        "",
        "| callers on one process | texts | text p50 | p95 |",
        "|---|---|---|---|",
    ]
    for callers, waits in found.crowds.items():
        lines.append(
            f"| {callers} | {len(waits)} | {ms(percentile(waits, 50))} | {ms(percentile(waits, 95))} |"
        )
    return Section(
        "Recognition", "python -m benchmarks recognition", f"{explained}\n\n" + "\n".join(lines)
    )
