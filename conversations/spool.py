"""The sound of a turn while it is live: WAV files, written off the event loop.

Each track of a turn has one or more parts: a reply that paused and went on lies in two places of
the call's timeline. A file is named ``{turn}.{track}-{part}.wav``.

The file starts with a header that claims all the rest of the file as sound, so that what a crash
leaves behind can be played and is mended by ``recover``. Layout: RIFF/WAVE, one ``fmt`` chunk of
PCM (Microsoft, "Multimedia Programming Interface and Data Specifications 1.0"), one ``data`` chunk.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import os
import re
import struct
import time
import uuid
from collections.abc import Callable, Container, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from speech.pcm import SAMPLE_BYTES, duration_ms, nbytes

log = logging.getLogger(__name__)

# Sound is written in pieces of this size: 1.4 s at 24 kHz.
WRITE_BYTES = 64 * 1024
# One thread keeps the writes of a file in order; it also keeps a slow disk from all other threads.
_WRITER = ThreadPoolExecutor(max_workers=1, thread_name_prefix="spool")

_HEADER = struct.Struct("<4sI4s 4sIHHIIHH 4sI")
_TO_THE_END = 0xFFFF_FFFF
_NAME = re.compile(r"(?P<turn>[^.]+)\.(?P<track>[a-z]+)-(?P<part>[0-9]{1,9})\.wav", re.ASCII)


class SpoolError(Exception):
    """The disk does not take the sound: it is full, read-only or gone."""


@dataclass(frozen=True, slots=True)
class SpoolFile:
    """A finished WAV in the spool: S16LE mono at ``rate`` Hz, ``size`` bytes with its header."""

    path: Path
    turn_id: str
    track: str
    part: int
    rate: int
    duration_ms: int
    size: int


class _Place(NamedTuple):
    turn_id: str
    track: str
    part: int

    @property
    def name(self) -> str:
        return f"{self.turn_id}.{self.track}-{self.part}.wav"

    @classmethod
    def of(cls, path: Path) -> _Place:
        """What the name of a file says. Raises ValueError if it is none of the spool's."""
        match = _NAME.fullmatch(path.name)
        if match is None:
            raise ValueError("no name of a file of the spool")
        return cls(match["turn"], match["track"], int(match["part"]))


class Spool:
    """Collects one part of one track of a turn. One task at a time uses it.

    When the disk refuses, ``append`` or ``close`` raises ``SpoolError`` once. From then on appending
    does nothing, and ``close`` gives what was written before.
    """

    def __init__(self, directory: Path, turn_id: str, track: str, rate: int, part: int = 0) -> None:
        """Touches no disk yet. ``rate`` in Hz; parts are counted from 0."""
        self._place = _Place(turn_id, track, part)
        self._path = directory / self._place.name
        self._rate = rate
        self._buffer = bytearray()
        self._written = 0
        self._file: int | None = None
        self._error: OSError | None = None
        self._reported = False
        self._finished: SpoolFile | None = None

    async def append(self, pcm: bytes) -> None:
        """Add S16LE mono samples, which may be cut anywhere. Raises ``SpoolError``."""
        if self._error is not None:
            return
        self._buffer += pcm
        if len(self._buffer) >= WRITE_BYTES:
            await _in_thread(self._write)
            self._report()

    async def close(self, keep_ms: float | None = None) -> SpoolFile | None:
        """Finish the file, with the first ``keep_ms`` of its sound (None: all).

        Returns None, and leaves no file, where that is no sound. A file that is finished stays as
        it is. Raises ``SpoolError``.
        """
        keep = None if keep_ms is None else max(0, nbytes(keep_ms, self._rate))
        if keep is not None:
            del self._buffer[max(0, keep - self._written) :]
        await _in_thread(functools.partial(self._end, keep))
        self._report()
        return self._finished

    def _report(self) -> None:
        if self._error is not None and not self._reported:
            self._reported = True
            raise SpoolError(str(self._error)) from self._error

    def _write(self) -> None:
        waiting = bytes(self._buffer)
        self._buffer.clear()
        if self._error is not None or not waiting:
            return
        try:
            if self._file is None:
                self._file = _create(self._path)
                _write_all(self._file, _header(self._rate, _TO_THE_END))
            _write_all(self._file, waiting)
            self._written += len(waiting)
        except OSError as error:
            self._error = error

    def _end(self, keep: int | None) -> None:
        self._write()
        if self._error is None or self._reported:
            self._finish(keep)

    def _finish(self, keep: int | None) -> None:
        if self._file is None:
            return
        try:
            self._finished = _mend(self._file, self._path, self._place, self._rate, keep)
        except OSError as error:
            # What was written before is whole; only its header could not be mended.
            log.warning("%s could not be finished: %s", self._path.name, error)
        finally:
            descriptor, self._file = self._file, None
            try:
                os.close(descriptor)
            except OSError as error:  # a network's disk tells here what it did not take
                self._error = error
        if self._finished is None:
            _remove(self._path)


