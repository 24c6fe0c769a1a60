"""espeak-ng as a C library: one global state per process, one thread that may touch it.

The calls follow ``speak_lib.h`` of espeak-ng 1.52. Jobs wait in a priority queue in front of the
thread. The thread never waits for a consumer: when a job's buffer is full, its synthesis is
broken off, and goes on later by synthesising again and dropping what was already delivered (which
is cheap at 1000 x real time, and may click faintly, since espeak varies by some samples).
"""

import asyncio
import atexit
import ctypes
import heapq
import itertools
import logging
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Final

import espeakng_loader

from speech.tts.engine import TTSError, Voice

log = logging.getLogger(__name__)

BUFFER_BYTES: Final = 512 * 1024
"""Audio a job holds before its synthesis is broken off: 11.9 s at 22 050 Hz."""

_WAKE_BYTES: Final = 16 * 1024  # after the first audio, the loop is woken once per 370 ms of it
_BUFFER_MS: Final = 40  # what espeak collects before each callback; it makes 60 ms of it
_NORMAL_WPM: Final = 175  # espeakRATE_NORMAL
_OUTPUT_SYNCHRONOUS: Final = 2
_DONT_EXIT: Final = 0x8000  # espeakINITIALIZE_DONT_EXIT
_RATE_PARAMETER: Final = 1  # espeakRATE
_CHARS_UTF8: Final = 1  # and neither espeakSSML (0x10) nor espeakPHONEMES (0x100)
_END_PAUSE: Final = 0x1000  # sentences are played back to back
_GO_ON, _STOP = 0, 1

_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
)


class _EspeakVoice(ctypes.Structure):
    _fields_ = [
        ("name", ctypes.c_char_p),
        ("languages", ctypes.c_void_p),
        ("identifier", ctypes.c_char_p),
        ("gender", ctypes.c_ubyte),
        ("age", ctypes.c_ubyte),
        ("variant", ctypes.c_ubyte),
        ("xx1", ctypes.c_ubyte),
        ("score", ctypes.c_int),
        ("spare", ctypes.c_void_p),
    ]


@dataclass(eq=False, slots=True)
class Job:
    """One text on its way through the thread, and the audio it has become so far."""

    text: bytes  # UTF-8
    identifier: str  # espeak's name of the voice
    speed: float
    priority: int
    wake: Callable[[], None]  # called in the thread; the consumer should look at the job
    cancelled: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _audio: bytearray = field(default_factory=bytearray)
    _delivered: int = 0  # bytes put into the buffer, ever
    _position: int = 0  # bytes synthesised in this attempt
    _woken: bool = False
    _paused: bool = False  # the buffer is full and the job in no queue
    _broken_off: bool = False  # in this attempt; the thread's own, unlike _paused
    _ended: bool = False
    _failure: str = ""

    def take(self, nbytes: int) -> tuple[bytes, bool, bool]:
        """Up to ``nbytes`` of audio; whether that was all there ever is; whether to resubmit.

        Raises ``TTSError`` once the audio before a failure is taken.
        """
        with self._lock:
            taken = bytes(self._audio[:nbytes])
            del self._audio[:nbytes]
            self._woken = False
            if not taken and self._failure:
                raise TTSError(self._failure)
            resubmit = self._paused and len(self._audio) < BUFFER_BYTES // 2
            if resubmit:
                self._paused = False
            return taken, self._ended and not self._audio and not self._failure, resubmit

    def begin(self) -> None:
        self._position, self._broken_off = 0, False

    def put(self, audio: bytes) -> bool:
        """Add what espeak made; False when it should stop."""
        with self._lock:
            if self.cancelled or self._broken_off:
                return False
            fresh = self._position + len(audio) - self._delivered
            self._position += len(audio)
            if fresh <= 0:
                return True
            self._audio += audio[-fresh:]
            self._delivered += fresh
            self._paused = self._broken_off = len(self._audio) >= BUFFER_BYTES
            wake = not self._woken and (
                self._delivered == fresh or self._paused or len(self._audio) >= _WAKE_BYTES
            )
            self._woken |= wake
            go_on = not self._broken_off
        if wake:
            self._wake_up()
        return go_on

    def end(self, failure: str = "") -> None:
        with self._lock:
            # Not _paused: the consumer may have made room again meanwhile.
            if self._broken_off:
                return
            self._ended, self._failure = True, failure
        self._wake_up()

    def _wake_up(self) -> None:
        try:
            self.wake()
        except RuntimeError:  # the consumer's loop is closed
            self.cancelled = True


