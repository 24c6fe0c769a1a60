"""Typed chat: how soon the first audio comes, beside the original way, alone and in a crowd."""

from __future__ import annotations

import asyncio
import json
import os
import random
import statistics
import time
from dataclasses import dataclass
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import websockets
from tqdm import tqdm

from .report import IMAGES, Section
from .server import CLIENT_CORE, Server, running
from .typing_person import Answer, TypingPerson

TOKENS_MS = (0, 20)
PERIOD_S = 10.0
ARRIVE_S = 3.0


@dataclass(frozen=True, slots=True)
class Plan:
    """``rounds`` alone; then so many people for so many seconds."""

    rounds: int = 15
    people: int = 100
    crowd_s: float = 60.0


QUICK = Plan(rounds=3, people=20, crowd_s=20.0)


@dataclass(frozen=True, slots=True)
class Crowd:
    people: int
    seconds: float
    turns: int
    first_audio_ms: list[float]
    core: float
    rss_mb: float
    lag_max_ms: float
    lag_p99_ms: float


def measure(plan: Plan) -> dict[str, Any]:
    """All figures of typed chat, in milliseconds."""
    os.sched_setaffinity(0, {CLIENT_CORE})
    alone = {}
    for token_ms in tqdm(TOKENS_MS, desc="typed, alone", unit="pace", disable=None):
        pace = {"BENCH_TOKEN_MS": str(token_ms)}
        with running(**pace) as server:
            ours = asyncio.run(_ask_alone(server, plan.rounds))
        with running("original_way", **pace) as server:
            original = asyncio.run(_ask_original(server, plan.rounds))
        alone[token_ms] = (ours, original)
    with running() as server:
        crowd = asyncio.run(_crowd(server, plan))
    return {"alone": alone, "crowd": crowd}


async def _ask_alone(server: Server, rounds: int) -> list[Answer]:
    answers = []
    async with websockets.connect(server.socket_url) as socket:
        person = TypingPerson(socket)
        await person.greet()
        for _ in range(rounds):
            answers.append(await person.ask("What can you tell me?"))
            await person.listen(0.3)
    return answers


async def _ask_original(server: Server, rounds: int) -> list[float]:
    waits = []
    async with websockets.connect(server.socket_url, max_size=None) as socket:
        for _ in range(rounds):
            began = time.perf_counter()
            await socket.send(json.dumps({"usr_query": "What can you tell me?", "usr_id": "1"}))
            async for frame in socket:
                if '"voice"' in str(frame):
                    break
            waits.append((time.perf_counter() - began) * 1000)
    return waits


async def _crowd(server: Server, plan: Plan) -> Crowd:
    waits: list[float] = []
    began = asyncio.get_running_loop().time() + ARRIVE_S

    async def person() -> None:
        await asyncio.sleep(random.uniform(0, ARRIVE_S))
        async with websockets.connect(server.socket_url, open_timeout=60) as socket:
            typist = TypingPerson(socket)
            await typist.greet()
            end = began + plan.crowd_s
            while True:
                pause = random.uniform(0, 2 * PERIOD_S)
                left = end - asyncio.get_running_loop().time()
                await typist.listen(min(pause, left))
                if pause >= left:
                    break
                answer = await typist.ask("What can you tell me?")
                waits.append(answer.first_audio)
            # Nobody leaves before all have been served: leaving is not what is measured.
            await typist.listen(end + 1 - asyncio.get_running_loop().time())

    await asyncio.to_thread(server.stats)
    before = await asyncio.to_thread(server.stats)
    at = time.perf_counter()
    with tqdm(
        total=round(plan.crowd_s), desc=f"{plan.people} people", unit="s", disable=None
    ) as bar:
        async with asyncio.TaskGroup() as people:
            for _ in range(plan.people):
                people.create_task(person())
            for _ in range(round(plan.crowd_s)):
                await asyncio.sleep(1)
                bar.update()
    after = await asyncio.to_thread(server.stats)
    seconds = time.perf_counter() - at
    return Crowd(
        people=plan.people,
        seconds=plan.crowd_s,
        turns=len(waits),
        first_audio_ms=waits,
        core=(after["cpu_s"] - before["cpu_s"]) / seconds,
        rss_mb=after["rss_kb"] / 1024,
        lag_max_ms=after["lag_max_ms"],
        lag_p99_ms=after["lag_p99_ms"],
    )


