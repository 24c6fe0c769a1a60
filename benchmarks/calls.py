"""Calls: how many callers a core holds, what each costs, and how soon they are answered."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import FixedLocator, NullLocator, ScalarFormatter
from tqdm import tqdm

from chat.utterance import FINISHED_S

from .caller import Line
from .crowd import Talk, talk
from .dialects import Exotel, FastRtc
from .figures import OURS, QUIET, THEIRS, ms, percentile
from .recognised import Recognised, talk_alone
from .report import IMAGES, Section
from .server import CLIENT_CORE, TELEPHONE_TOKEN, deployed, peer

VOICEBOT = f"/ws/voicebot/?token={TELEPHONE_TOKEN}"
# Callers count as held while p95 is not this much above the best.
HELD_MS = 50.0
WAIT_MS = FINISHED_S * 1000
# Callers who send that late measure themselves.
LATE_MS = 50.0
TALK_COLUMNS = (
    "| server | callers | refused | turns | to first audio p50 | p95 | missing, early | core | core per caller | memory | per caller beyond the first |\n"
    "|---|---|---|---|---|---|---|---|---|---|---|"
)


@dataclass(frozen=True, slots=True)
class Plan:
    """How many callers at each server, for how many seconds; and turns with the real recogniser."""

    ours: Sequence[int] = (1, 10, 50, 75, 100, 200, 400)
    pipecat: Sequence[int] = (10, 20, 25, 32, 40)
    fastrtc: Sequence[int] = (10,)
    transcoding: int = 100
    seconds: float = 22.0
    recognised: int = 12


QUICK = Plan(ours=(1, 20), pipecat=(10,), fastrtc=(), transcoding=5, seconds=8.0, recognised=2)


@dataclass(frozen=True, slots=True)
class Calls:
    """By server; ours once more with the transcoder, and once with the real recogniser."""

    ours: list[Talk]
    pipecat: list[Talk]
    fastrtc: list[Talk]
    transcoded: Talk
    recognised: list[Recognised]


def measure(plan: Plan) -> Calls:
    """Each row on a fresh server."""
    os.sched_setaffinity(0, {CLIENT_CORE})
    line = Line(Exotel(VOICEBOT))
    answers = {"VOICECHAT_DIALOGUE": "benchmarks.bots.OneSentence"}
    rows = [*plan.ours, *plan.pipecat, *plan.fastrtc, plan.transcoding]
    with tqdm(total=len(rows), desc="calls", unit="row", disable=None) as bar:

        def ours(callers: int, **environment: str) -> Talk:
            with deployed(**answers, **environment) as server:
                talked = talk(server, line, callers, plan.seconds, f"{callers} callers")
            bar.update()
            return talked

        def theirs(name: str, line: Line, callers: int) -> Talk:
            with peer(name) as server:
                talked = talk(server, line, callers, plan.seconds, f"{callers} callers of {name}")
            bar.update()
            return talked

        with deployed(**answers, VOICECHAT_STT="pocketsphinx") as server:
            recognised = talk_alone(server, line, plan.recognised)
        return Calls(
            recognised=recognised,
            pipecat=[theirs("pipecat", Line(Exotel("/ws")), n) for n in plan.pipecat],
            fastrtc=[theirs("fastrtc", Line(FastRtc()), n) for n in plan.fastrtc],
            ours=[ours(n) for n in plan.ours],
            transcoded=ours(plan.transcoding, BENCH_TRANSCODING="1"),
        )


def section(quick: bool) -> Section:
    """Measure, plot, and tell."""
    calls = measure(QUICK if quick else Plan())
    if not quick:
        plot(calls)
    explained = (
        "People's recordings (pocketsphinx-testdata: sentences of 0.8 to 6.5 s by two speakers), in real time, "
        "in Exotel's dialect: samples at 8 kHz, 20 ms a frame, marks sent back; 4 s of a quiet room between "
        "one turn and the next. The answer is replayed: ours one sentence of 3 s, which is synthesised once; "
        "Pipecat's and FastRTC's what was said. *To first audio*: from the last sample above 2 % of full "
        f"scale, as it is spoken, to the first sound at the caller. Ours waits {WAIT_MS:.0f} ms for the end of a "
        "turn, Pipecat 200 ms after its VAD noticed. **Recognition is scripted**: a known sentence, at once; "
        "what it really costs is in a section of its own. Ours: SQLite, no DEBUG, recording on, spooled as WAV; "
        "transcoding apart. Pipecat and FastRTC record nothing. All on uvloop, one process, one core."
    )
    picture = "![Latency and cost against callers](images/benchmark-calls.png)"
    return Section(
        "Calls",
        "python -m benchmarks calls",
        "\n\n".join(
            (explained, table(calls), conclusions(calls), alone(calls.recognised), picture)
        ),
    )


def table(calls: Calls) -> str:
    """The figures as Markdown."""
    lines = [TALK_COLUMNS]
    for name, talks in _by_server(calls):
        lines += [talk_row(name, talked, talks[0]) for talked in talks]
    apart = calls.transcoded
    lines.append(
        f"| here, transcoding too | {apart.callers} | {_codes(apart)} | {len(apart.first_audio_ms)} | "
        f"{ms(percentile(apart.first_audio_ms, 50))} | {ms(percentile(apart.first_audio_ms, 95))} | "
        f"{apart.missing}, {apart.early} | {apart.core:.2f} and {apart.children_core:.2f} of the transcoder | "
        f"{_each(apart, apart.core + apart.children_core):.4f} | {apart.rss_mb:.0f} and {apart.children_rss_mb:.0f} MB | |"
    )
    return "\n".join(lines)


def _by_server(calls: Calls) -> list[tuple[str, list[Talk]]]:
    named = [("here", calls.ours), ("Pipecat", calls.pipecat), ("FastRTC", calls.fastrtc)]
    return [(name, talks) for name, talks in named if talks]


def talk_row(name: str, talked: Talk, fewest: Talk) -> str:
    """The figures of ``talked`` under ``TALK_COLUMNS``; ``fewest`` is the server's first row."""
    more = talked.taken - fewest.taken
    beyond = f"{(talked.rss_mb - fewest.rss_mb) / more:.2f} MB" if more > 0 else ""
    lost = f", {talked.lost.total()} lost" if talked.lost else ""
    return (
        f"| {name} | {talked.callers} | {_codes(talked)} | {len(talked.first_audio_ms)} | "
        f"{ms(percentile(talked.first_audio_ms, 50))} | {ms(percentile(talked.first_audio_ms, 95))} | "
        f"{talked.missing}, {talked.early}{lost} | {talked.core:.2f} | {_each(talked, talked.core):.4f} | "
        f"{talked.rss_mb:.0f} MB | {beyond} |"
    )


