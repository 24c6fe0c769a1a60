"""What one call wants kept, brought to the recorder in order, and what came of it as events."""

from __future__ import annotations

import asyncio
import functools
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Literal

from django.db import Error

from accounts.admission import Visitor, still_admitted
from conversations import recorder
from conversations.database import in_database
from conversations.stored import FinishedReply, StoredTurn
from speech.ear_rate import EAR_RATE

from . import effects as do
from . import events as ev
from . import messages as msg
from .limits.limiter import OverLimit, Place
from .metrics import FEED_FILLED_TURNS, TURNS, TURNS_NOT_STORED
from .opening import catch_up
from .process import Process
from .recording import TurnRecording
from .sharing import ReplyTaken
from .tasks import Lane
from .unwritten import End
from .where import where

log = logging.getLogger(__name__)

# What was said is tried again for a moment, as nobody can send it again; then the person is told.
TRIES_SPOKEN = 3
# What the bot said unasked and is not stored yet; of more the oldest is forgotten.
SAID_BEFORE = 50
AGAIN_S = 1.0
# Parts of a reply's sound are numbered; each socket that speaks it has numbers of its own.
PARTS_OF_A_HAND = 1_000

NOT_ADMITTED = ev.Refused("not_admitted", "You are logged out.", 4401)
DELETED = ev.Refused("unknown_conversation", "This conversation has been deleted.", 4403)

History = tuple[tuple[Literal["user", "assistant"], str], ...]


