"""``/websocket/offer``: FastRTC's clients. What happens after their start is the session's."""

from __future__ import annotations

import contextlib
import logging

from accounts.admission import NotAdmitted, Visitor
from accounts.telephone import admit_telephone, is_operators_token

from .consumers import CallConsumer
from .direct_consumer import NORMAL
from .limits.limiter import OverLimit
from .messages import LIMITS
from .outbox import GONE
from .process import process
from .protocols import fastrtc
from .protocols.base import Frame, ProtocolError
from .protocols.fastrtc import Address, FastRtc
from .stream_owner import owner_of_socket
from .where import where

log = logging.getLogger(__name__)

MOST_BAD_FIRST_WORDS = 10
# Frames before a start: a client that only ever sends these is none.
MOST_BEFORE_START = 3_000
# Refusals for which FastRTC has a message of its own.
NO_ROOM = {"full", "busy"}
GOODBYES = {1000: "The call is over.", 4408: "Nothing was heard from you for a while."}


class FastRtcConsumer(CallConsumer):
    _address = Address()
    _visitor: Visitor | None = None
    _started = False
    # Of the limit that was reached.
    _most: int | None = None
    _bad_words = 0
    _frames = 0
    _closed = False

    async def connect(self) -> None:
        try:
            self._address = Address.of(self.scope["query_string"])
        except ProtocolError as error:
            await self.accept()
            await self.refuse(error.code, error.message, 4400)
            return
        await super().connect()

    @property
    def token(self) -> str:
        return self._address.token

    def has_room(self) -> bool:
        return process().listens_in_time and super().has_room()

    async def begin(self, visitor: Visitor) -> None:
        self._visitor = visitor
        await super().begin(visitor)

    async def not_admitted(self, error: NotAdmitted) -> None:
        if not is_operators_token(self._address.token):
            await super().not_admitted(error)
            return
        self.vouched = True
        await self.begin(admit_telephone(self._address.token, ""))

    def choose(self, frame: Frame) -> FastRtc:
        return FastRtc(self._address)

    async def take(self, frame: Frame) -> None:
        if self._started:
            await super().take(frame)
        elif self._runner is not None and not self._closed:
            self._runner.place.usage.bytes += len(frame)
            with contextlib.suppress(*GONE):
                await self._take_first(frame)

    async def _take_first(self, frame: Frame) -> None:
        """What comes before a start, or is it."""
        if len(frame) > LIMITS.frame_bytes:
            await self.refuse("too_big", "The frame is too big.", 4413)
            return
        try:
            word = fastrtc.first_word(frame)
        except ProtocolError as error:
            await self._complain(error)
            return
        self._frames += 1
        match word.event:
            case "start":
                await self._start(word.id, frame)
            case "ping":
                await self.send_frame(fastrtc.PONG)
            case "stop":
                await self.close_socket(NORMAL)
            case _ if self._frames > MOST_BEFORE_START:
                await self.refuse("bad_message", "A start has to come first.", 4400)

    async def _complain(self, error: ProtocolError) -> None:
        self._bad_words += 1
        if self._bad_words >= MOST_BAD_FIRST_WORDS:
            await self.refuse(error.code, error.message, 4400)
        else:
            await self.send_frame(fastrtc.error(error.code, error.message))

    async def _start(self, id: str, frame: Frame) -> None:
        """The id becomes this socket's, unless somebody has it."""
        assert self._visitor is not None
        assert self._runner is not None
        owner = owner_of_socket(self.scope, self._visitor, self._address.token)
        try:
            claim = await process().streams.claim(id, owner)
        except Exception as error:
            log.error("a stream could not begin: %s", where(error))
            await self.refuse("unavailable", "This cannot be opened now. Come back soon.", 1013)
            return
        if claim is None:
            text = "This websocket_id is in use. Make another one."
            await self.refuse("id_in_use", text, 4403)
            return
        self._started = True
        process().hold_aside(process().streams.hold(claim, self._runner))
        await super().take(frame)

    # --- refusals -----------------------------------------------------------------------------

    async def over_limit(self, over: OverLimit) -> None:
        self._most = over.most
        await super().over_limit(over)

    async def refuse(self, code: str, text: str, close: int, retry_s: float | None = None) -> None:
        with contextlib.suppress(*GONE):
            await self.send_frame(fastrtc.error(code, text))
            if code in NO_ROOM:
                most = len(process().calls) if self._most is None else self._most
                await self.send_frame(fastrtc.limit_reached(most))
            await self.close_socket(close)

    async def close_socket(self, code: int) -> None:
        if self._closed:
            return
        self._closed = True
        await self.send_frame(fastrtc.end_stream(GOODBYES.get(code, "The server ends the stream.")))
        await super().close_socket(code)
