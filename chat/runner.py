"""Carries out what a session asks for.

One runner per socket. Its loop takes one event at a time, asks the session, and starts what comes
of it without waiting; results return as events. ``answering`` has the engines at work, ``keeper``
the database, ``ear`` the person's voice, ``following`` the other sockets of the conversation, ``outbox``
the socket; what must keep its order has a lane. When the socket goes, the
runner goes on until the session has nothing left to finish.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
import uuid
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from django.conf import settings
from django.db import Error as DatabaseError

from accounts.admission import Visitor
from dialogue.engine import BotInfo, PersonInfo, Said, UserTurn

from . import effects as do
from . import events as ev
from . import messages as msg
from .answering import Answering
from .ear import Ear
from .effects import with_deltas_joined
from .following import follow
from .keeper import NOT_ADMITTED, Keeper
from .limits.limiter import OverLimit, Place
from .line import RESTARTS
from .log_context import CallIds, about_turn
from .metrics import FEED_GAPS, REPLIES, SLOW_CLIENTS, observe_stages
from .opening import open_conversation
from .outbox import GONE, Outbox, Transport
from .process import Process
from .protocols.base import Frame, Protocol, ProtocolError
from .session import Session
from .sharing import InterruptAsked, Shares, Told
from .tasks import Tasks
from .where import where

log = logging.getLogger(__name__)

# Events that wait to be looked at; a client that is faster than that is closed.
INBOX = 256
# Events taken at once where they have piled up, so that a rush of words becomes one frame.
BATCH = 64
# A socket that has not said what it is by then is closed.
FIRST_WORD_S = 60.0
BAD_FIRST_WORDS = 10
TOO_MANY_RETRY_S = 5.0
DRAIN_S = 10.0
# Try later: the database is away.
UNAVAILABLE = ev.Refused("unavailable", "This cannot be opened now. Come back soon.", 1013, 1.0)
FAULT = ev.Refused("internal", "Something went wrong on our side.", 1011)


class Runner:
    def __init__(
        self,
        transport: Transport,
        choose_protocol: Callable[[Frame], Protocol | None],
        visitor: Visitor,
        place: Place,
        process: Process,
    ) -> None:
        self.id = uuid.uuid4().hex
        self.place = place
        self.log_ids = CallIds(self.id)
        self.visitor = visitor
        self._transport = transport
        self._choose_protocol = choose_protocol
        self._protocol: Protocol | None = None
        self._process = process
        self._session: Session | None = None
        self._inbox: asyncio.Queue[ev.Event] = asyncio.Queue(INBOX)
        self._outbox = Outbox(transport)
        self._tasks = Tasks()
        self._shares = Shares(self.id)
        self._ear = Ear(process, tasks=self._tasks, tell=self._tell_at_once, usage=place.usage)
        # Both are there once the conversation is open, before the session asks for anything else.
        self._keeper: Keeper | None = None
        self._answering: Answering | None = None
        self._bot = BotInfo()
        self._audio: msg.AudioFormat | None = None
        self._close_code: int | None = None
        self._over = False
        self._gone = False
        self._bad_first_words = 0
        # The conversation is open, or will never be; and all that was promised is done.
        self.opened = asyncio.Event()
        self.ended = asyncio.Event()
        self._tasks.start("first word", self._wait_for_first_word())

    @property
    def call_going_on(self) -> str | None:
        """The id of its call; None before that is open and once it is over."""
        return None if self._over or self._keeper is None else self._keeper.call.id

    @property
    def conversation(self) -> str | None:
        """The id of its conversation; None before that is open."""
        return None if self._keeper is None else self._keeper.call.conversation

    @property
    def is_connected(self) -> bool:
        return not self._gone and not self._over

    @property
    def protocol_name(self) -> str:
        """What it speaks; ``none`` before its first word."""
        return "none" if self._protocol is None else self._protocol.name

    @property
    def waiting_bytes(self) -> int:
        """What its client has not read yet."""
        return self._outbox.waiting_bytes

    @property
    def replies_in_progress(self) -> int:
        """How many are being written or spoken."""
        return 0 if self._answering is None else self._answering.replies_in_progress

    # --- what the consumer calls --------------------------------------------------------------

    async def take(self, frame: Frame) -> None:
        """A frame has come. Only decodes and enqueues (pitfall 1)."""
        if self._over:
            return
        self.place.usage.bytes += len(frame)
        try:
            try:
                for event in self._decode(frame):
                    if isinstance(event, ev.VoiceEvent):
                        self._ear.take(event)
                    else:
                        self._inbox.put_nowait(event)
            except ProtocolError as error:
                await self._refuse(error)
        except asyncio.QueueFull:
            SLOW_CLIENTS.inc()
            told = msg.Error("busy", "Too many messages at once.", retry=TOO_MANY_RETRY_S)
            await self._outbox.abort(4429, self._protocol.encode(told) if self._protocol else ())

    def _decode(self, frame: Frame) -> Sequence[ev.ClientEvent | ev.VoiceEvent]:
        if len(frame) > msg.LIMITS.frame_bytes:
            raise ProtocolError("too_big", "The frame is too big.")
        if self._protocol is None:
            self._protocol = self._choose_protocol(frame)
            if self._protocol is None:
                return ()  # not a word yet
            self._tasks.stop("first word")
            self._process.hold(self._run(self._protocol))
        return self._protocol.decode(frame)

    async def _refuse(self, error: ProtocolError) -> None:
        if self._protocol is not None:
            self._inbox.put_nowait(ev.BadMessage(error.code, error.message, error.id))
            return
        # No protocol was chosen yet: every client reads this form of an error.
        told = msg.encode_plain_error(error.code, error.message)
        self._bad_first_words += 1
        if error.code == "too_big" or self._bad_first_words == BAD_FIRST_WORDS:
            self._over = True
            await self._outbox.abort(4413 if error.code == "too_big" else 4400, [told])
        else:
            with contextlib.suppress(*GONE):
                await self._transport.send_frame(told)

    async def _wait_for_first_word(self) -> None:
        await asyncio.sleep(FIRST_WORD_S)
        await self._outbox.abort(4408)

    async def gone(self, code: int | None) -> None:
        """The socket is closed."""
        if not self._gone:
            self._gone = True
            self._close_code = code
            self._tasks.stop("first word")
            if self._protocol is None:
                self.opened.set()
                self.ended.set()
            await self._tell(ev.Gone())

    async def revoke(self) -> None:
        """The visitor has logged out elsewhere."""
        if self._protocol is None:
            await self._outbox.abort(NOT_ADMITTED.close)
        else:
            await self._tell(NOT_ADMITTED)

    async def over_limit(self, over: OverLimit) -> None:
        """They have sent, or said, more than anybody may."""
        if self._protocol is None:
            told = msg.encode_plain_error("busy", over.message, over.retry_s)
            await self._outbox.abort(over.close, [told])
        else:
            await self._tell(ev.Refused("busy", over.message, over.close, over.retry_s))

    async def go_away(self, retry_after_s: float, *, now: bool = False) -> None:
        """The server ends. ``now``: it waits no longer for what goes on."""
        if self._protocol is None:
            await self._outbox.abort(RESTARTS)
        else:
            await self._tell(ev.GoingAway(retry_after_s, now))

    async def _tell(self, event: ev.Event) -> None:
        """Put an event into the session's inbox, waiting while that is full."""
        if self._protocol is not None and not self._over:
            await self._inbox.put(event)

    # --- the loop -----------------------------------------------------------------------------

    async def _run(self, protocol: Protocol) -> None:
        session = self._session = Session(
            protocol.manners,
            new_id=lambda: str(uuid.uuid4()),
            lead_ms=settings.VOICECHAT_AUDIO_LEAD_MS,
            speculates=settings.VOICECHAT_SPECULATE,
        )
        writer = asyncio.create_task(self._outbox.write(), name="outbox")
        self._tasks.start("shares", self._shares.work())
        try:
            while not session.over:
                event = await self._next_event(session.deadline)
                effects = session.receive(event, time.monotonic())
                for _ in range(min(self._inbox.qsize(), BATCH)):
                    effects += session.receive(self._inbox.get_nowait(), time.monotonic())
                for effect in with_deltas_joined(effects):
                    self._CARRY_OUT[type(effect)](self, effect)
            await self._drain()
        except Exception as error:
            log.error("call %s failed: %s", self.id, where(error))
            self._close_code = 1011
            self._send(msg.Error("internal", "Something went wrong on our side."))
            self._outbox.close(1011)
            await asyncio.wait([writer], timeout=1)
        finally:
            self._over = True
            while not self._inbox.empty():  # whoever waits to tell something goes on
                self._inbox.get_nowait()
            writer.cancel()
            self._ear.close()
            await self._tasks.stop_all()
            await asyncio.gather(writer, return_exceptions=True)
            if self._keeper is not None:
                await self._keeper.put_away(self._close_code)
                log.info("a call is over", extra={"close": self._close_code})
            self.opened.set()
            self.ended.set()

    async def _drain(self) -> None:
        """The last things that were asked for are done before the tasks are stopped."""
        self._over = True
        try:
            async with asyncio.timeout(DRAIN_S):
                if self._keeper is not None:
                    await self._keeper.drain()
                await self._shares.drain()
        except TimeoutError:
            log.warning("call %s: not all that was asked for could be done", self.id)

    async def _next_event(self, deadline: float | None) -> ev.Event:
        if deadline is None:
            return await self._inbox.get()
        try:
            async with asyncio.timeout(max(0.0, deadline - time.monotonic())):
                return await self._inbox.get()
        except TimeoutError:
            return ev.Tick(self._ear.last_at)

    # --- the conversation ---------------------------------------------------------------------

    def _on_open(self, effect: do.Open) -> None:
        self._tasks.start("open", self._open(effect.hello))

    async def _open(self, hello: ev.Hello) -> None:
        assert self._protocol is not None
        try:
            opening = await open_conversation(hello, self.visitor, self._protocol, self._process)
        except Exception as error:
            log.error("call %s could not be opened: %s", self.id, where(error))
            opening = UNAVAILABLE if isinstance(error, DatabaseError) else FAULT
        if isinstance(opening, ev.Refused):
            await self._tell(opening)
            return
        call = opening.call
        self.log_ids.call, self.log_ids.conversation = call.id, call.conversation
        log.info("a call begins", extra={"protocol": call.protocol})
        self._keeper = Keeper(
            call,
            self.visitor,
            self.place,
            self._process,
            tell=self._tell,
            share=self._share,
        )
        self._answering = Answering(
            opening.bot,
            call.language,
            hello.audio,
            voices=self._process.voices,
            manners=self._protocol.manners,
            tasks=self._tasks,
            tell=self._tell,
        )
        self._bot, self._audio = opening.bot, hello.audio
        self.opened.set()
        self._tasks.start("records", self._keeper.work())
        await self._tell(opening.event)
        self._ear.open(hello, call.language, self._keeper.record_voice)
        following = follow(
            call.conversation, self.id, tell=self._tell, catch_up=self._catch_up_with_all
        )
        self._tasks.start("follow", following)

    def _catch_up_with_all(self) -> None:
        self._records.catch_up(self._session.rev if self._session is not None else 0)

    def _tell_at_once(self, event: ev.Event) -> None:
        """What the ear noticed. A session that is so far behind has lost its client anyway."""
        if not self._over:
            try:
                self._inbox.put_nowait(event)
            except asyncio.QueueFull:
                self._tasks.start("abort", self._outbox.abort(4429))

    @property
    def _records(self) -> Keeper:
        assert self._keeper is not None
        return self._keeper

    @property
    def _engines(self) -> Answering:
        assert self._answering is not None
        return self._answering

    # --- telling ------------------------------------------------------------------------------

    def _send(self, message: msg.Message) -> None:
        assert self._protocol is not None
        if not self._outbox.put(self._protocol.encode(message)):
            SLOW_CLIENTS.inc()
            self._tasks.start("abort", self._outbox.abort(1013))

    def _on_play(self, effect: do.Play) -> None:
        self._send(effect.audio)
        if effect.sound.pcm and self._audio is not None:
            self._records.record_reply(
                effect.audio.reply, effect.sound.pcm, self._audio.rate, effect.at
            )

    def _share(self, what: Told) -> None:
        if self._keeper is not None:
            self._shares.put(self._keeper.call.conversation, what)

    # --- keeping ------------------------------------------------------------------------------

    def _on_finish(self, effect: do.Finish) -> None:
        reply = effect.reply
        with about_turn(reply.id):
            told = {"status": reply.status, "timings": reply.timings}
            log.info("a reply has ended: %s", reply.status, extra=told)
        REPLIES.labels(reply.status).inc()
        if not effect.unasked:
            observe_stages(effect.reply.timings)
        self._tasks.stop(f"renew {effect.reply.id}")
        self._engines.forget(effect.reply.id)
        self._records.finish(effect)

    def _on_give_back(self, effect: do.GiveBack) -> None:
        self._engines.forget(effect.reply)
        self._records.give_back(effect)

    def _on_change_recording(self, effect: do.ChangeRecording) -> None:
        if settings.VOICECHAT_RECORD == "ask":
            self._records.change_recording(effect.on)

    def _on_catch_up(self, effect: do.CatchUp) -> None:
        FEED_GAPS.inc()
        self._records.catch_up(effect.rev)

    # --- answering ----------------------------------------------------------------------------

    def _on_think(self, effect: do.Think) -> None:
        if not effect.draft:
            self._renew(effect.reply)
        self._engines.think(effect, lambda: self._turn(effect))

    async def _turn(self, effect: do.Think) -> UserTurn:
        history = await self._records.history_before(effect.reply, draft=effect.draft)
        return UserTurn(
            text=effect.text,
            history=[Said(role, text) for role, text in history],
            person=PersonInfo(self.visitor.person, self.visitor.name, self.visitor.is_guest),
            bot=self._bot,
            language=self._records.call.language,
            form=lambda fields: self._engines.ask_person(effect.reply, fields),
        )

    def _renew(self, reply: str) -> None:
        assert self._session is not None
        renewal = self._records.renew(reply, self._session.text_of)
        self._tasks.start(f"renew {reply}", renewal, reply)

    # --- listening ----------------------------------------------------------------------------

    def _on_end_utterance(self, effect: do.EndUtterance) -> None:
        self._ear.end_utterance(effect)
        if not effect.keep:
            self._records.discard_voice(effect.utterance)

    _CARRY_OUT: ClassVar[dict[type, Callable[[Runner, Any], None]]] = {
        do.Send: lambda self, effect: self._send(effect.message),
        do.Play: _on_play,
        do.Share: lambda self, effect: self._share(effect.message),
        do.ShareInterrupt: lambda self, effect: self._share(InterruptAsked()),
        do.ShareVoice: lambda self, effect: self._share(effect),
        do.ShareInput: lambda self, effect: self._share(effect),
        do.Borrow: lambda self, effect: self._records.borrow(effect),
        do.GiveBack: _on_give_back,
        do.Open: _on_open,
        do.CatchUp: _on_catch_up,
        do.StoreTurn: lambda self, effect: self._records.store_turn(effect),
        do.NoteText: lambda self, effect: self._records.note_text(effect),
        do.Finish: _on_finish,
        do.StoreRating: lambda self, effect: self._records.rate(effect),
        do.Greet: lambda self, effect: self._engines.greet(effect),
        do.Think: _on_think,
        do.GiveInput: lambda self, effect: self._engines.give_input(effect),
        do.StopThinking: lambda self, effect: self._engines.stop_thinking(effect.reply),
        do.Synthesize: lambda self, effect: self._engines.synthesize(effect),
        do.StopSpeaking: lambda self, effect: self._engines.stop_speaking(effect.reply),
        do.Close: lambda self, effect: self._outbox.close(effect.code),
        do.CutRecording: lambda self, effect: self._records.cut_recording(effect),
        do.ChangeRecording: _on_change_recording,
        do.ReplyDelivered: lambda self, effect: self._renew(effect.reply),
        do.ForgetDraft: lambda self, effect: self._engines.forget(effect.reply),
        do.Transcribe: lambda self, effect: self._ear.transcribe(effect),
        do.EndUtterance: _on_end_utterance,
        do.ListenStrictly: lambda self, effect: self._ear.listen_strictly(effect),
    }
