"""FastRTC's WebSocket mode: callers on one core, and streams in which nothing happens, beside FastRTC."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass

import uvloop
import websockets
from tqdm import tqdm

from .caller import Line
from .calls import LATE_MS, TALK_COLUMNS, held, talk_row
from .cost import cost
from .crowd import GREETING_S, Talk, talk
from .dialects import FastRtc
from .figures import ms, percentile
from .report import Section
from .server import CLIENT_CORE, TELEPHONE_TOKEN, Server, deployed, peer

OFFER = f"/websocket/offer?input_rate=8000&output_rate=8000&token={TELEPHONE_TOKEN}"
# Ours says that the call is recorded first, and asks after ten seconds whether anybody is there.
SETTLED_S, IDLE_S = GREETING_S + 2.0, 6.0


@dataclass(frozen=True, slots=True)
class Plan:
    """How many callers at each server, for how many seconds; and how many streams without a word."""

    ours: Sequence[int] = (1, 10, 40, 60, 200)
    theirs: Sequence[int] = (1, 2, 5, 10)
    seconds: float = 22.0
    our_streams: int = 50
    their_streams: int = 1


QUICK = Plan(ours=(1, 10), theirs=(1,), seconds=8.0)


@dataclass(frozen=True, slots=True)
class Idle:
    """``streams`` that were started and say nothing, and what they cost (cores) beyond an idle server."""

    streams: int
    core: float


@dataclass(frozen=True, slots=True)
class Measured:
    ours: list[Talk]
    theirs: list[Talk]
    our_idle: Idle
    their_idle: Idle


def measure(plan: Plan) -> Measured:
    """Each row on a fresh server."""
    os.sched_setaffinity(0, {CLIENT_CORE})
    line, their_line = Line(FastRtc(OFFER)), Line(FastRtc())
    answers = {"VOICECHAT_DIALOGUE": "benchmarks.bots.OneSentence"}
    with tqdm(
        total=len(plan.ours) + len(plan.theirs) + 2, desc="fastrtc", unit="row", disable=None
    ) as bar:

        def ours(callers: int) -> Talk:
            with deployed(**answers) as server:
                talked = talk(server, line, callers, plan.seconds, f"{callers} callers")
            bar.update()
            return talked

        def theirs(callers: int) -> Talk:
            with peer("fastrtc") as server:
                label = f"{callers} callers of FastRTC"
                talked = talk(server, their_line, callers, plan.seconds, label)
            bar.update()
            return talked

        with deployed(**answers) as server:
            our_idle = idle(server, OFFER, plan.our_streams)
        bar.update()
        with peer("fastrtc") as server:
            their_idle = idle(server, FastRtc().path, plan.their_streams)
        bar.update()
        return Measured(
            ours=[ours(n) for n in plan.ours],
            theirs=[theirs(n) for n in plan.theirs],
            our_idle=our_idle,
            their_idle=their_idle,
        )


def idle(server: Server, path: str, streams: int) -> Idle:
    """Start so many streams, say nothing in them, and see what they cost."""
    return uvloop.run(_idle(server, path, streams))


async def _idle(server: Server, path: str, streams: int) -> Idle:
    alone = await _busy(server)
    sockets = []
    try:
        for number in range(streams):
            socket = await websockets.connect(
                f"ws://127.0.0.1:{server.port}{path}", ping_interval=None, max_queue=None
            )
            sockets.append(socket)
            for message in FastRtc().hello(f"idle-{number}"):
                await socket.send(message)
        await asyncio.sleep(SETTLED_S)
        core = await _busy(server)
        ended = [socket for socket in sockets if socket.close_code is not None]
        if ended:
            raise RuntimeError(f"{len(ended)} of {streams} streams were ended")
    finally:
        for socket in sockets:
            await socket.close()
    return Idle(streams, core - alone)


async def _busy(server: Server) -> float:
    before, at = cost(server.pid), time.perf_counter()
    await asyncio.sleep(IDLE_S)
    return (cost(server.pid).cpu_s - before.cpu_s) / (time.perf_counter() - at)


def section(quick: bool) -> Section:
    """Measure and tell."""
    measured = measure(QUICK if quick else Plan())
    explained = (
        "FastRTC's own wire, G.711 mu-law at 8 kHz both ways, 20 ms a frame; callers, recordings, recognition and "
        "answers as in *Calls*. FastRTC 0.0.34: `ReplyOnPause` with its pauses told by a plain threshold, cheaper "
        "than the Silero that it brings, and what was said replayed as the answer; it records nothing. *Idle*: "
        f"started, and not a word for {IDLE_S:.0f} s, beyond what the server costs alone. All on uvloop, one "
        "process, one core."
    )
    return Section(
        "FastRTC's WebSocket mode",
        "python -m benchmarks fastrtc",
        "\n\n".join((explained, table(measured), idle_table(measured), conclusions(measured))),
    )


def table(measured: Measured) -> str:
    """The callers as Markdown."""
    rows = [talk_row("here", talked, measured.ours[0]) for talked in measured.ours]
    rows += [talk_row("FastRTC", talked, measured.theirs[0]) for talked in measured.theirs]
    return "\n".join((TALK_COLUMNS, *rows))


def idle_table(measured: Measured) -> str:
    """The streams without a word as Markdown."""
    lines = ["| server | idle streams | core | core per stream |", "|---|---|---|---|"]
    for name, idle in (("here", measured.our_idle), ("FastRTC", measured.their_idle)):
        each = idle.core / idle.streams
        lines.append(f"| {name} | {idle.streams} | {idle.core:.3f} | {each:.4f} |")
    return "\n".join(lines)


def conclusions(measured: Measured) -> str:
    """What the tables say, in sentences."""
    ours, theirs = held(measured.ours), held(measured.theirs)
    p50, their_p50 = (percentile(talked.first_audio_ms, 50) for talked in (ours, theirs))
    p95, their_p95 = (percentile(talked.first_audio_ms, 95) for talked in (ours, theirs))
    told = [
        f"Held with a p95 within 50 ms of the server's best: {ours.taken} callers here (p95 {ms(p95)}), "
        f"{theirs.taken} at FastRTC (p95 {ms(their_p95)}): {ours.taken / max(1, theirs.taken):.0f} times as many.",
        f"From the end of speech to the first audio, p50: {ms(p50)} here, {ms(their_p50)} there: "
        f"{p50 / their_p50:.2f} of it.",
    ]
    late_ms = max(talked.late_ms for talked in (*measured.ours, *measured.theirs))
    if late_ms > LATE_MS:
        told.append(
            f"Something else was using this machine: callers sent frames up to {ms(late_ms)} late."
        )
    return " ".join(told)
