"""Sound on its way to the disk."""

from __future__ import annotations

import asyncio
import logging
import os
import resource
import stat
import subprocess
import sys
import time
import wave
from collections.abc import Iterator
from pathlib import Path

import pytest

from conversations.spool import WRITE_BYTES, Spool, SpoolError, recover, remove_abandoned
from speech.codecs import decode

RATE = 16_000
SECOND = b"\1\2" * RATE


@pytest.fixture
def small_disk() -> Iterator[int]:
    """A limit at which the kernel refuses to let a file grow, with an error as a full disk gives."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    limit = 2 * WRITE_BYTES + 1
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limits[1]))
    yield limit
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@pytest.fixture
def slow_disk(tmp_path: Path) -> Path:
    """A file of turn "slow" at which the writer is held up until ``let_go``."""
    path = tmp_path / "slow.bot-0.wav"
    os.mkfifo(path)
    return path


def let_go(slow_disk: Path) -> None:
    os.close(os.open(slow_disk, os.O_RDONLY))


def spool_in(directory: Path, turn: str = "turn") -> Spool:
    return Spool(directory, turn, "bot", RATE)


def pcm_of(path: Path) -> bytes:
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, RATE)
        return file.readframes(file.getnframes())


async def test_a_closed_file_is_a_wav_of_all_the_sound(tmp_path):
    spool = spool_in(tmp_path)
    for start in range(0, 3 * len(SECOND), 4099):  # cut anywhere, in samples too
        await spool.append((3 * SECOND)[start : start + 4099])

    file = await spool.close()

    assert file is not None
    assert pcm_of(file.path) == 3 * SECOND
    assert (file.turn_id, file.track, file.part) == ("turn", "bot", 0)
    assert (file.rate, file.duration_ms) == (RATE, 3000)
    assert file.size == file.path.stat().st_size
    assert file.path == tmp_path / "turn.bot-0.wav"


async def test_it_writes_in_large_pieces(tmp_path):
    spool = spool_in(tmp_path)
    await spool.append(b"\0" * (WRITE_BYTES - 1))
    assert not list(tmp_path.iterdir())
    await spool.append(b"\0")
    assert (tmp_path / "turn.bot-0.wav").stat().st_size > WRITE_BYTES


async def test_no_sound_is_no_file(tmp_path):
    assert await spool_in(tmp_path).close() is None
    assert not list(tmp_path.iterdir())


async def test_half_a_sample_is_no_sound(tmp_path):
    spool = spool_in(tmp_path)
    await spool.append(b"\1")
    assert await spool.close() is None
    assert not list(tmp_path.iterdir())


async def test_the_parts_of_a_track_are_files_of_their_own(tmp_path):
    for part in (0, 1):
        spool = Spool(tmp_path, "turn", "person", RATE, part)
        await spool.append(SECOND * (part + 1))
        file = await spool.close()
        assert file is not None
        assert (file.path.name, file.part) == (f"turn.person-{part}.wav", part)
        assert file.duration_ms == 1000 * (part + 1)


@pytest.mark.parametrize("written_ms", [1000, 5000])  # in the buffer, and mostly on the disk
@pytest.mark.parametrize(("keep_ms", "kept_ms"), [(300.03, 300), (400, 400), (9e9, None)])
async def test_of_a_cut_file_only_the_start_is_kept(tmp_path, written_ms, keep_ms, kept_ms):
    sound = SECOND * (written_ms // 1000)
    spool = spool_in(tmp_path)
    await spool.append(sound)

    file = await spool.close(keep_ms)

    assert file is not None
    assert file.duration_ms == (kept_ms or written_ms)
    assert file.size == file.path.stat().st_size
    assert pcm_of(file.path) == sound[: file.size - 44]


@pytest.mark.parametrize("seconds", [1, 5])
@pytest.mark.parametrize("keep_ms", [0.0, -250.0, 0.01])
async def test_of_a_file_of_which_nothing_was_heard_nothing_is_kept(tmp_path, seconds, keep_ms):
    spool = spool_in(tmp_path)
    await spool.append(SECOND * seconds)
    assert await spool.close(keep_ms) is None
    assert not list(tmp_path.iterdir())


async def test_a_finished_file_is_not_cut_again(tmp_path):
    spool = spool_in(tmp_path)
    await spool.append(SECOND)
    file = await spool.close()
    assert await spool.close(10) == file
    assert file is not None
    assert pcm_of(file.path) == SECOND


async def test_what_a_full_disk_took_can_be_cut(tmp_path, small_disk):
    spool = spool_in(tmp_path)
    with pytest.raises(SpoolError):
        await spool.append(bytes(3 * WRITE_BYTES))
    file = await spool.close(1000)
    assert file is not None
    assert len(pcm_of(file.path)) == len(SECOND)


async def test_nobody_else_on_the_machine_may_read_it(tmp_path):
    spool = spool_in(tmp_path / "spool")
    await spool.append(SECOND)
    file = await spool.close()
    assert file is not None
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.path.parent.stat().st_mode) == 0o700


async def test_a_full_disk_is_told_once_and_what_it_took_is_kept(tmp_path, small_disk):
    spool = spool_in(tmp_path)
    await spool.append(bytes(WRITE_BYTES))
    with pytest.raises(SpoolError, match="File too large"):
        await spool.append(bytes(WRITE_BYTES))
    for _ in range(3):
        await spool.append(bytes(WRITE_BYTES))

    file = await spool.close()

    assert file is not None
    assert file.size == small_disk - 1  # whole samples
    assert len(pcm_of(file.path)) == file.size - 44


async def test_a_disk_that_is_full_at_the_end_is_told_once_too(tmp_path, small_disk):
    spool = spool_in(tmp_path)
    await spool.append(bytes(WRITE_BYTES))
    await spool.append(bytes(WRITE_BYTES - 1))
    with pytest.raises(SpoolError):
        await spool.close()

    file = await spool.close()

    assert file is not None
    assert file.size == small_disk - 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a full device")
async def test_a_disk_without_any_room_leaves_nothing_behind(tmp_path):
    (tmp_path / "turn.bot-0.wav").symlink_to("/dev/full")
    spool = spool_in(tmp_path)
    with pytest.raises(SpoolError, match="No space left"):
        await spool.append(bytes(WRITE_BYTES))
    assert await spool.close() is None
    assert not list(tmp_path.iterdir())


async def test_a_directory_that_cannot_be_had_is_told(tmp_path):
    (tmp_path / "file").touch()
    spool = spool_in(tmp_path / "file" / "spool")
    with pytest.raises(SpoolError, match="Not a directory"):
        await spool.append(bytes(WRITE_BYTES))
    await spool.append(bytes(WRITE_BYTES))
    assert await spool.close() is None


async def test_a_slow_disk_does_not_stop_the_loop(tmp_path, slow_disk):
    appending = asyncio.create_task(spool_in(tmp_path, "slow").append(bytes(WRITE_BYTES)))
    for _ in range(100):
        await asyncio.sleep(0)
    assert not appending.done()

    let_go(slow_disk)
    with pytest.raises(SpoolError):
        await appending


async def test_sound_of_a_cancelled_caller_keeps_its_place(tmp_path, slow_disk):
    held_up = asyncio.create_task(spool_in(tmp_path, "slow").append(bytes(WRITE_BYTES)))
    spool = spool_in(tmp_path)
    cancelled = asyncio.create_task(spool.append(b"\1\1" * WRITE_BYTES))
    await asyncio.sleep(0)
    cancelled.cancel()
    await asyncio.sleep(0)
    let_go(slow_disk)
    await spool.append(b"\2\2" * WRITE_BYTES)

    file = await spool.close()

    with pytest.raises(SpoolError):
        await held_up
    assert cancelled.cancelled()
    assert file is not None
    assert pcm_of(file.path) == b"\1\1" * WRITE_BYTES + b"\2\2" * WRITE_BYTES


@pytest.fixture
def crashed(tmp_path: Path) -> Path:
    """The spool of a process that was killed while it spooled turn "turn"."""
    script = (
        "import asyncio, sys, pathlib\n"
        "from conversations.spool import Spool\n"
        "async def main():\n"
        "    spool = Spool(pathlib.Path(sys.argv[1]), 'turn', 'bot', 16000)\n"
        "    await spool.append(bytes([1, 2]) * 40_000 + bytes([1]))\n"
        "    print('spooled', flush=True)\n"
        "    await asyncio.Event().wait()\n"
        "asyncio.run(main())\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"spooled\n"
        process.kill()
    return tmp_path


def test_what_a_killed_process_left_can_be_played(crashed):
    pcm, rate = decode((crashed / "turn.bot-0.wav").read_bytes())
    assert (len(pcm), rate) == (80_000, RATE)


def test_what_a_killed_process_left_is_mended(crashed):
    (file,) = recover(crashed)
    assert pcm_of(file.path) == b"\1\2" * 40_000
    assert (file.turn_id, file.track, file.part) == ("turn", "bot", 0)
    assert (file.rate, file.duration_ms) == (RATE, 2500)
    assert file.size == file.path.stat().st_size == 80_044


def test_the_files_of_one_turn_can_be_asked_for(crashed):
    other = crashed / "other.person-0.wav"
    other.write_bytes((crashed / "turn.bot-0.wav").read_bytes())
    assert [file.turn_id for file in recover(crashed, "turn")] == ["turn"]
    assert [file.track for file in recover(crashed, "other")] == ["person"]
    assert len(list(recover(crashed))) == 2
    assert not list(recover(crashed, "another"))


def test_the_parts_of_a_turn_come_in_their_order(crashed):
    for part in (10, 2):
        (crashed / f"turn.bot-{part}.wav").write_bytes((crashed / "turn.bot-0.wav").read_bytes())
    assert [file.part for file in recover(crashed, "turn")] == [0, 2, 10]


def test_a_file_without_sound_is_removed(crashed):
    for turn, size in (("empty", 0), ("header", 44), ("half", 45)):
        (crashed / f"{turn}.bot-0.wav").write_bytes(
            (crashed / "turn.bot-0.wav").read_bytes()[:size]
        )
    assert [file.turn_id for file in recover(crashed)] == ["turn"]
    assert [path.name for path in crashed.iterdir()] == ["turn.bot-0.wav"]


@pytest.mark.parametrize("name", ["foreign.bot-0.wav", "a.b.c.wav", "a.bot.wav"])
def test_a_foreign_file_is_left_and_told(crashed, caplog, name):
    (crashed / name).write_bytes(b"no sound at all, and longer than a header of forty-four bytes")
    with caplog.at_level(logging.WARNING):
        assert len(list(recover(crashed))) == 1
    assert (crashed / name).exists()
    assert name in caplog.text


def test_no_spool_is_nothing_to_recover(tmp_path):
    assert not list(recover(tmp_path / "missing"))


def written(directory: Path, name: str, age_s: float) -> Path:
    path = directory / name
    path.write_bytes(b"RIFF")
    at = time.time() - age_s
    os.utime(path, (at, at))
    return path


def nobody(turn_id: str) -> bool:
    return False


def test_sound_that_nobody_wants_is_removed(tmp_path):
    wanted = written(tmp_path, "wanted.bot-0.wav", 1000)
    for track in ("bot", "person"):
        written(tmp_path, f"deleted.{track}-0.wav", 1000)
    assert remove_abandoned(tmp_path, lambda turn_id: turn_id == "wanted", 600) == 2
    assert list(tmp_path.iterdir()) == [wanted]


def test_sound_that_may_be_live_stays_and_is_not_asked_about(tmp_path):
    live = written(tmp_path, "live.bot-0.wav", 500)
    written(tmp_path, "old.bot-0.wav", 700)
    asked: list[str] = []
    assert remove_abandoned(tmp_path, lambda turn_id: bool(asked.append(turn_id)), 600) == 1
    assert asked == ["old"]
    assert list(tmp_path.iterdir()) == [live]


@pytest.mark.parametrize(
    "name", ["a.b.c.wav", "turn.wav", "turn.bot.wav", "turn.bot-0.mp3", "notes.txt"]
)
def test_what_is_no_sound_of_a_turn_is_not_removed(tmp_path, name):
    foreign = written(tmp_path, name, 1000)
    assert remove_abandoned(tmp_path, nobody, 600) == 0
    assert foreign.exists()


def test_a_file_that_cannot_be_removed_is_told_and_holds_nothing_up(tmp_path, caplog):
    (tmp_path / "a.bot-0.wav").mkdir()
    os.utime(tmp_path / "a.bot-0.wav", (0, 0))
    written(tmp_path, "b.bot-0.wav", 1000)
    assert remove_abandoned(tmp_path, nobody, 600) == 1
    assert "a.bot-0.wav" in caplog.text


def test_a_file_that_is_gone_meanwhile_is_nothing_to_remove(tmp_path):
    (tmp_path / "gone.bot-0.wav").symlink_to(tmp_path / "nowhere")
    assert remove_abandoned(tmp_path, nobody, 0) == 0


def test_no_spool_is_nothing_to_remove(tmp_path):
    assert remove_abandoned(tmp_path / "missing", nobody, 0) == 0
