"""The parts of a turn's sound, each where it was heard on the call's timeline."""

from __future__ import annotations

import asyncio
import os
import uuid
from pathlib import Path

from chat.recording import WAITING_BYTES, TurnRecording

RATE = 16_000
TURN = str(uuid.uuid4())


def sound(ms: float) -> bytes:
    return b"\1\0" * round(RATE * ms / 1000)


def recording(folder: Path) -> TurnRecording:
    return TurnRecording(folder, TURN, "person", RATE)


async def lies(recorded: TurnRecording) -> list[tuple[int, int]]:
    """Start and length of each part in ms."""
    return [(part.start_ms, part.file.duration_ms) for part in await recorded.finish()]


async def test_what_follows_is_one_part_however_it_comes(tmp_path: Path) -> None:
    recorded = recording(tmp_path)
    for start_ms in (1000, 1100, 1150, 1340):  # early and late by jitter
        recorded.add(sound(100), start_ms)
    assert await lies(recorded) == [(1000, 400)]


async def test_a_hole_begins_a_new_part(tmp_path: Path) -> None:
    recorded = recording(tmp_path)
    recorded.add(sound(100), 0)
    recorded.add(sound(100), 500)
    assert await lies(recorded) == [(0, 100), (500, 100)]


async def test_what_was_not_heard_is_cut_and_the_rest_goes_on_elsewhere(tmp_path: Path) -> None:
    recorded = recording(tmp_path)
    recorded.add(sound(1000), 0)
    recorded.cut(400)
    recorded.add(sound(600), 2000)
    assert await lies(recorded) == [(0, 400), (2000, 600)]


async def test_parts_of_which_nothing_was_heard_are_not_kept(tmp_path: Path) -> None:
    recorded = recording(tmp_path)
    recorded.add(sound(300), 0)
    recorded.add(sound(300), 1000)
    recorded.cut(200)
    assert await lies(recorded) == [(0, 200)]


async def test_what_is_discarded_leaves_no_file(tmp_path: Path) -> None:
    recorded = recording(tmp_path)
    recorded.add(sound(2500), 0)
    await recorded.discard()
    assert not await asyncio.to_thread(os.listdir, tmp_path)


async def test_more_than_the_disk_takes_is_told_and_bounded(tmp_path: Path) -> None:
    recorded = recording(tmp_path)
    recorded.add(b"\1\0" * (WAITING_BYTES // 2 + 1), 0)
    assert recorded.broken
    assert await lies(recorded) == []