class Library:
    """The library and its thread. One per process: ``library()``."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        self._declare()
        data = espeakng_loader.get_data_path().encode()
        self.rate: int = self._library.espeak_Initialize(
            _OUTPUT_SYNCHRONOUS, _BUFFER_MS, data, _DONT_EXIT
        )
        if self.rate <= 0:
            raise TTSError(f"espeak-ng does not start with the data in {data.decode()}")
        self._callback = _Callback(self._on_audio)  # kept: C holds no reference
        self._library.espeak_SetSynthCallback(self._callback)
        self.identifiers, self.voices = self._list_voices()
        self._ready = threading.Condition()
        self._jobs: list[tuple[int, int, Job]] = []
        self._sequence = itertools.count()
        self._stopping = False
        self._current: Job | None = None
        self._set_voice = ""
        self._thread = threading.Thread(target=self._run, name="espeak", daemon=True)
        self._thread.start()
        # A daemon thread inside C must be out of it before the interpreter goes.
        atexit.register(self._stop)

    def submit(self, job: Job) -> None:
        """Queue a job, behind those of the same or a lower priority number."""
        with self._ready:
            heapq.heappush(self._jobs, (job.priority, next(self._sequence), job))
            self._ready.notify()

    def _declare(self) -> None:
        library = self._library
        library.espeak_Initialize.argtypes = [
            ctypes.c_int,
            ctypes.c_int,
            ctypes.c_char_p,
            ctypes.c_int,
        ]
        library.espeak_SetSynthCallback.argtypes = [_Callback]
        library.espeak_SetSynthCallback.restype = None
        library.espeak_SetVoiceByName.argtypes = [ctypes.c_char_p]
        library.espeak_SetParameter.argtypes = [ctypes.c_int] * 3
        library.espeak_ListVoices.argtypes = [ctypes.c_void_p]
        library.espeak_ListVoices.restype = ctypes.POINTER(ctypes.POINTER(_EspeakVoice))
        library.espeak_Synth.argtypes = [
            ctypes.c_char_p,  # text
            ctypes.c_size_t,  # its size with the NUL
            ctypes.c_uint,  # position
            ctypes.c_int,  # position type
            ctypes.c_uint,  # end position
            ctypes.c_uint,  # flags
            ctypes.c_void_p,  # unique identifier
            ctypes.c_void_p,  # user data
        ]

    def _list_voices(self) -> tuple[dict[str, str], list[Voice]]:
        """espeak's identifiers by voice id, and the voices."""
        identifiers: dict[str, str] = {}
        voices = []
        listed = self._library.espeak_ListVoices(None)
        for index in itertools.count():
            if not listed[index]:
                break
            entry = listed[index].contents
            identifier = entry.identifier.decode()
            # Its languages are a priority byte and a C string each; the first is its own.
            language = ctypes.string_at(entry.languages + 1).decode().lower()
            if not _has_data(identifier, language):
                continue
            voice_id = f"espeak:{language}"
            if voice_id not in identifiers:
                identifiers[voice_id] = identifier
                voices.append(Voice(voice_id, entry.name.decode(), language, "espeak"))
        return identifiers, voices

    def _run(self) -> None:
        while True:
            with self._ready:
                while not self._jobs and not self._stopping:
                    self._ready.wait()
                if self._stopping:
                    return
                job = heapq.heappop(self._jobs)[2]
            if job.cancelled:
                continue
            try:
                self._synthesize(job)
            except Exception as error:  # one job's trouble must not end the thread
                log.exception("espeak-ng")
                self._set_voice = ""
                job.begin()
                job.end(f"espeak-ng: {error}")

    def _synthesize(self, job: Job) -> None:
        if job.identifier != self._set_voice:  # 0.1-5 ms
            if self._library.espeak_SetVoiceByName(job.identifier.encode()) != 0:
                self._set_voice = ""
                job.end(f"espeak-ng cannot load its voice {job.identifier}")
                return
            self._set_voice = job.identifier
        self._library.espeak_SetParameter(_RATE_PARAMETER, round(_NORMAL_WPM * job.speed), 0)
        job.begin()
        self._current = job
        status = self._library.espeak_Synth(
            job.text, len(job.text) + 1, 0, 0, 0, _CHARS_UTF8 | _END_PAUSE, None, None
        )
        self._current = None
        job.end("" if status == 0 else f"espeak-ng failed with status {status}")

    def _on_audio(
        self, samples: "ctypes._Pointer[ctypes.c_short]", count: int, _events: int
    ) -> int:
        job = self._current
        if job is None or job.cancelled or self._stopping:
            return _STOP
        if not samples or count <= 0:
            return _GO_ON
        return _GO_ON if job.put(ctypes.string_at(samples, count * 2)) else _STOP

    def _stop(self) -> None:
        with self._ready:
            self._stopping = True
            self._ready.notify()
        self._thread.join(timeout=2)


def _has_data(identifier: str, language: str) -> bool:
    """Whether the wheel has what the voice needs: it lists some without their dictionary."""
    data = Path(espeakng_loader.get_data_path())
    try:
        definition = (data / "lang" / identifier).read_text(encoding="utf-8", errors="replace")
    except OSError:  # MBROLA's ("mb/...") need recordings that are not there
        return False
    named = re.search(r"^\s*dictionary\s+(\S+)", definition, re.MULTILINE)
    dictionary = named[1] if named else language.split("-", maxsplit=1)[0]
    return (data / f"{dictionary}_dict").exists()


@cache
def library() -> Library:
    """The one library of this process, loaded (5 ms) when first asked for."""
    return Library()


def wake_of(event: asyncio.Event) -> Callable[[], None]:
    """A function that sets ``event`` of the running loop from any thread."""
    loop = asyncio.get_running_loop()

    def wake() -> None:
        loop.call_soon_threadsafe(event.set)

    return wake
