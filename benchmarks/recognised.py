"""One caller and the real recogniser: what is added to the time for which the end of a turn waits."""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path

import uvloop
from tqdm import tqdm

from chat.utterance import FINISHED_S, NO_IDEA_S, UNFINISHED_S
from speech.endpointing import looks_finished

from .caller import Caller, Line
from .crowd import GREETING_S, LISTEN_S
from .dialects import RATE
from .recordings import fluent, speech
from .server import Server

WAITS_S = {True: FINISHED_S, False: UNFINISHED_S, None: NO_IDEA_S}


@dataclass(frozen=True, slots=True)
class Recognised:
    """``text`` is what was understood last; ``wait_ms`` is how long such words are waited for."""

    text: str
    first_audio_ms: float
    wait_ms: float

    @property
    def added_ms(self) -> float:
        return self.first_audio_ms - self.wait_ms


def talk_alone(server: Server, line: Line, turns: int) -> list[Recognised]:
    """Speak so many times. Turns that are not answered are left out."""
    return uvloop.run(_talk_alone(server, line, turns))


async def _talk_alone(server: Server, line: Line, turns: int) -> list[Recognised]:
    said = [line.wire(speech(recording, RATE, line.frame_ms)) for recording in fluent()]
    caller = Caller(line, server.port, "alone")
    await caller.call()
    await caller.wait(GREETING_S)
    found = []
    every = itertools.islice(itertools.cycle(said), turns)
    for words in tqdm(every, total=turns, desc="recognised", unit="turn", disable=None):
        caller.say(words)
        await caller.ended()
        sound_at = await caller.sound(LISTEN_S)
        await caller.wait(caller.end_at + LISTEN_S - time.perf_counter())
        if sound_at is not None:
            text = await asyncio.to_thread(_last_text, server.data)
            waited = WAITS_S[looks_finished(text)]
            found.append(Recognised(text, (sound_at - caller.end_at) * 1000, waited * 1000))
    caller.hang_up()
    return found


def _last_text(data: Path) -> str:
    """What the person was understood to say last."""
    with sqlite3.connect(data / "db.sqlite3") as database:
        [text] = database.execute(
            "select text from conversations_turn where role = 'user' order by seq desc limit 1"
        ).fetchone()
    return str(text)
