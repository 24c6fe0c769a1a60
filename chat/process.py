"""What one server process has once, for all its sockets; started with the server."""

from __future__ import annotations

import asyncio
import functools
import gc
import logging
import sys
import time
import uuid
import weakref
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from django.conf import settings

from accounts.api_keys.usage import Usage
from conversations.database import in_database
from conversations.retention.background import Retention
from conversations.stored import StoredTurn
from conversations.transcoder import Transcoder
from conversations.uploader import Uploader
from feed.hub import hub
from feed.limits.counters import Counters
from feed.limits.refusals import Refusals
from speech.stt.build import build_recogniser
from speech.stt.engine import STTError
from speech.tts.chain import Chain, build_chain
from speech.vad import SileroVad, VadMissing

from .draining import Draining
from .leases import Leases
from .limits.limiter import Limiter
from .limits.settings import limit_settings
from .load import Load
from .messages import TurnChanged
from .metrics import REFUSED
from .revocation import revoked
from .sharing import share
from .streams import Streams
from .sweeper import Sweeper
from .tasks import Tasks
from .unwritten import End, Unwritten

if TYPE_CHECKING:
    from .runner import Runner

log = logging.getLogger(__name__)

# How long a thread that computes keeps the interpreter's lock from the others.
SWITCH_S = 0.0005
# How long replies that still run may take to write their end when the server stops.
FINISH_S = 5.0


class Process:
    """The voices, the recogniser, the transcoder, the sweeper, and the calls that outlive their sockets."""

    def __init__(self) -> None:
        self.instance = uuid.uuid4().hex
        self.spool_directory = settings.VOICECHAT_DATA_DIR / "spool"
        self.voices: Chain = build_chain(
            settings.VOICECHAT_TTS, options=settings.VOICECHAT_TTS_OPTIONS
        )
        # None: voice input is switched off.
        self.recogniser = build_recogniser(settings.VOICECHAT_STT, settings.VOICECHAT_STT_OPTIONS)
        self.transcoder = Transcoder()
        self.uploader = Uploader(self.spool_directory, self._tell_of_sound)
        self.retention = Retention()
        self.load = Load()
        self.counters = Counters(settings.VOICECHAT_REDIS_URL)
        self.refused_keys = Refusals(
            self.counters.rates,
            settings.VOICECHAT_RATE_LIMITS["refused_keys", "address"],
            REFUSED.labels("refused_keys_address").inc,
        )
        self.key_usage = Usage(in_database)
        self.limiter = Limiter(limit_settings(), self.counters, self.key_usage)
        self.leases = Leases(self.instance)
        self.streams = Streams(self.instance)
        self.unwritten = Unwritten(self.spool_directory, self._written)
        self.draining = Draining(self)
        self._calls: set[asyncio.Task[None]] = set()
        self._aside: set[asyncio.Task[None]] = set()
        self._starting: asyncio.Task[None] | None = None
        self._background = Tasks()
        self.runners: weakref.WeakSet[Runner] = weakref.WeakSet()

    async def start(self) -> None:
        """Start what runs in the background; later calls wait for the first one."""
        if self._starting is None:
            self._starting = asyncio.create_task(self._start())
        starting = self._starting
        try:
            await asyncio.shield(starting)
        except Exception:
            if self._starting is starting:
                self._starting = None  # the next caller tries again
            raise

    async def _start(self) -> None:
        self.spool_directory.mkdir(parents=True, exist_ok=True)
        await self.voices.start()
        await self._prepare_to_listen()
        await self.transcoder.start()
        await self.uploader.start()
        sys.setswitchinterval(SWITCH_S)
        # What is loaded now stays. Looking through it again holds the loop for 80 ms each time.
        gc.collect()
        gc.freeze()
        sweeper = Sweeper(
            self.instance, self.spool_directory, self._calls_going_on, self._replies_held
        )
        for name, work in {
            "load": self.load.watch(),
            "limits": self.limiter.work(lambda: tuple(self.runners)),
            "leases": self.leases.work(),
            "streams": self.streams.work(),
            "unwritten": self.unwritten.work(),
            "sweeper": sweeper.work(),
            "revoker": self._revoke(),
        }.items():
            self._background.start(name, work)
        self.retention.start()

    async def _prepare_to_listen(self) -> None:
        """So that the first person waits for nothing. Who cannot be understood can still type."""
        if self.recogniser is None:
            return
        try:
            await self.recogniser.start()
            await asyncio.to_thread(SileroVad)
        except (STTError, VadMissing) as error:
            log.error("there is no voice input: %s", error)
            self.recogniser = None

    async def stop(self) -> None:
        """Give running calls, and what is held aside for them, a moment to write their end; then stop."""
        if finishing := self._calls | self._aside:
            await asyncio.wait(finishing, timeout=FINISH_S)
        await self.unwritten.settle()
        await self._background.stop_all()
        running = [*self._calls, *self._aside]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await hub().stop()
        await self.retention.stop()
        await self.uploader.stop()
        await self.transcoder.stop()
        await self.voices.stop()
        if self.recogniser is not None:
            await self.recogniser.aclose()
        await self.key_usage.stop()
        await self.counters.aclose()
        self._starting = None

    def understands(self, language: str) -> bool:
        """Whether what people say in it (BCP 47) can be understood here."""
        return self.recogniser is not None and self.recogniser.understands(language)

    def has_room(self) -> bool:
        """Whether one more call can be taken without harm to the others."""
        return self.load.has_room(len(self._calls), time.monotonic())

    @property
    def replies_in_progress(self) -> int:
        """How many are being written or spoken."""
        return sum(runner.replies_in_progress for runner in self.runners)

    @property
    def listens_in_time(self) -> bool:
        """Whether somebody who can only speak would be understood soon."""
        return self.recogniser is None or not self.recogniser.crowded

    @property
    def calls(self) -> tuple[asyncio.Task[None], ...]:
        """The calls that go on, some without a socket."""
        return tuple(self._calls)

    def hold_aside(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run something that is no call and that nobody else holds."""
        task = asyncio.create_task(work)
        self._aside.add(task)
        task.add_done_callback(self._aside.discard)
        return task

    def hold(self, call: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run a call to its end, even after its socket has gone."""
        task = asyncio.create_task(call)
        self._calls.add(task)
        task.add_done_callback(self._calls.discard)
        return task

    async def _revoke(self) -> None:
        """Close the sockets of sessions that were logged out, on whichever instance."""
        async for mark in revoked():
            for runner in [runner for runner in self.runners if runner.visitor.mark == mark]:
                # One socket that hangs must not keep the others open.
                self.hold_aside(runner.revoke())

    def _replies_held(self) -> list[str]:
        return [*self.leases.replies, *self.unwritten.replies]

    async def _tell_of_sound(self, conversation: str, turn: StoredTurn) -> None:
        """Sound that was uploaded can be heard, and made small."""
        self.transcoder.wake()
        await share(conversation, self.instance, TurnChanged(turn, turn.rev))

    async def _written(self, end: End, turns: tuple[StoredTurn, ...]) -> None:
        """The end of a reply is in the database at last: its followers have not been told."""
        for turn in turns:
            await share(end.call.conversation, self.instance, TurnChanged(turn, turn.rev))
        if end.recordings:
            self.transcoder.wake()

    def _calls_going_on(self) -> list[str]:
        calls = [runner.call_going_on for runner in self.runners]
        return [call for call in calls if call is not None]


@functools.cache
def process() -> Process:
    return Process()
