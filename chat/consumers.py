"""The sockets: admit, accept, feed the runner, close. What happens between is the session's."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from abc import abstractmethod
from urllib.parse import parse_qs

from django.db import Error as DatabaseError

from accounts.address import client_address
from accounts.admission import NotAdmitted, Visitor, admit
from accounts.programs import ProgramRefused, credential_in, programs_are_admitted
from accounts.telephone import admit_telephone, telephones_are_admitted
from conversations.database import in_database

from .direct_consumer import DirectConsumer
from .door import PATIENCE_S, Address, Door
from .key_admission import admit_with_key
from .limits.limiter import TRY_LATER, OverLimit, Place
from .line import RESTARTS
from .log_context import log_as
from .messages import encode_plain_error
from .metrics import REFUSED
from .outbox import GONE
from .process import process
from .protocols import voice_chat, voicebot
from .protocols.base import Frame, Protocol, ProtocolError
from .runner import Runner
from .where import where

log = logging.getLogger(__name__)

FULL_RETRY_S = 10.0


class CallConsumer(DirectConsumer):
    """A socket with a call on it."""

    _runner: Runner | None = None
    _place: Place | None = None
    # What admitted it is the operator's own word for whoever calls.
    vouched = False

    @abstractmethod
    def choose(self, frame: Frame) -> Protocol | None:
        """The protocol that a client speaks, by its first frames."""

    @property
    def token(self) -> str:
        """What the address has as a token; empty: nothing."""
        query = parse_qs(str(self.scope["query_string"], "latin-1"))
        return query.get("token", [""])[0]

    async def connect(self) -> None:
        if await process().draining.sends_elsewhere(self.scope, self.base_send):
            return
        # Accept first: a browser sees a refusal before that only as 1006.
        await self.accept()
        try:
            await process().start()
            self._place = Place(client_address(self.scope))
            await process().limiter.knock(self._place)
            visitor = await self._admit()
        except ProgramRefused as error:
            await self.refuse("not_admitted", str(error), error.close)
        except NotAdmitted as error:
            await self.not_admitted(error)
        except Exception as error:
            await self.admission_failed(error)
        else:
            await self.begin(visitor)

    async def _admit(self) -> Visitor:
        credential = credential_in(self.scope["headers"], self.token)
        if credential is None:
            return await in_database(admit, self.scope)
        return await admit_with_key(credential, self.scope)

    async def admission_failed(self, error: Exception) -> None:
        """Nobody can tell now whether they may come in, or there were too many."""
        if isinstance(error, OverLimit):
            await self.over_limit(error)
            return
        log.error("a socket could not be admitted: %s", where(error))
        if isinstance(error, DatabaseError):
            text = "Nobody can be admitted now. Come back soon."
            await self.refuse("unavailable", text, 1013, 1.0)
        else:
            await self.refuse("internal", "Something went wrong on our side.", 1011)

    async def begin(self, visitor: Visitor) -> None:
        """The visitor is admitted, and is let in if there is room."""
        if not self.has_room():
            REFUSED.labels("full").inc()
            text = "All lines are busy. Try again in a moment."
            await self.refuse("full", text, 4429, FULL_RETRY_S)
            return
        assert self._place is not None
        try:
            await process().limiter.enter(
                self._place, visitor.person, vouched=self.vouched, key=visitor.key
            )
        except OverLimit as over:
            await self.over_limit(over)
            return
        # Looked at last: from here on the call is told with all others.
        draining = process().draining
        if draining.is_on:
            text = "The server restarts. Come back in a moment."
            await self.refuse("going_away", text, RESTARTS, draining.retry_after_s())
            return
        self._runner = Runner(self, self.choose, visitor, self._place, process())
        log_as(self._runner.log_ids)
        process().runners.add(self._runner)

    def has_room(self) -> bool:
        """Whether one more call can be taken."""
        return process().has_room()

    async def not_admitted(self, error: NotAdmitted) -> None:
        """The handshake did not admit anybody."""
        await self.refuse("not_admitted", str(error), error.close)

    async def take(self, frame: Frame) -> None:
        if self._runner is not None:
            await self._runner.take(frame)

    async def disconnect(self, code: int) -> None:
        await self._leave(code)

    async def left(self) -> None:
        try:
            await self._leave(None)
        finally:
            if self._place is not None:
                await process().limiter.leave(self._place)

    async def over_limit(self, over: OverLimit) -> None:
        """There are too many of it, or it has had too much."""
        code = "full" if over.close == TRY_LATER else "busy"
        await self.refuse(code, over.message, over.close, over.retry_s)

    async def _leave(self, code: int | None) -> None:
        if self._runner is not None:
            await self._runner.gone(code)

    async def refuse(self, code: str, text: str, close: int, retry_s: float | None = None) -> None:
        with contextlib.suppress(*GONE):
            await self.send(text_data=encode_plain_error(code, text, retry_s))
            await self.close_socket(close)

    async def send_frame(self, frame: Frame) -> None:
        if isinstance(frame, str):
            await self.send(text_data=frame)
        else:
            await self.send(bytes_data=frame)


class VoiceChatConsumer(CallConsumer):
    """``/ws/voice-chat/``, both faces."""

    def choose(self, frame: Frame) -> Protocol:
        return voice_chat.choose(frame)


class VoiceBotConsumer(CallConsumer):
    """``/ws/voicebot/`` and ``/ws/voicebot/<token>/``: VoiceBot, Exotel and Twilio.

    Whom the handshake does not admit, the start of the call may, by a token.
    """

    _door: Door | None = None
    _patience: asyncio.Task[None] | None = None

    @property
    def address(self) -> Address:
        return Address.of(self.scope, self.scope["url_route"]["kwargs"].get("token", ""))

    @property
    def token(self) -> str:
        return self.address.token

    def choose(self, frame: Frame) -> Protocol | None:
        return voicebot.choose(frame, self.address.rate)

    def has_room(self) -> bool:
        return process().listens_in_time and super().has_room()

    async def not_admitted(self, error: NotAdmitted) -> None:
        if not telephones_are_admitted() and not await in_database(programs_are_admitted):
            await super().not_admitted(error)
            return
        self._door = Door(self.address)
        self._patience = asyncio.create_task(self._lose_patience(), name="door")

    async def take(self, frame: Frame) -> None:
        if self._door is None:
            await super().take(frame)
            return
        try:
            knock = self._door.knock(frame)
            if knock is None:
                return
            token, call_sid = knock
            visitor = await self._admit_by_start(token, call_sid)
        except ProtocolError as error:
            await self._shut(error.code, error.message, 4413 if error.code == "too_big" else 4400)
        except NotAdmitted as error:
            await self._shut("not_admitted", str(error), error.close)
        except Exception as error:
            self._leave_door()
            await self.admission_failed(error)
        else:
            self._leave_door()
            await self.begin(visitor)
            await super().take(frame)

    async def _admit_by_start(self, token: str, call_sid: str) -> Visitor:
        credential = credential_in((), token)
        if credential is not None:
            return await admit_with_key(credential, self.scope)
        visitor = admit_telephone(token, call_sid)
        self.vouched = True
        return visitor

    def _leave_door(self) -> None:
        self._door = None
        if self._patience is not None:
            self._patience.cancel()

    async def _shut(self, code: str, text: str, close: int) -> None:
        self._leave_door()
        await self.refuse(code, text, close)

    async def _lose_patience(self) -> None:
        await asyncio.sleep(PATIENCE_S)
        self._door = None
        await self.refuse("not_admitted", "A start with a token did not come in time.", 4401)

    async def left(self) -> None:
        self._leave_door()
        await super().left()