def section(quick: bool) -> Section:
    """Measure, plot, and tell."""
    figures = measure(QUICK if quick else Plan())
    if not quick:
        plot(figures)
    explained = (
        "The answer has five sentences, about 20 s of speech, by espeak-ng. *Original way*: the whole answer, then its "
        "synthesis, then one base64 MP3 frame. *Here*: PCM, 24 kHz, binary frames. Every answer is new, so that "
        "the cache of speech helps nobody. SQLite, recording on, transcoding at low priority on the same core."
    )
    picture = "![Time to the first audio](images/benchmark-typed.png)"
    return Section(
        "Typed chat",
        "python -m benchmarks typed",
        "\n\n".join((explained, table(figures), picture)),
    )


def plot(figures: dict[str, Any]) -> None:
    """Bars of the original way and ours, and how the crowd's waits are spread."""
    figure, (alone, crowd) = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
    labels = ["all text at once", "a word each 20 ms"]
    pairs = list(figures["alone"].values())
    theirs = [statistics.median(original) for _, original in pairs]
    ours = [statistics.median(answer.first_audio for answer in answers) for answers, _ in pairs]
    places = np.arange(len(labels))
    alone.bar(places - 0.2, theirs, 0.4, label="original way", color="#b0b5b9")
    alone.bar(places + 0.2, ours, 0.4, label="here", color="#0f766e")
    alone.set_xticks(places, labels)
    alone.set(ylabel="ms to first audio", title="One person", yscale="log")
    alone.legend(frameon=False)
    waits = sorted(figures["crowd"].first_audio_ms)
    crowd.plot(waits, np.linspace(0, 100, len(waits)), color="#0f766e")
    crowd.axhline(95, color="#b0b5b9", linewidth=0.8)
    crowd.axvline(100, color="#b0b5b9", linewidth=0.8)
    crowd.set(
        xlabel="ms to first audio",
        ylabel="% of turns",
        title=f"{figures['crowd'].people} people",
        xscale="log",
    )
    IMAGES.mkdir(exist_ok=True)
    figure.savefig(IMAGES / "benchmark-typed.png", dpi=130)


def table(figures: dict[str, Any]) -> str:
    """The figures as Markdown."""
    lines = [
        "| an answer of five sentences, alone | original way | here | ratio | after its first "
        "sentence was known |",
        "|---|---|---|---|---|",
    ]
    for token_ms, (ours, original) in figures["alone"].items():
        ours_ms = statistics.median(answer.first_audio for answer in ours)
        original_ms = statistics.median(original)
        after = [answer.first_audio - answer.first_sentence for answer in ours]
        pace = f"a word each {token_ms} ms" if token_ms else "all text at once"
        lines.append(
            f"| {pace} | {original_ms:.0f} ms | {ours_ms:.1f} ms | {original_ms / ours_ms:.1f} | "
            f"p50 {_p(after, 50):.1f} ms, p95 {_p(after, 95):.1f} ms |"
        )
    crowd: Crowd = figures["crowd"]
    lines += [
        "",
        f"| {crowd.people} people, each typing once in {PERIOD_S:.0f} s at random | |",
        "|---|---|",
        f"| turns | {crowd.turns} in {crowd.seconds:.0f} s |",
        f"| question sent → first audio | p50 {_p(crowd.first_audio_ms, 50):.1f} ms, "
        f"p95 {_p(crowd.first_audio_ms, 95):.1f} ms, max {max(crowd.first_audio_ms):.0f} ms |",
        f"| event loop held | p99 {crowd.lag_p99_ms:.1f} ms, max {crowd.lag_max_ms:.1f} ms |",
        f"| server | {crowd.core:.2f} core, {crowd.rss_mb:.0f} MB |",
    ]
    return "\n".join(lines)


def _p(values: list[float], percent: float) -> float:
    return float(np.percentile(values, percent))
