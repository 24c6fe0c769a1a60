"""Decoders in processes of their own: each is leased to one utterance at a time.

The first process is started with the server, others when somebody would have to wait, up to a
limit. Who finds none free waits in line. A process that dies, or answers nothing for long, is
replaced when it is needed.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from asyncio.subprocess import PIPE, Process
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import Final, Protocol

from speech.stt.engine import STTError
from speech.stt.pocketsphinx_worker import (
    AUDIO,
    BEGIN,
    DONE,
    END,
    ENDED,
    HEADER,
    HEARD,
    READY,
    REPORT_MS,
    TELL,
    TOLD,
    frame,
)

log = logging.getLogger(__name__)

STALL_S: Final = 20.0
"""Without the answer that is due, after which a process counts as hung. A busy machine takes 1 s."""

_START_S: Final = 60.0
_REPORT_BYTES: Final = REPORT_MS * 32
_WORKER: Final = Path(__file__).with_name("pocketsphinx_worker.py")


class Tenant(Protocol):
    """An utterance that wants a decoder."""

    def granted(self, decoder: Decoder) -> None:
        """It is yours until you give it back or it is lost."""

    def heard(self, done: int, text: str, *, told: bool) -> None:
        """``done`` more bytes are decoded. ``told``: this answers the oldest ``tell``."""

    def lost(self) -> None:
        """The process has died. Ask for another one, or give up."""

    def failed(self, reason: str) -> None:
        """There is no process, and none can be started."""

    def ended(self, mean: str) -> None:
        """After it was given back: the cepstral mean of the speaker."""


class Decoder:
    """One process, seen from the server."""

    def __init__(self, stall_s: float) -> None:
        self.tenant: Tenant | None = None
        self.unreported = 0
        """Bytes of audio that were sent and are not known to be decoded."""
        self._stall_s = stall_s
        self._process: Process | None = None
        self._overdue: asyncio.TimerHandle | None = None

    @property
    def pid(self) -> int | None:
        """Of the process; None until there is one."""
        return None if self._process is None else self._process.pid

    def begin(self, mean: str) -> None:
        """An utterance begins; ``mean`` is its speaker's, "" if not known."""
        self._send(BEGIN, mean.encode())

    def hear(self, pcm: bytes) -> None:
        self.unreported += len(pcm)
        self._send(AUDIO, pcm)
        if self.unreported >= _REPORT_BYTES:
            self._expect()

    def tell(self) -> None:
        self._send(TELL)
        self._expect()

    def end(self) -> None:
        self._send(END)
        self._expect()

    async def start(self) -> None:
        """Start the process and wait until its model is loaded. Raises ``STTError``."""
        try:
            async with asyncio.timeout(_START_S):
                self._process = await asyncio.create_subprocess_exec(
                    sys.executable,
                    "-P",  # the folder of the program must not hide modules of the same names
                    str(_WORKER),
                    stdin=PIPE,
                    stdout=PIPE,
                    # The terminal's Ctrl-C is meant for the server, which then ends us.
                    start_new_session=True,
                )
                kind, _ = await self._receive()
        except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
            reason = f"a process for speech recognition did not start: {type(error).__name__}"
            raise STTError(reason) from error
        assert kind == READY

    async def serve(self) -> None:
        """Pass on what the process says until its utterance has ended, or it dies.

        Raises ``asyncio.IncompleteReadError`` or ``ConnectionError`` when it has died.
        """
        while True:
            kind, payload = await self._receive()
            if self._overdue is not None:
                self._overdue.cancel()
                self._overdue = None
            if kind == ENDED:
                self.unreported = 0
                assert self.tenant is not None
                self.tenant.ended(payload.decode())
                return
            assert kind in (HEARD, TOLD)
            (done,) = DONE.unpack_from(payload)
            self.unreported -= done
            if self.unreported >= _REPORT_BYTES:
                self._expect()
            if self.tenant is not None:
                text = payload[DONE.size :].decode()
                self.tenant.heard(done, text, told=kind == TOLD)

    async def stop(self) -> None:
        """Kill the process; there is nothing to lose in it."""
        if self._overdue is not None:
            self._overdue.cancel()
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.kill()
            assert self._process.stdin is not None
            self._process.stdin.close()
            await self._process.communicate()
            with suppress(ConnectionError):
                await self._process.stdin.wait_closed()

    async def _receive(self) -> tuple[int, bytes]:
        assert self._process is not None
        assert self._process.stdout is not None
        kind, length = HEADER.unpack(await self._process.stdout.readexactly(HEADER.size))
        return kind, await self._process.stdout.readexactly(length)

    def _send(self, kind: int, payload: bytes = b"") -> None:
        """Never waits: what may be unreported is less than the pipe holds."""
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(frame(kind, payload))

    def _expect(self) -> None:
        if self._overdue is None:
            loop = asyncio.get_running_loop()
            self._overdue = loop.call_later(self._stall_s, self._hung)

    def _hung(self) -> None:
        log.error("a process for speech recognition hangs and is replaced")
        assert self._process is not None
        with suppress(ProcessLookupError):
            self._process.kill()