def recover(directory: Path, turn_id: str | None = None) -> Iterator[SpoolFile]:
    """Mend and yield what a crashed process left of a turn, or of all; mind those still live.

    The parts of a track come in their order. Files without sound are removed. One that cannot be
    read is logged and left.
    """
    # Shorter names first: part 2 comes before part 10.
    found = directory.glob(f"{turn_id or '*'}.*.wav")
    for path in sorted(found, key=lambda path: (len(path.name), path.name)):
        try:
            file = _recover(path)
        except (OSError, ValueError) as error:
            log.warning("%s in the spool cannot be recovered: %s", path.name, error)
        else:
            if file is not None:
                yield file


def remove_abandoned(directory: Path, keep: Callable[[str], bool], older_than_s: float) -> int:
    """Remove the files of turns that ``keep`` says no to by their id; returns how many went.

    That is the sound of greetings never answered and of conversations deleted meanwhile. Files
    written in the last ``older_than_s`` seconds stay, unasked: they may be live, here or elsewhere.
    """
    removed = 0
    written_before = time.time() - older_than_s
    for path in sorted(directory.glob("*.*.wav")):
        try:
            place = _Place.of(path)
        except ValueError:
            continue  # not ours
        if _was_written_before(path, written_before) and not keep(place.turn_id):
            removed += _remove(path)
    return removed


def turns_in(directory: Path, older_than_s: float) -> list[str]:
    """The ids of turns whose files nobody has written to in the last ``older_than_s`` seconds."""
    written_before = time.time() - older_than_s
    old: dict[str, bool] = {}
    for path in sorted(directory.glob("*.*.wav")):
        try:
            turn = uuid.UUID(_Place.of(path).turn_id)
        except ValueError:
            continue  # not ours, or of no turn
        old[str(turn)] = old.get(str(turn), True) and _was_written_before(path, written_before)
    return [turn for turn, is_old in old.items() if is_old]


def forget(directory: Path, turn_ids: Container[uuid.UUID]) -> None:
    """Remove what there is of these turns, live or not."""
    for path in directory.glob("*.*.wav"):
        try:
            turn_id = uuid.UUID(_Place.of(path).turn_id)
        except ValueError:
            continue  # not ours, or of no turn
        if turn_id in turn_ids:
            _remove(path)


def _was_written_before(path: Path, time_s: float) -> bool:
    try:
        return path.stat().st_mtime < time_s
    except OSError:
        return False  # gone meanwhile


def _remove(path: Path) -> bool:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        log.warning("%s could not be removed: %s", path.name, error)
        return False
    return True


def _recover(path: Path) -> SpoolFile | None:
    place = _Place.of(path)
    descriptor = os.open(path, os.O_RDWR)
    try:
        header = os.pread(descriptor, _HEADER.size, 0)
        rate = _rate_of(header) if len(header) == _HEADER.size else 0
        file = _mend(descriptor, path, place, rate) if rate else None
    finally:
        os.close(descriptor)
    if file is None:
        path.unlink()
    return file


def _mend(
    descriptor: int, path: Path, place: _Place, rate: int, keep: int | None = None
) -> SpoolFile | None:
    """Make the header tell the true size; None if there is not one sample.

    ``keep``: cut the sound to so many bytes.
    """
    sound = os.fstat(descriptor).st_size - _HEADER.size
    if keep is not None:
        sound = min(sound, keep)
    sound -= sound % SAMPLE_BYTES  # the disk may have taken half of one
    if sound <= 0:
        return None
    size = _HEADER.size + sound
    os.ftruncate(descriptor, size)
    os.pwrite(descriptor, _header(rate, sound), 0)
    lasts_ms = round(duration_ms(sound, rate))
    return SpoolFile(path, place.turn_id, place.track, place.part, rate, lasts_ms, size)


def _create(path: Path) -> int:
    path.parent.mkdir(0o700, parents=True, exist_ok=True)
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)


def _write_all(descriptor: int, data: bytes) -> None:
    # A disk that is nearly full takes part of the data, and refuses only the rest.
    left = memoryview(data)
    while left:
        left = left[os.write(descriptor, left) :]


def _header(rate: int, sound: int) -> bytes:
    riff = min(sound + _HEADER.size - 8, _TO_THE_END)
    byte_rate = rate * SAMPLE_BYTES
    return _HEADER.pack(
        b"RIFF", riff, b"WAVE",
        b"fmt ", 16, 1, 1, rate, byte_rate, SAMPLE_BYTES, 8 * SAMPLE_BYTES,
        b"data", min(sound, _TO_THE_END),
    )  # fmt: skip


def _rate_of(header: bytes) -> int:
    riff, _, wave, *_, rate, _, _, _, data, _ = _HEADER.unpack(header)
    if (riff, wave, data) != (b"RIFF", b"WAVE", b"data") or not rate:
        raise ValueError("not a file of the spool")
    return int(rate)


async def _in_thread(work: Callable[[], None]) -> None:
    # Shielded: what was begun keeps its place in the order of writes if the caller is cancelled.
    await asyncio.shield(asyncio.get_running_loop().run_in_executor(_WRITER, work))
