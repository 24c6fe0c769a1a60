"""What one call wants kept, brought to the recorder in order, and what came of it as events."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Literal

from django.utils import timezone

from accounts.admission import Visitor, still_admitted
from conversations import recorder
from conversations.database import in_database
from conversations.stored import FinishedReply, StoredTurn

from . import effects as do
from . import events as ev
from . import messages as msg
from .opening import catch_up
from .process import Process
from .recording import ReplyRecording
from .sharing import ReplyTaken
from .tasks import Lane
from .where import where

log = logging.getLogger(__name__)

# The end of a reply is tried again for half a minute.
FINISH_TRIES = 7

NOT_ADMITTED = ev.Refused("not_admitted", "You are logged out.", 4401)
DELETED = ev.Refused("unknown_conversation", "This conversation has been deleted.", 4403)

History = tuple[tuple[Literal["user", "assistant"], str], ...]


class Keeper:
    """``tell`` takes events to the session; ``share`` tells the conversation's other followers."""

    def __init__(
        self,
        call: recorder.LiveCall,
        visitor: Visitor,
        process: Process,
        tell: Callable[[ev.Event], Awaitable[None]],
        share: Callable[[msg.TurnChanged | ReplyTaken], None],
    ) -> None:
        self._call = call
        self._visitor = visitor
        self._process = process
        self._tell = tell
        self._share = share
        self._lane = Lane()
        self._histories: dict[str, History] = {}
        self._recordings: dict[str, ReplyRecording] = {}
        self._greeting: recorder.Greeting | None = None

    @property
    def call(self) -> recorder.LiveCall:
        return self._call

    async def work(self) -> None:
        """Keep what is asked for, until cancelled."""
        await self._lane.work()

    async def drain(self) -> None:
        """Wait until all that was asked for is kept."""
        await self._lane.drain()

    def history_before(self, reply: str) -> History:
        """What had been said before the turn that ``reply`` answers; told once."""
        return self._histories.pop(reply, ())

    # --- turns --------------------------------------------------------------------------------

    def store_turn(self, effect: do.StoreTurn) -> None:
        self._lane.put(lambda: self._store_turn(effect))

    async def _store_turn(self, effect: do.StoreTurn) -> None:
        try:
            if not await in_database(still_admitted, self._visitor):
                await self._refuse_turn(effect, NOT_ADMITTED)
                return
            begun = await in_database(
                recorder.begin_turn,
                self._call,
                turn_id=effect.turn,
                reply_id=effect.reply,
                client_id=effect.client_id,
                text=effect.text,
                greeting=self._greeting,
            )
        except recorder.NotYours:
            await self._refuse_turn(effect, DELETED)
            return
        except Exception as error:
            log.error("call %s: a turn could not be stored: %s", self._call.id, where(error))
            text = f"Your message could not be kept ({type(error).__name__}); send it again."
            await self._tell(ev.TurnNotStored(effect.turn, text))
            return
        self._call = replace(self._call, is_new=False)
        if not begun.duplicate:
            self._greeting = None
            self._histories[begun.reply] = begun.history
        if begun.taken_over is not None:
            self._share(ReplyTaken(begun.taken_over))
        for turn in begun.changed:
            self._share(msg.TurnChanged(turn, turn.rev))
        await self._tell(
            ev.TurnStored(effect.turn, begun.turn, begun.reply, begun.rev, begun.duplicate)
        )

    async def _refuse_turn(self, effect: do.StoreTurn, refused: ev.Refused) -> None:
        await self._tell(ev.TurnNotStored(effect.turn, refused.message))
        await self._tell(refused)

    def rate(self, effect: do.StoreRating) -> None:
        self._lane.put(lambda: self._rate(effect))

    async def _rate(self, effect: do.StoreRating) -> None:
        if not await in_database(still_admitted, self._visitor):
            await self._tell(NOT_ADMITTED)
            return
        try:
            turn = await in_database(recorder.rate, self._call, effect.turn, effect.value)
        except recorder.UnknownTurn:
            text = "There is no such answer here."
            await self._tell(ev.Fault("unknown_turn", text, effect.turn))
            return
        changed = msg.TurnChanged(turn, turn.rev)
        self._share(changed)
        await self._tell(ev.Followed(changed))

    def catch_up(self, rev: int) -> None:
        """Read what has changed since ``rev``."""
        self._lane.put(lambda: self._catch_up(rev))

    async def _catch_up(self, rev: int) -> None:
        await self._tell(await catch_up(self._call, rev))

    # --- replies ------------------------------------------------------------------------------

    def record(self, reply: str, pcm: bytes, rate: int) -> None:
        """Take the sound of a reply as it leaves: S16LE mono at ``rate`` Hz."""
        if reply not in self._recordings:
            self._recordings[reply] = ReplyRecording(
                self._process.spool_directory,
                reply,
                rate,
                round((timezone.now() - self._call.started_at).total_seconds() * 1000),
            )
        self._recordings[reply].add(pcm)

    async def renew(self, reply: str, text_of: Callable[[str], str]) -> None:
        """Hold the lease of a reply, until cancelled or until somebody else has ended it."""
        while True:
            await asyncio.sleep(recorder.RENEW_S)
            try:
                held = await in_database(recorder.renew_lease, self._call, reply, text_of(reply))
            except Exception as error:
                # It is tried again while there may still be a lease.
                log.error("reply %s: its lease was not renewed: %s", reply, where(error))
                continue
            if not held:
                await self._tell(ev.TakenOver(reply))
                return

    def note_text(self, effect: do.NoteText) -> None:
        self._lane.put(lambda: self._note_text(effect))

    async def _note_text(self, effect: do.NoteText) -> None:
        await in_database(recorder.renew_lease, self._call, effect.reply, effect.text)

    def finish(self, effect: do.Finish) -> None:
        self._histories.pop(effect.reply.id, None)
        self._lane.put(lambda: self._finish(effect))

    async def _finish(self, effect: do.Finish) -> None:
        reply = effect.reply
        spooled = self._recordings.pop(reply.id, None)
        recording = await spooled.finish() if spooled is not None else None
        if spooled is not None and spooled.broken:
            text = "The sound of this answer could not be kept."
            await self._tell(ev.Fault("audio_not_stored", text, reply.id))
        if reply.kind == "greeting":
            self._greeting = recorder.Greeting(reply, recording)
            await self._tell(ev.ReplyStored(reply.id, None))
            return
        turn = await self._write_end(reply, recording)
        if recording is not None:
            self._process.transcoder.wake()
        await self._tell(ev.ReplyStored(reply.id, turn))

    async def _write_end(
        self, reply: FinishedReply, recording: recorder.Recording | None
    ) -> StoredTurn | None:
        for attempt in range(FINISH_TRIES):
            try:
                return await in_database(
                    recorder.write_conversation_data_into_database, self._call, reply, recording
                )
            except recorder.NotYours:
                await _forget_sound(recording)  # deleted meanwhile
                return None
            except Exception as error:
                log.error("reply %s could not be stored: %s", reply.id, where(error))
                if attempt + 1 < FINISH_TRIES:
                    await asyncio.sleep(2**attempt / 4)
        return None

    # --- the end ------------------------------------------------------------------------------

    async def put_away(self, close_code: int | None) -> None:
        """Leave nothing half written. Call it when ``work`` has been cancelled."""
        try:
            await in_database(recorder.end_call, self._call, close_code)
        except Exception as error:
            log.error("call %s: its end was not noted: %s", self._call.id, where(error))
        # Sound of a reply that could not be finished stays in the spool; the sweeper finds it.
        for spooled in self._recordings.values():
            await spooled.finish()
        if self._greeting is not None:
            await _forget_sound(self._greeting.recording)  # nothing was ever said to it


async def _forget_sound(recording: recorder.Recording | None) -> None:
    if recording is not None:
        await asyncio.to_thread(recording.file.path.unlink, missing_ok=True)
