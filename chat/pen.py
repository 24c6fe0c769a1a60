"""How a reply is written: what the engine gives, as it is told to the person and to all who follow.

Of a draft nobody is told: what there is to tell waits in the reply until it is delivered.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from dialogue.asking import answers_to
from dialogue.engine import Piece, Text

from . import effects as do
from . import events as ev
from . import messages as msg
from .line import Line
from .reply import Reply, kind_of

# Heard here or read by the person alone.
PRIVATE = (msg.SentenceKnown, msg.Error, msg.Ask)


class Pen:
    def __init__(self, line: Line) -> None:
        self._line = line
        # Who brought the last input from elsewhere, and whether it was taken: it may come twice.
        self._input_by = ("", False)

    def begin(self, reply: Reply, voice: str | None) -> None:
        """Its engines are chosen. ``voice`` None: it is not spoken."""
        if self._line.live:
            reply.voice = voice
        if reply.waits_for_voice:
            reply.waits_for_voice = False
            self._start(reply)
        if reply.announcement and reply.thinking:
            self._start(reply)
            self._tell(reply, reply.take(Text(reply.announcement), self._line.now))
            self._tell(reply, reply.complete(self._line.now))

    def write(self, reply: Reply, piece: Piece) -> None:
        """More of it, which ends one that gets too long."""
        if not reply.kind:
            reply.kind = kind_of(piece)
            self._start(reply)
        self._tell(reply, reply.take(piece, self._line.now))
        if reply.error == "reply_too_long":
            self.complain(reply, reply.error, "The answer was too long and ends here.")
            self._line.do(do.StopThinking(reply.id))
            self._tell(reply, reply.complete(self._line.now))

    def end(self, reply: Reply, code: str, message: str) -> None:
        """The engine is through; ``code``: it has failed."""
        if not reply.kind:
            reply.kind = "generic"
            self._start(reply)
        if code:
            reply.error = code
            self.complain(reply, code, message)
        self._tell(reply, reply.complete(self._line.now))
        if not reply.draft:
            self._note_text(reply)

    def tell_untold(self, reply: Reply) -> None:
        """It is no draft any more."""
        untold, reply.untold = reply.untold, []
        self._tell(reply, untold)
        if not reply.thinking:
            self._note_text(reply)

    def complain(self, reply: Reply, code: str, message: str) -> None:
        """Something went wrong with it."""
        self._tell(reply, [msg.Error(code, message, id=reply.id)])

    # --- what the engine asks -----------------------------------------------------------------

    def ask(self, reply: Reply, event: ev.InputWanted) -> None:
        """The engine waits for something that the person is to fill in."""
        reply.asked = msg.Ask(reply.id, event.ask, event.fields)
        self._tell(reply, [reply.asked])

    def give_input(self, reply: Reply | None, event: ev.Input) -> bool:
        """Hand it over; False: nothing (or something else) is asked."""
        if event.by and event.by == self._input_by[0]:
            return self._input_by[1]
        taken = self._take_input(reply, event)
        self._input_by = (event.by, taken)
        return taken

    def _take_input(self, reply: Reply | None, event: ev.Input) -> bool:
        asked = None if reply is None or reply.draft or not reply.thinking else reply.asked
        if reply is None or asked is None or event.ask not in {None, asked.id}:
            return False
        reply.asked = None
        self._line.do(do.GiveInput(reply.id, answers_to(asked.fields, event.values)))
        return True

    # --- telling ------------------------------------------------------------------------------

    def _start(self, reply: Reply) -> None:
        start = msg.ReplyStart(reply.id, reply.turn, reply.kind, reply.generation, reply.voice)
        self._tell(reply, [start])

    def _tell(self, reply: Reply, messages: Iterable[msg.Message]) -> None:
        for message in messages:
            if reply.draft:
                reply.untold.append(message)
            else:
                self._tell_one(reply, message)

    def _tell_one(self, reply: Reply, message: msg.Message) -> None:
        if isinstance(message, msg.ReplyStart):
            # A draft knew no turn yet.
            message = msgspec.structs.replace(message, turn=reply.turn)
        self._line.send(message)
        if reply.turn is not None and not isinstance(message, PRIVATE):
            self._line.do(do.Share(message))

    def _note_text(self, reply: Reply) -> None:
        """Its sound takes long; its text is complete."""
        if reply.voice is not None:
            self._line.do(do.NoteText(reply.id, reply.text))