def _each(talked: Talk, core: float) -> float:
    return core / max(1, talked.taken)


def _codes(talked: Talk) -> str:
    if not talked.refused:
        return "0"
    codes = ", ".join(f"{n} with {code}" for code, n in sorted(talked.refused.items()))
    return f"{codes}; {talked.told} were told why"


def conclusions(calls: Calls) -> str:
    """What the table says, in sentences."""
    ours, pipecat = held(calls.ours), held(calls.pipecat)
    told = [
        f"Held with a p95 within {HELD_MS:.0f} ms of the server's best: {ours.taken} callers here, "
        f"{pipecat.taken} at Pipecat: {ours.taken / max(1, pipecat.taken):.1f} times as many.",
        "Beyond what the end of a turn waits, p95: "
        + ", ".join(
            f"{ms(percentile(talked.first_audio_ms, 95) - WAIT_MS)} at {talked.callers}"
            for talked in calls.ours
        )
        + " callers.",
    ]
    settled = [talked for talked in calls.ours if not talked.refused]
    if len(settled) > 2:
        slope, least = _line(settled)
        worst = max(abs(talked.core - least - slope * talked.taken) for talked in settled)
        told.append(
            f"Cost is a straight line: {slope:.4f} core a caller and {least:.3f} for itself; no row is "
            f"further from it than {worst:.3f}."
        )
    told += [
        f"Of {talked.callers} who came, {talked.refused.total()} were refused; the {talked.taken} others had "
        f"a p95 of {ms(percentile(talked.first_audio_ms, 95))}."
        for talked in calls.ours
        if talked.refused
    ]
    late_ms = max(talked.late_ms for _, talks in _by_server(calls) for talked in talks)
    if late_ms > LATE_MS:
        told.append(
            f"Something else was using this machine: callers sent frames up to {ms(late_ms)} late."
        )
    return " ".join(told)


