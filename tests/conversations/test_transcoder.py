"""Recordings become small while nobody waits."""

from __future__ import annotations

import asyncio
import io
import logging
import multiprocessing
import os
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import AsyncIterator
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from django.core.files.storage import FileSystemStorage
from django.db import OperationalError

from accounts.models import Person
from conversations import media, transcoder
from conversations.database import in_database
from conversations.low_priority import LowPriorityProcess
from conversations.models import AudioSegment, Turn
from conversations.small_sound import SmallSound, make_small, peaks_of
from conversations.spool import Spool
from conversations.transcoder import Transcoder
from speech.codecs import AudioError, decode, encode
from tests.speech.recordings import cards
from tests.speech.sounds import loudness, pitch, seconds, tone
from tests.speech.waiting import until

from .kept import keep_conversation, keep_sound, keep_turn

RATE = 24_000
DEADLINE_S = 20
database = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def media_root(settings, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path / "media"
    return settings.MEDIA_ROOT


@pytest.fixture
async def running() -> AsyncIterator[Transcoder]:
    worker = Transcoder()
    yield worker
    await worker.stop()


@pytest.fixture
async def process() -> AsyncIterator[LowPriorityProcess]:
    process = LowPriorityProcess()
    yield process
    await process.end()


def spoken(content: bytes | None = None) -> AudioSegment:
    turn = keep_turn(keep_conversation(Person.objects.create()))
    return keep_sound(turn, content or encode(tone(440, 1.5, RATE), RATE, "wav"))


def a_spoken_turn() -> Turn:
    return keep_turn(keep_conversation(Person.objects.create()))


async def spooled(directory: Path, rate: int, part: int, pcm: bytes) -> bytes:
    spool = Spool(directory, "turn", "person", rate, part)
    await spool.append(pcm)
    file = await spool.close()
    assert file is not None
    return file.path.read_bytes()


def pk_of(segment: AudioSegment) -> uuid.UUID:
    return segment.pk


def files(root: Path) -> list[str]:
    return sorted(path.suffix for path in root.rglob("*") if path.is_file())


async def until_small(segment: AudioSegment) -> AudioSegment:
    async with asyncio.timeout(DEADLINE_S):
        while segment.codec == "wav":
            await in_database(segment.refresh_from_db, fields=["key", "codec", "size", "peaks"])
    return segment


@database
async def test_what_is_left_over_at_the_start_is_made_small(running, media_root):
    segment = await in_database(spoken)
    wav_size = segment.size

    await running.start()
    await until_small(segment)

    content = (media_root / segment.key).read_bytes()
    pcm, rate = decode(content)
    assert (segment.codec, segment.size) == ("mp3", len(content))
    assert segment.key == media.key_for(segment.turn.conversation_id, segment.pk, "mp3")
    assert segment.size < wav_size / 5
    assert len(segment.peaks) == 30
    assert pitch(pcm, rate) == pytest.approx(440, abs=2)
    assert seconds(pcm, rate) == pytest.approx(1.5, abs=0.1)
    await until(lambda: files(media_root) == [".mp3"], DEADLINE_S)


@database
@pytest.mark.parametrize("rate", [8_000, 16_000])
async def test_a_persons_voice_keeps_its_rate_in_every_part(running, media_root, tmp_path, rate):
    turn = await in_database(a_spoken_turn)
    card = cards()[0].pcm(rate)
    halves = card[: len(card) // 4 * 2], card[len(card) // 4 * 2 :]
    segments = [
        await in_database(keep_sound, turn, await spooled(tmp_path, rate, part, half))
        for part, half in enumerate(halves)
    ]

    await running.start()

    for segment, half in zip(segments, halves, strict=True):
        await until_small(segment)
        content = (media_root / segment.key).read_bytes()
        with av.open(io.BytesIO(content)) as file:
            assert (file.format.name, file.streams.audio[0].channels) == ("mp3", 1)
        pcm, found_rate = decode(content)
        assert found_rate == rate
        assert seconds(pcm, rate) == pytest.approx(seconds(half, rate), abs=0.2)
        assert loudness(pcm) == pytest.approx(loudness(half), rel=0.1)
        assert segment.peaks
        assert segment.size < len(half) / 3


@database
async def test_it_can_be_woken(running):
    await running.start()
    for _ in range(2):
        segment = await in_database(spoken)
        running.wake()
        assert (await until_small(segment)).codec == "mp3"


@database
async def test_it_looks_by_itself_now_and_then():
    polling = Transcoder(poll_s=0.05)
    await polling.start()
    segment = await in_database(spoken)
    assert (await until_small(segment)).codec == "mp3"
    await polling.stop()


@database
async def test_an_idle_worker_process_is_not_kept():
    polling = Transcoder(poll_s=0.05)
    await polling.start()
    await until_small(await in_database(spoken))
    await until(lambda: not multiprocessing.active_children(), DEADLINE_S)
    await polling.stop()


@database
async def test_a_damaged_file_stays_and_is_tried_once(running, media_root, caplog):
    damaged = await in_database(spoken, b"RIFF, or so it says")
    await running.start()
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            segment = await in_database(spoken)
            running.wake()
            await until_small(segment)

    await in_database(damaged.refresh_from_db)
    assert damaged.codec == "wav"
    assert (media_root / damaged.key).read_bytes() == b"RIFF, or so it says"
    assert caplog.text.count("stays a WAV") == 1
    assert str(damaged.pk) in caplog.text


@database
async def test_a_file_that_is_missing_here_holds_nothing_up(running):
    missing = await in_database(spoken)
    media.delete(missing.key)
    segment = await in_database(spoken)
    await running.start()
    assert (await until_small(segment)).codec == "mp3"
    await in_database(missing.refresh_from_db)
    assert missing.codec == "wav"


@database
async def test_a_very_large_file_is_left_alone(running, monkeypatch):
    monkeypatch.setattr(transcoder, "LARGEST_BYTES", 50_000)
    large = await in_database(spoken)
    small = await in_database(spoken, encode(tone(440, 0.5, RATE), RATE, "wav"))
    await running.start()
    await until_small(small)
    await in_database(large.refresh_from_db)
    assert large.codec == "wav"


@database
async def test_a_worker_that_was_killed_is_replaced(running):
    await running.start()
    running.wake()
    await until_small(await in_database(spoken))
    (worker,) = multiprocessing.active_children()
    worker.kill()
    worker.join()

    segment = await in_database(spoken)
    running.wake()

    assert (await until_small(segment)).codec == "mp3"


@database
async def test_it_goes_on_after_the_database_failed(running, monkeypatch, caplog):
    async def fails(*args: object) -> None:
        raise ConnectionError

    segment = await in_database(spoken)
    with monkeypatch.context() as broken:
        broken.setattr(transcoder, "in_database", fails)
        await running.start()
        await until(lambda: "tried again" in caplog.text, DEADLINE_S)

    running.wake()
    assert (await until_small(segment)).codec == "mp3"


@database
@pytest.mark.parametrize("fault", [OSError("no room"), ValueError("a surprise")])
async def test_a_file_that_raises_holds_nothing_up_and_is_tried_again(
    running, monkeypatch, caplog, fault
):
    first, second = sorted([await in_database(spoken), await in_database(spoken)], key=pk_of)
    write = transcoder._write

    def fails(segment: AudioSegment, small: SmallSound) -> str:
        if segment.pk == first.pk:
            raise fault
        return write(segment, small)

    with monkeypatch.context() as broken:
        broken.setattr(transcoder, "_write", fails)
        await running.start()
        await until_small(second)
    assert f"segment {first.pk} could not be made small" in caplog.text

    running.wake()
    assert (await until_small(first)).codec == "mp3"


@database
async def test_sound_files_are_not_read_or_written_where_turns_wait(running, monkeypatch):
    threads: list[str] = []

    class Watched(FileSystemStorage):
        def _open(self, *args: Any) -> Any:
            threads.append(f"open in {threading.current_thread().name}")
            return super()._open(*args)

        def _save(self, *args: Any) -> Any:
            threads.append(f"save in {threading.current_thread().name}")
            return super()._save(*args)

        def delete(self, *args: Any) -> None:
            threads.append(f"delete in {threading.current_thread().name}")
            super().delete(*args)

    segment = await in_database(spoken)
    monkeypatch.setattr(media, "storage", Watched)
    await running.start()
    await until_small(segment)
    await until(lambda: len(threads) == 3, DEADLINE_S)

    assert [thread.split()[0] for thread in threads] == ["open", "save", "delete"]
    assert not [thread for thread in threads if "database" in thread or "MainThread" in thread]


@database
async def test_a_file_that_is_being_replaced_at_the_stop_is_replaced(monkeypatch, media_root):
    stopped = Transcoder()
    segment = await in_database(spoken)
    writing, go_on = threading.Event(), threading.Event()
    write = transcoder._write

    def held_up(segment: AudioSegment, small: SmallSound) -> str:
        writing.set()
        assert go_on.wait(DEADLINE_S)
        return write(segment, small)

    monkeypatch.setattr(transcoder, "_write", held_up)
    await stopped.start()
    await asyncio.to_thread(writing.wait, DEADLINE_S)
    stopping = asyncio.create_task(stopped.stop())
    await asyncio.sleep(0)
    go_on.set()
    await stopping

    await in_database(segment.refresh_from_db)
    assert segment.codec == "mp3"
    assert files(media_root) == [".mp3"]


@database
@pytest.mark.parametrize("is_committed", [False, True])
async def test_after_a_broken_connection_the_row_tells_which_file_is_kept(
    monkeypatch, media_root, is_committed
):
    segment = await in_database(spoken)
    point_to = transcoder._point_to

    def breaks(*args: Any) -> None:
        if is_committed:
            point_to(*args)
        raise OperationalError

    monkeypatch.setattr(transcoder, "_point_to", breaks)
    with pytest.raises(OperationalError):
        await transcoder._replace(segment, SmallSound(b"mp3", [1]))

    await in_database(segment.refresh_from_db)
    assert segment.codec == ("mp3" if is_committed else "wav")
    assert files(media_root) == [f".{segment.codec}"]


@database
async def test_a_segment_deleted_meanwhile_leaves_no_file(media_root):
    segment = await in_database(spoken)
    await in_database(AudioSegment.objects.all().delete)
    await transcoder._replace(segment, SmallSound(b"mp3", [1]))
    assert files(media_root) == []


@database
async def test_a_segment_done_by_another_instance_is_done_once(media_root):
    segment = await in_database(spoken)
    await transcoder._replace(segment, SmallSound(b"mp3", [1]))
    await transcoder._replace(segment, SmallSound(b"later", [2]))

    await in_database(segment.refresh_from_db)
    assert segment.peaks == [1]
    assert (media_root / segment.key).read_bytes() == b"mp3"
    assert files(media_root) == [".mp3"]


@database
def test_a_long_list_is_worked_off_in_batches(monkeypatch):
    monkeypatch.setattr(transcoder, "BATCH", 2)
    for _ in range(3):
        spoken(b"sound")
    first = transcoder._waiting(uuid.UUID(int=0))
    rest = transcoder._waiting(first[-1].pk)
    assert (len(first), len(rest), len(transcoder._waiting(rest[-1].pk))) == (2, 1, 0)


async def test_the_worker_is_polite_and_knows_no_django(process):
    await process.run(make_small, encode(tone(440, 0.2, RATE), RATE, "wav"))
    assert await process.run(os.nice, 0) == 19
    assert not await process.run(eval, "'django' in __import__('sys').modules")


async def test_the_worker_ends_in_the_middle_of_its_work(process):
    await process.run(os.getpid)
    (child,) = multiprocessing.active_children()
    asked = asyncio.create_task(process.run(time.sleep, 600))
    await asyncio.sleep(0)
    await process.end()
    with pytest.raises((BrokenProcessPool, asyncio.CancelledError)):
        await asked
    await until(lambda: not child.is_alive(), DEADLINE_S)


def test_the_worker_does_not_outlive_a_killed_server():
    script = (
        "import asyncio, os\n"
        "from conversations.low_priority import LowPriorityProcess\n"
        "async def main():\n"
        "    await LowPriorityProcess().run(os.getpid)\n"
        "    print('started', flush=True)\n"
        "    await asyncio.Event().wait()\n"
        "if __name__ == '__main__':\n"
        "    asyncio.run(main())\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == b"started\n"
        server.kill()
        assert server.stdout.read() == b""  # ends when the last process that holds it has ended


@pytest.mark.parametrize("content", [b"", b"no sound", encode(b"", RATE, "wav")[:30]])
def test_what_is_no_sound_is_an_error(content):
    with pytest.raises(AudioError):
        make_small(content)


@pytest.mark.parametrize(
    ("duration_s", "count"), [(0, 0), (0.01, 1), (1, 20), (10.5, 210), (50, 1000), (120, 1000)]
)
def test_there_are_twenty_peaks_a_second_and_a_thousand_at_most(duration_s, count):
    assert len(peaks_of(bytes(round(duration_s * RATE) * 2), RATE)) == count


def test_a_peak_is_the_loudest_sample_of_its_stretch():
    samples = np.zeros(RATE, dtype="<i2")
    samples[0] = 16_384
    samples[RATE // 2] = -32_768
    samples[-1] = 32_767
    peaks = peaks_of(samples.tobytes(), RATE)
    assert (peaks[0], peaks[10], peaks[19]) == (128, 255, 255)
    assert sum(peaks) == 128 + 255 + 255
