"""The speech service: how soon the first audio comes, alone and in a crowd, and what it costs."""

from __future__ import annotations

import asyncio
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import websockets
from tqdm import tqdm

from accounts.api_keys.tokens import sign
from speech.encoders import Format, encoder_for
from speech.pcm import duration_ms
from speech.resample import Resampler
from speech.tts.chain import build_chain

from .figures import ms, percentile
from .report import Section
from .server import CLIENT_CORE, Server, running

FORMATS = ("pcm", "wav", "mulaw", "flac", "mp3", "ogg")
PERIOD_S = 10.0
LONG_CHARS = 3_000
MODEL = "PlayDialog"
MAKE_KEY = (
    "from accounts.models import User; from accounts.api_keys.making import make_key;"
    "key, _ = make_key(User.objects.create_user('bench'), sockets=1000,"
    " commands_per_minute=10**6, characters_per_minute=10**9); print(key.pk)"
)


@dataclass(frozen=True, slots=True)
class Plan:
    """``rounds`` of a short sentence per format; then so many sockets for so many seconds."""

    rounds: int = 200
    long_rounds: int = 3
    sockets: int = 100
    crowd_s: float = 60.0


QUICK = Plan(rounds=40, long_rounds=1, crowd_s=20.0)


@dataclass(slots=True)
class Waits:
    """To the first audio, in ms: of the service, of the engine alone, of the encoder alone."""

    service: list[float]
    engine: list[float]
    encoder: list[float]


@dataclass(frozen=True, slots=True)
class Paces:
    """Seconds of sound per second of a core, in the same order."""

    service: float
    engine: float
    encoder: float


@dataclass(frozen=True, slots=True)
class Crowd:
    first_audio_ms: list[float]
    core: float
    rss_mb: float
    lag_p99_ms: float


def sentence() -> str:
    """Short, and never the same: the cache of speech helps nobody."""
    return f"Your order number {random.randrange(10**6)} is ready."


def long_text() -> str:
    text = ""
    while len(text) < LONG_CHARS:
        text += sentence() + " "
    return text


def measure(plan: Plan) -> dict[str, Any]:
    os.sched_setaffinity(0, {CLIENT_CORE})
    with running() as server:
        url = _address(server)
        found = asyncio.run(_alone(server, url, plan))
        crowd = asyncio.run(_crowd(server, url, plan))
    return {**found, "crowd": crowd}


def _address(server: Server) -> str:
    environment = os.environ | {
        "VOICECHAT_DATA_DIR": str(server.data),
        "DJANGO_SETTINGS_MODULE": "voicechat.settings",
        "DJANGO_SECRET_KEY": "only-for-benchmarks",
        "DJANGO_DEBUG": "1",
    }
    command = [sys.executable, "manage.py", "shell", "-v0", "-c", MAKE_KEY]
    made = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    os.environ |= environment
    import django  # noqa: PLC0415 (its settings are those of the server, to sign as it does)

    django.setup()
    token = sign(int(made.stdout), MODEL)
    return f"ws://127.0.0.1:{server.port}/ws/tts/{MODEL}?token={token}"


async def _alone(server: Server, url: str, plan: Plan) -> dict[str, Any]:
    waits, paces = {}, {}
    steps = tqdm(FORMATS, desc="speech service, alone", unit="format", disable=None)
    async with websockets.connect(url, max_size=None) as socket:
        for _ in range(20):  # what is loaded with the first words is not what is measured
            await _first_audio(socket, "pcm")
        for format in steps:
            service = [await _first_audio(socket, format) for _ in range(plan.rounds)]
            engine, encoder = await _first_parts(format, plan.rounds)
            waits[format] = Waits(service, engine, encoder)
            paces[format] = await _pace(server, socket, format, plan.long_rounds)
    return {"waits": waits, "paces": paces}


async def _first_audio(socket: websockets.ClientConnection, format: str) -> float:
    """Ms from the command to the first of its samples."""
    command = json.dumps({"text": sentence(), "output_format": format})
    began = time.perf_counter()
    await socket.send(command)
    first = 0.0
    async for message in socket:
        if isinstance(message, str):
            if json.loads(message)["type"] == "end":
                break
        elif not first and not message.startswith(b"RIFF"):
            first = (time.perf_counter() - began) * 1000
    return first


async def _first_parts(format: str, rounds: int) -> tuple[list[float], list[float]]:
    """Ms of the engine to its first samples, and of resampler and encoder to their first bytes."""
    chain = build_chain(["espeak"], cache_bytes=0)
    chosen = chain.choose(None, "en")
    engine, encoding = [], []
    for _ in range(rounds):
        encoder = encoder_for(_known(format), _rate(format))
        resampler = Resampler(chosen.rate, encoder.rate)
        began, first, spent, done = time.perf_counter(), 0.0, 0.0, False
        async for chunk in chosen.stream(sentence()):
            first = first or (time.perf_counter() - began) * 1000
            if not done:
                at = time.perf_counter()
                done = bool(encoder.feed(resampler.feed(chunk)))
                spent += (time.perf_counter() - at) * 1000
        engine.append(first)
        encoding.append(spent)
    return engine, encoding