class Keeper:
    """``tell`` takes events to the session; ``share`` tells the conversation's other followers."""

    def __init__(
        self,
        call: recorder.LiveCall,
        visitor: Visitor,
        place: Place,
        process: Process,
        *,
        tell: Callable[[ev.Event], Awaitable[None]],
        share: Callable[[msg.TurnChanged | ReplyTaken], None],
    ) -> None:
        self._call = call
        self._visitor = visitor
        self._place = place
        self._process = process
        self._tell = tell
        self._share = share
        self._lane = Lane()
        # Zero of the call's timeline.
        self._began_at = time.monotonic()
        self._histories: dict[str, History] = {}
        # By the id of their turn; and the spoken turns by the replies that answer them.
        self._recordings: dict[str, TurnRecording] = {}
        self._answered: dict[str, str] = {}
        # Replies that others write and that are spoken here, and how often their voice had moved.
        self._borrowed: dict[str, int] = {}
        self._said_before: list[recorder.SaidBefore] = []
        self._is_put_away = False
        # The revision since which all that changed is read soon; None: the database answered.
        self._behind_at: int | None = None

    @property
    def call(self) -> recorder.LiveCall:
        return self._call

    async def work(self) -> None:
        """Keep what is asked for, until cancelled."""
        await self._lane.work()

    async def drain(self) -> None:
        """Wait until all that was asked for is kept."""
        await self._lane.drain()

    async def history_before(self, reply: str, *, draft: bool) -> History:
        """What had been said before the turn that ``reply`` answers; told once.

        ``draft``: that turn is not stored yet, so the answer is all that was said until now.
        """
        if not draft:
            return self._histories.pop(reply, ())
        found: asyncio.Future[History] = asyncio.get_running_loop().create_future()

        async def read() -> None:
            history: History = ()
            try:
                history = await in_database(recorder.history, self._call)
            finally:
                if not found.cancelled():
                    found.set_result(history + self._greetings)

        # What was asked to be kept before is kept before.
        self._lane.put(read)
        return await found

    @property
    def _greetings(self) -> History:
        """What the bot has said and is not stored yet."""
        return tuple(("assistant", said.reply.said) for said in self._said_before)

    def timeline_ms(self, at: float) -> float:
        """A moment (monotonic seconds) on the call's timeline."""
        return max(0.0, (at - self._began_at) * 1000)

    # --- turns --------------------------------------------------------------------------------

    def store_turn(self, effect: do.StoreTurn) -> None:
        self._lane.put(lambda: self._store_turn(effect), effect.turn)

    async def _store_turn(self, effect: do.StoreTurn) -> None:
        try:
            await self._process.limiter.turn(self._place, self._process.replies_in_progress)
        except OverLimit as over:
            refused = ev.TurnNotStored(effect.turn, over.message, "busy", over.retry_s)
            await self._tell_not_stored(refused)
            return
        tries = TRIES_SPOKEN if effect.spoken is not None else 1
        for attempt in range(tries):
            try:
                begun = await self._begin_turn(effect)
            except recorder.NotYours:
                await self._refuse_turn(effect, DELETED)
                return
            except Exception as error:
                log.error("call %s: a turn could not be stored: %s", self._call.id, where(error))
                if attempt + 1 < tries:
                    await asyncio.sleep(2**attempt / 4)
                    continue
                text = f"Your message could not be kept ({type(error).__name__}); send it again."
                await self._tell_not_stored(ev.TurnNotStored(effect.turn, text))
                return
            break
        if begun is None:
            await self._refuse_turn(effect, NOT_ADMITTED)
            return
        self._call = replace(
            self._call, is_new=False, is_open=self._call.is_open or not begun.duplicate
        )
        if not begun.duplicate:
            TURNS.labels("typed" if effect.spoken is None else "spoken").inc()
            self._said_before.clear()
            self._histories[begun.reply] = begun.history
            if effect.spoken is not None:
                self._answered[begun.reply] = begun.turn
        if begun.taken_over is not None:
            self._share(ReplyTaken(begun.taken_over))
        for turn in begun.changed:
            self._share(msg.TurnChanged(turn, turn.rev))
        await self._tell(
            ev.TurnStored(effect.turn, begun.turn, begun.reply, begun.rev, begun.duplicate)
        )

    async def _begin_turn(self, effect: do.StoreTurn) -> recorder.BegunTurn | None:
        """None: the visitor is no longer admitted."""
        spoken = effect.spoken
        # An answer before this turn, whose end the database did not take.
        await self._process.unwritten.settle(self._call.conversation)
        turn = functools.partial(
            recorder.begin_turn,
            self._call,
            turn_id=effect.turn,
            reply_id=effect.reply,
            client_id=effect.client_id,
            text=effect.text,
            said_before=tuple(self._said_before),
            start_ms=None if spoken is None else round(self.timeline_ms(spoken.began_at)),
            timings=None if spoken is None else spoken.timings,
            engines=None if spoken is None else {"stt": spoken.engine},
            # A draft has been given it already.
            want_history=not effect.is_drafted,
        )
        return await in_database(lambda: turn() if still_admitted(self._visitor) else None)

    async def _tell_not_stored(self, event: ev.TurnNotStored) -> None:
        TURNS_NOT_STORED.labels(event.code).inc()
        await self._tell(event)

    async def _refuse_turn(self, effect: do.StoreTurn, refused: ev.Refused) -> None:
        await self._tell_not_stored(ev.TurnNotStored(effect.turn, refused.message))
        await self._tell(refused)

    def rate(self, effect: do.StoreRating) -> None:
        self._lane.put(lambda: self._rate(effect), effect.turn)

    async def _rate(self, effect: do.StoreRating) -> None:
        try:
            if not await in_database(still_admitted, self._visitor):
                await self._tell(NOT_ADMITTED)
                return
            turn = await in_database(recorder.rate, self._call, effect.turn, effect.value)
        except recorder.UnknownTurn:
            text = "There is no such answer here."
            await self._tell(ev.Fault("unknown_turn", text, effect.turn))
            return
        except Error as error:
            log.error("call %s: a rating could not be stored: %s", self._call.id, where(error))
            text = "Your rating could not be kept."
            await self._tell(ev.Fault("not_stored", text, effect.turn))
            return
        changed = msg.TurnChanged(turn, turn.rev)
        self._share(changed)
        await self._tell(ev.Followed(changed))

    def catch_up(self, rev: int) -> None:
        """Read what has changed since ``rev``."""
        self._lane.put(lambda: self._catch_up(rev))

    async def _catch_up(self, rev: int) -> None:
        try:
            caught_up = await catch_up(self._call, rev)
        except Error as error:
            log.warning("call %s: what changed is read later: %s", self._call.id, where(error))
            if self._behind_at is None:
                self._behind_at = rev
                self._process.hold_aside(self._catch_up_later())
            self._behind_at = min(rev, self._behind_at)
            return
        FEED_FILLED_TURNS.inc(len(caught_up.turns))
        await self._tell(caught_up)

    async def _catch_up_later(self) -> None:
        # Outside the lane, in which turns have to be refused meanwhile.
        await asyncio.sleep(AGAIN_S)
        rev, self._behind_at = self._behind_at, None
        if rev is not None and not self._is_put_away:
            self.catch_up(rev)

    # --- replies ------------------------------------------------------------------------------

    def record_reply(self, reply: str, pcm: bytes, rate: int, at: float) -> None:
        """Take the sound of a reply as it leaves: S16LE mono at ``rate`` Hz, heard from ``at`` on."""
        self._record(reply, "bot", pcm, rate, at)

    def record_voice(self, utterance: str, pcm: bytes, at: float) -> None:
        """Take the person's voice, which began at ``at``: S16LE mono at 16 kHz."""
        self._record(utterance, "person", pcm, EAR_RATE, at)

    def _record(self, turn: str, track: str, pcm: bytes, rate: int, at: float) -> None:
        if not self._call.recorded:
            return
        recording = self._recordings.get(turn)
        if recording is None:
            directory = self._process.spool_directory
            first = self._borrowed.get(turn, 0) * PARTS_OF_A_HAND
            recording = self._recordings[turn] = TurnRecording(
                directory, turn, track, rate, first_part=first
            )
        recording.add(pcm, self.timeline_ms(at))

    def borrow(self, effect: do.Borrow) -> None:
        """Record what is spoken here of a reply that another socket writes."""
        self._borrowed[effect.reply] = effect.hand

    def give_back(self, effect: do.GiveBack) -> None:
        """Leave what was recorded of it in the spool; when the reply has ended it is stored."""
        self._borrowed.pop(effect.reply, None)
        recording = self._recordings.pop(effect.reply, None)
        if recording is not None:
            self._process.hold_aside(self._store_borrowed(effect.reply, recording))

    async def _store_borrowed(self, reply: str, recording: TurnRecording) -> None:
        if not await recording.finish():
            return
        # Its holder ends it a moment later. Failing that, the spool is tidied now and then.
        await asyncio.sleep(AGAIN_S)
        await in_database(recorder.is_sound_wanted, self._process.spool_directory, reply)

    def cut_recording(self, effect: do.CutRecording) -> None:
        """Of a reply's sound not all was heard."""
        if effect.reply in self._recordings:
            self._recordings[effect.reply].cut(effect.heard_ms)

    def discard_voice(self, utterance: str) -> None:
        """What was recorded of it is no turn."""
        recording = self._recordings.pop(utterance, None)
        if recording is not None:
            self._lane.put(recording.discard)

    def change_recording(self, on: bool) -> None:
        """From now on sound is kept, or not."""
        self._call = replace(self._call, recorded=on)
        self._lane.put(lambda: in_database(recorder.change_recording, self._call))

    async def renew(self, reply: str, text_of: Callable[[str], str]) -> None:
        """Hold the lease of a reply, until cancelled or until somebody else has ended it."""
        with self._process.leases.hold(reply, text_of) as lost:
            await lost.wait()
        await self._tell(ev.TakenOver(reply))

    def note_text(self, effect: do.NoteText) -> None:
        self._lane.put(lambda: self._note_text(effect), effect.reply)

    async def _note_text(self, effect: do.NoteText) -> None:
        await in_database(recorder.renew_lease, self._call, effect.reply, effect.text)

    def finish(self, effect: do.Finish) -> None:
        self._histories.pop(effect.reply.id, None)
        self._lane.put(lambda: self._finish(effect), effect.reply.id)

    async def _finish(self, effect: do.Finish) -> None:
        reply = effect.reply
        recordings: tuple[recorder.Recording, ...] = ()
        for turn in (self._answered.pop(reply.id, None), reply.id):
            recording = self._recordings.pop(turn or "", None)
            if recording is None:
                continue
            broken = False
            try:
                recordings += await recording.finish()
            except Exception as error:
                # The end of the reply is written all the same.
                log.error("call %s: sound was lost: %s", self._call.id, where(error))
                broken = True
            if broken or recording.broken:
                text = "The sound of this exchange could not be kept."
                await self._tell(ev.Fault("audio_not_stored", text, reply.id))
        if effect.unasked:
            self._said_before.append(recorder.SaidBefore(reply, recordings))
            for forgotten in self._said_before[:-SAID_BEFORE]:
                await _forget_sound(forgotten.recordings)
            del self._said_before[:-SAID_BEFORE]
            await self._tell(ev.ReplyStored(reply.id, None))
            return
        turns = await self._write_end(reply, recordings)
        if recordings:
            self._process.transcoder.wake()
        await self._tell(ev.ReplyStored(reply.id, turns[-1] if turns else None, turns[:-1]))

    async def _write_end(
        self, reply: FinishedReply, recordings: tuple[recorder.Recording, ...]
    ) -> tuple[StoredTurn, ...]:
        try:
            return await in_database(
                recorder.write_conversation_data_into_database, self._call, reply, recordings
            )
        except recorder.NotYours:
            await _forget_sound(recordings)  # deleted meanwhile
        except Exception as error:
            log.error("reply %s: its end is kept for later: %s", reply.id, where(error))
            await self._process.unwritten.add(End(self._call, reply, recordings))
        return ()

    # --- the end ------------------------------------------------------------------------------

    async def put_away(self, close_code: int | None) -> None:
        """Leave nothing half written. Call it when ``work`` has been cancelled."""
        self._is_put_away = True
        unasked = tuple(self._said_before)
        try:
            kept = await in_database(recorder.keep_unasked, self._call, unasked)
            await in_database(recorder.end_call, self._call, close_code)
        except Exception as error:
            log.error("call %s: its end was not noted: %s", self._call.id, where(error))
        else:
            ids = {turn.id for turn in kept}
            for said in unasked:
                if said.reply.id not in ids:
                    await _forget_sound(said.recordings)  # nobody ever said anything to it
        # Sound of a reply that could not be finished stays in the spool; the sweeper finds it.
        for recording in self._recordings.values():
            await recording.finish()


async def _forget_sound(recordings: tuple[recorder.Recording, ...]) -> None:
    for recording in recordings:
        await asyncio.to_thread(recording.file.path.unlink, missing_ok=True)