def held(talks: Sequence[Talk]) -> Talk:
    """The row with the most callers who are still answered, and as promptly as fewer are."""
    limit = min(percentile(talked.first_audio_ms, 95) for talked in talks) + HELD_MS
    most = talks[0]
    for talked in talks:
        answered = talked.missing <= 0.01 * len(talked.first_audio_ms)
        if percentile(talked.first_audio_ms, 95) <= limit and answered and not talked.lost:
            most = max(most, talked, key=lambda each: each.taken)
    return most


def alone(turns: Sequence[Recognised]) -> str:
    """One caller with the real recogniser, as Markdown."""
    added = [turn.added_ms for turn in turns]
    waits = [turn.first_audio_ms for turn in turns]
    finished = sum(turn.wait_ms == WAIT_MS for turn in turns)
    return (
        f"One caller and pocketsphinx, {len(turns)} turns: to first audio p50 {ms(percentile(waits, 50))}, p95 "
        f"{ms(percentile(waits, 95))}. Words that look finished ({finished} turns) are waited for {WAIT_MS:.0f} ms, "
        f"others longer. Beyond that wait: p50 {ms(percentile(added, 50))}, p95 {ms(percentile(added, 95))}."
    )


def _line(talks: Sequence[Talk]) -> tuple[float, float]:
    slope, least = np.polyfit(
        [talked.taken for talked in talks], [talked.core for talked in talks], 1
    )
    return float(slope), float(least)


def plot(calls: Calls) -> None:
    """Latency and cost, each against callers."""
    figure, (latency, cost) = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
    colors = {"here": OURS, "Pipecat": THEIRS, "FastRTC": QUIET}
    for name, talks in _by_server(calls):
        callers = [talked.callers for talked in talks]
        for percent, style in ((50, "o--"), (95, "o-")):
            values = [percentile(talked.first_audio_ms, percent) for talked in talks]
            label = f"{name}, p{percent}"
            latency.plot(callers, values, style, color=colors[name], markersize=4, label=label)
        cost.plot(callers, [talked.core for talked in talks], "o", color=colors[name], label=name)
    latency.axhline(WAIT_MS, color=QUIET, linewidth=0.8)
    latency.set(
        xlabel="callers", ylabel="ms from end of speech to first audio", xscale="log", yscale="log"
    )
    for axis, ticks in ((latency.xaxis, (1, 10, 100, 400)), (latency.yaxis, (200, 300, 500, 1000))):
        axis.set_major_locator(FixedLocator(ticks))
        axis.set_major_formatter(ScalarFormatter())
        axis.set_minor_locator(NullLocator())
    latency.legend(frameon=False, fontsize=8)
    settled = [talked for talked in calls.ours if not talked.refused]
    slope, least = _line(settled)
    most = settled[-1].callers
    cost.plot([1, most], [least + slope, least + slope * most], color=OURS, linewidth=0.8)
    for talked in calls.ours:
        if talked.refused:
            where = (talked.callers, talked.core)
            told = f"{talked.refused.total()} refused"
            cost.annotate(told, where, (0, -12), textcoords="offset points", fontsize=8, ha="right")
    cost.axhline(1, color=QUIET, linewidth=0.8)
    cost.set(xlabel="callers", ylabel="core", ylim=(0, 1.1))
    cost.legend(frameon=False, fontsize=8)
    IMAGES.mkdir(exist_ok=True)
    figure.savefig(IMAGES / "benchmark-calls.png", dpi=130)