async def _pace(
    server: Server, socket: websockets.ClientConnection, format: str, rounds: int
) -> Paces:
    pcm, engine_s = await _spoken(long_text())
    rate = build_chain(["espeak"]).choose(None, "en").rate
    seconds = duration_ms(len(pcm), rate) / 1000
    encoder_s = _cpu(lambda: _encode(pcm, rate, format))
    before = (await asyncio.to_thread(server.stats))["cpu_s"]
    spoken_s = 0.0
    for _ in range(rounds):
        await socket.send(json.dumps({"text": long_text(), "output_format": format}))
        async for message in socket:
            if isinstance(message, str) and json.loads(message)["type"] == "end":
                break
        spoken_s += seconds  # the texts differ by some digits alone
    service_s = (await asyncio.to_thread(server.stats))["cpu_s"] - before
    return Paces(spoken_s / service_s, seconds / engine_s, seconds / encoder_s)


async def _spoken(text: str) -> tuple[bytes, float]:
    chosen = build_chain(["espeak"], cache_bytes=0).choose(None, "en")
    began = time.process_time()
    pcm = b"".join([chunk async for chunk in chosen.stream(text)])
    return pcm, time.process_time() - began


def _encode(pcm: bytes, rate: int, format: str) -> None:
    encoder = encoder_for(_known(format), _rate(format))
    resampler = Resampler(rate, encoder.rate)
    for at in range(0, len(pcm), 8820):
        encoder.feed(resampler.feed(pcm[at : at + 8820]))
    encoder.finish()


def _cpu(work: Callable[[], None]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def _known(format: str) -> Format:
    known: dict[str, Format] = {name: name for name in FORMATS}  # type: ignore[misc]
    return known[format]


def _rate(format: str) -> int:
    return 8_000 if format == "mulaw" else 24_000


async def _crowd(server: Server, url: str, plan: Plan) -> Crowd:
    waits: list[float] = []

    async def client() -> None:
        async with websockets.connect(url, open_timeout=60) as socket:
            await ready.wait()
            end = time.monotonic() + plan.crowd_s
            while True:
                pause = random.uniform(0, 2 * PERIOD_S)
                if time.monotonic() + pause > end:
                    await asyncio.sleep(max(0.0, end - time.monotonic()))
                    return
                await asyncio.sleep(pause)
                waits.append(await _first_audio(socket, "pcm"))

    ready = asyncio.Barrier(plan.sockets + 1)
    async with asyncio.TaskGroup() as clients:
        for _ in range(plan.sockets):
            clients.create_task(client())
        await ready.wait()
        before = await asyncio.to_thread(server.stats)
        at = time.perf_counter()
    after = await asyncio.to_thread(server.stats)
    core = (after["cpu_s"] - before["cpu_s"]) / (time.perf_counter() - at)
    return Crowd(waits, core, after["rss_kb"] / 1024, after["lag_p99_ms"])


def section(quick: bool) -> Section:
    """Measure and tell."""
    plan = QUICK if quick else Plan()
    return Section(
        "The speech service",
        "python -m benchmarks speech_service",
        table(measure(plan), plan),
    )


def table(figures: dict[str, Any], plan: Plan) -> str:
    """The figures as Markdown."""
    lines = [
        "From the command on an open socket to its first samples, a sentence of 2.5 s by espeak-ng that "
        "was never spoken before; 24 kHz, mu-law 8 kHz. *Engine* and *encoder*: the same by themselves, "
        "in a process that does nothing else.",
        "",
        "| format | service p50 | p95 | engine p50 | p95 | encoder p50 | p95 |",
        "|---|---|---|---|---|---|---|",
    ]
    waits: dict[str, Waits] = figures["waits"]
    for format, wait in waits.items():
        cells = [
            ms(percentile(values, percent))
            for values in (wait.service, wait.engine, wait.encoder)
            for percent in (50, 95)
        ]
        lines.append(f"| {format} | {' | '.join(cells)} |")
    lines += [
        "",
        f"Seconds of sound per second of one core, a text of {LONG_CHARS} characters:",
        "",
        "| format | service | engine alone | resampler and encoder alone |",
        "|---|---|---|---|",
    ]
    paces: dict[str, Paces] = figures["paces"]
    for format, pace in paces.items():
        row = f"{pace.service:.0f} | {pace.engine:.0f} | {pace.encoder:.0f}"
        lines.append(f"| {format} | {row} |")
    crowd: Crowd = figures["crowd"]
    waits_ms = crowd.first_audio_ms
    lines += [
        "",
        f"{plan.sockets} sockets that each ask once in {PERIOD_S:.0f} s at random, PCM, {len(waits_ms)} "
        f"commands in {plan.crowd_s:.0f} s: first audio p50 {ms(percentile(waits_ms, 50))}, "
        f"p95 {ms(percentile(waits_ms, 95))}, at most {ms(max(waits_ms))}; {crowd.core:.2f} of a core, "
        f"{crowd.rss_mb:.0f} MB.",
    ]
    return "\n".join(lines)
