"""How a turn of the person's becomes a row, an acknowledgement and an answer.

Turns are taken one at a time, typed and spoken alike; a turn that is taken cuts the reply that is alive.
"""

from __future__ import annotations

from . import events as ev
from . import messages as msg
from .bot import BotRegion
from .line import Line
from .person import Person, PersonRegion
from .protocols.base import Manners
from .revisions import Revisions
from .turns import Taking, Turns


class TurnTaking:
    def __init__(
        self,
        line: Line,
        bot: BotRegion,
        person: PersonRegion,
        *,
        turns: Turns,
        revisions: Revisions,
        manners: Manners,
    ) -> None:
        self._line = line
        self._bot = bot
        self._person = person
        self._turns = turns
        self._revisions = revisions
        self._manners = manners
        self._opened: ev.Opened | None = None

    def offer(self, typed: ev.Typed) -> None:
        """Let a typed turn wait for its time, or say why not."""
        answer = self._turns.offer(typed)
        if answer is not None:
            self._line.send(answer)

    def advance(self, opened: ev.Opened | None) -> None:
        """Take the next turn, if it is time. ``opened`` None: there is no conversation yet."""
        self._opened = opened
        waits = opened is not None and self._turns.any_wait
        if not waits or self._turns.is_storing or self._person.state is Person.ENDPOINTING:
            return
        reply = self._bot.reply
        if reply is not None and reply.insists:
            return
        if reply is not None and reply.thinking and not reply.draft and self._manners.text_waits:
            return
        taking = self._turns.store_next(self._line.now)
        if reply is not None and reply.id == taking.draft:
            reply.promised = True
        else:
            self._bot.interrupt()
        assert taking.request is not None
        self._line.do(taking.request)

    def on_turn_stored(self, event: ev.TurnStored) -> None:
        taken = self._turns.settle(event.turn)
        if taken is None:
            return
        if taken.id is not None:
            ack = msg.Ack(taken.id, event.stored_turn, event.reply, event.rev)
            self._line.send(ack)
            self._turns.remember(ack)
        self._revisions.own(event.rev, changes=0 if event.duplicate else 2)
        if event.duplicate:
            self._forget_draft(taken)
            return
        draft = self._bot.alive(event.reply)
        reply = draft or self._bot.begin(event.reply, event.stored_turn, taken.since)
        reply.timings.update(taken.spoken.timings if taken.spoken is not None else {})
        reply.mark("stored", self._line.now)
        if draft is not None:
            self._bot.deliver(draft, event.stored_turn)
        if taken.cut or reply.cut or (self._turns.any_wait and not self._manners.text_waits):
            reply.thinking = draft is not None and reply.thinking
            self._bot.end("interrupted")
        elif draft is None:
            self._bot.think(reply, taken.text, taken.answer_spoken)

    def on_turn_not_stored(self, event: ev.TurnNotStored) -> None:
        taken = self._turns.settle(event.turn)
        if taken is None:
            return
        self._forget_draft(taken)
        self._line.send(msg.Error(event.code, event.message, retry=event.retry_s, id=taken.id))
        self._apologise(taken)

    def _apologise(self, taken: Taking) -> None:
        """Whoever speaks may have no eyes for an error."""
        speaks = taken.spoken is not None or self._manners.telephone
        free = self._line.live and self._bot.can_hear and self._bot.reply is None
        if speaks and free and self._opened is not None and self._opened.apology:
            self._bot.announce("generic", self._opened.apology)

    def _forget_draft(self, taken: Taking) -> None:
        if taken.draft is not None and self._bot.alive(taken.draft) is not None:
            self._bot.drop_draft()
