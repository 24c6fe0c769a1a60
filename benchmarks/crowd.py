"""Many callers at once who talk with a server for a while, and what it cost."""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from collections import Counter
from dataclasses import dataclass, field

import uvloop
from tqdm import tqdm

from .caller import CallEnded, Caller, Line
from .cost import cost
from .dialects import RATE
from .recordings import fluent, speech
from .server import Server

# Callers hear a greeting out before they speak.
GREETING_S = 3.0
# Between the end of what is said and the next turn.
LISTEN_S = 4.0
ARRIVE_S = 0.02
LEAST_ARRIVE_S = 4.0


@dataclass(slots=True)
class Talk:
    """What ``callers`` met, in ms from the true end of speech to the first sound.

    ``early``: turns that were answered before they had ended; ``refused``: by close code, before
    anything was said, and how many of those were ``told`` why; ``lost``: by close code, later.
    ``late_ms``: how late a caller's own frame was at worst.
    """

    callers: int
    first_audio_ms: list[float] = field(default_factory=list)
    missing: int = 0
    early: int = 0
    refused: Counter[int] = field(default_factory=Counter)
    told: int = 0
    lost: Counter[int] = field(default_factory=Counter)
    core: float = 0.0
    children_core: float = 0.0
    rss_mb: float = 0.0
    children_rss_mb: float = 0.0
    late_ms: float = 0.0

    @property
    def taken(self) -> int:
        """How many callers were not refused."""
        return self.callers - self.refused.total()


def talk(server: Server, line: Line, callers: int, seconds: float, label: str) -> Talk:
    """``callers`` come one after the other, then talk for so long, of which all is measured."""
    return uvloop.run(_talk(server, line, callers, seconds, label))


async def _talk(server: Server, line: Line, callers: int, seconds: float, label: str) -> Talk:
    talked = Talk(callers)
    said = [line.wire(speech(recording, RATE, line.frame_ms)) for recording in fluent()]
    arrive_s = max(LEAST_ARRIVE_S, callers * ARRIVE_S)
    begin = time.perf_counter() + arrive_s + GREETING_S

    async def caller(number: int) -> None:
        await asyncio.sleep(arrive_s * number / callers)
        person = Caller(line, server.port, f"call-{number}")
        turns = itertools.islice(itertools.cycle(said), number % len(said), None)
        has_spoken = False
        try:
            await person.call()
            await person.wait(GREETING_S + random.uniform(0, LISTEN_S))
            for words in turns:
                has_spoken = True
                sounds = person.heard.sounds
                person.say(words)
                await person.ended()
                early = person.heard.sounds > sounds
                sound_at = await person.sound(LISTEN_S)
                if person.end_at > begin:
                    talked.early += early
                    talked.missing += sound_at is None
                    if sound_at is not None:
                        talked.first_audio_ms.append((sound_at - person.end_at) * 1000)
                await person.wait(person.end_at + LISTEN_S - time.perf_counter())
        except CallEnded as ended:
            (talked.lost if has_spoken else talked.refused)[ended.code] += 1
            talked.told += not has_spoken and person.heard.errors > 0
        except (OSError, TimeoutError):
            talked.refused[1006] += 1
        finally:
            talked.late_ms = max(talked.late_ms, person.late_s * 1000)
            person.hang_up()

    async def meter() -> None:
        await asyncio.sleep(begin - time.perf_counter())
        before, at = cost(server.pid), time.perf_counter()
        with tqdm(total=round(seconds), desc=label, unit="s", disable=None, leave=False) as bar:
            for _ in range(round(seconds)):
                await asyncio.sleep(1)
                bar.update()
        after, took = cost(server.pid), time.perf_counter() - at
        talked.core = (after.cpu_s - before.cpu_s) / took
        talked.children_core = (after.children_cpu_s - before.children_cpu_s) / took
        talked.rss_mb, talked.children_rss_mb = after.rss_mb, after.children_rss_mb

    async with asyncio.TaskGroup() as group:
        people = [group.create_task(caller(number)) for number in range(callers)]
        await meter()
        for person in people:
            person.cancel()
    return talked