class Pool:
    """At most ``limit`` processes (1 or more)."""

    def __init__(self, limit: int, stall_s: float = STALL_S) -> None:
        self._limit, self._stall_s = limit, stall_s
        self._waiting: deque[Tenant] = deque()
        self._decoders: dict[Decoder, asyncio.Task[None]] = {}
        self._running: set[asyncio.Task[None]] = set()  # also of those that are tidying up
        self._free: list[Decoder] = []
        self._closed = False

    @property
    def decoders(self) -> list[Decoder]:
        """All there are, also those that are starting."""
        return list(self._decoders)

    @property
    def crowded(self) -> bool:
        """Whether more wait than can be served at a time."""
        return len(self._waiting) > self._limit

    async def start(self) -> None:
        """Returns when the first process is ready. Raises ``STTError`` if it does not get so."""
        if self._decoders:
            return
        ready = asyncio.get_running_loop().create_future()
        self._add(ready)
        await ready

    async def aclose(self) -> None:
        """End all processes; who waits for one fails."""
        self._closed = True
        for task in self._decoders.values():
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        self._fail_waiting("speech recognition has been stopped")

    def lease(self, tenant: Tenant) -> None:
        """Grant a decoder to ``tenant``, now or when one gets free; first come, first served."""
        if self._closed:
            tenant.failed("speech recognition has been stopped")
            return
        self._waiting.append(tenant)
        self._share_out()

    def give_back(self, tenant: Tenant) -> None:
        """``tenant`` wants no decoder any more, or never had one."""
        with suppress(ValueError):
            self._waiting.remove(tenant)
        for decoder in self._decoders:
            if decoder.tenant is tenant:
                decoder.end()

    def _share_out(self) -> None:
        while self._waiting and self._free:
            decoder = self._free.pop()
            decoder.tenant = self._waiting.popleft()
            decoder.tenant.granted(decoder)
        starting = sum(1 for decoder in self._decoders if decoder.tenant is None)
        starting -= len(self._free)
        if len(self._waiting) > starting and len(self._decoders) < self._limit:
            self._add()

    def _add(self, ready: asyncio.Future[None] | None = None) -> None:
        decoder = Decoder(self._stall_s)
        task = asyncio.create_task(self._run(decoder, ready), name="speech recognition process")
        self._decoders[decoder] = task
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _run(self, decoder: Decoder, ready: asyncio.Future[None] | None) -> None:
        try:
            await decoder.start()
            if ready is not None:
                ready.set_result(None)
            while True:
                decoder.tenant = None
                self._free.append(decoder)
                self._share_out()
                await decoder.serve()
        except STTError as error:
            log.error("%s", error)
            self._forget(decoder)
            if ready is not None:
                ready.set_exception(error)
            elif not self._decoders:
                self._fail_waiting(str(error))
        except (asyncio.IncompleteReadError, ConnectionError):
            log.error("a process for speech recognition has died")
            self._forget(decoder)
            self._replace(decoder.tenant)
        finally:
            self._forget(decoder)
            if self._closed and decoder.tenant is not None:
                decoder.tenant.failed("speech recognition has been stopped")
            if ready is not None and not ready.done():
                ready.cancel()
            await decoder.stop()

    def _replace(self, tenant: Tenant | None) -> None:
        if tenant is not None:
            tenant.lost()
        # Also if nobody waits: the next person shall not.
        if not self._decoders and not self._closed:
            self._add()
        self._share_out()

    def _forget(self, decoder: Decoder) -> None:
        self._decoders.pop(decoder, None)
        with suppress(ValueError):
            self._free.remove(decoder)

    def _fail_waiting(self, reason: str) -> None:
        while self._waiting:
            self._waiting.popleft().failed(reason)
