"""Where the voice of a conversation is: one of its sockets speaks, and the voice can move.

The socket whose call asked the engine *holds* the reply: it writes it, keeps its lease and ends it,
for as long as its process lives. Its voice may be on another socket, here or on another instance:

* Who was cut off in the middle of an answer and comes back wants its voice; the call that has lost
  its listener waits for that for ``RESUME_S``.
* Who presses "play here" (``take_audio``) wants it, too, whoever has it.

The holder gives it away from the sentence on that was reached. The other socket *borrows* the reply:
it follows its text, synthesises and plays it, and reports how much was heard. The holder ends the
reply when all was heard, or when nobody reports any more.
"""

from __future__ import annotations

from . import effects as do
from . import events as ev
from . import messages as msg
from .bot import BotRegion
from .line import Line
from .reply import REPORTS_LOST_S, RESUME_S, Elsewhere, Reply

# A socket that has reported nothing for so long does not speak any more.
QUIET_S = 2.5


class VoicePlace:
    def __init__(self, line: Line, bot: BotRegion, *, resumes: bool) -> None:
        """``resumes``: the client's protocol has words for all this."""
        self._line = line
        self._bot = bot
        self._resumes = resumes
        self._is_here = True
        self._has_asked = False

    def advance(self) -> None:
        """Whoever is answered aloud has the voice."""
        reply = self._bot.reply
        if reply is not None and reply.voice is not None and not reply.draft:
            self._tell(here=True)

    def _tell(self, *, here: bool) -> None:
        if self._resumes and here != self._is_here:
            self._is_here = here
            self._line.send(msg.AudioOwner(here))

    # --- another socket has it ----------------------------------------------------------------

    def on_following(self) -> None:
        """Ask once whether there is an answer to go on with."""
        if self._resumes and self._bot.spoken and not self._has_asked:
            self._has_asked = True
            self._line.do(do.ShareVoice(ev.VoiceWanted("", take=False)))

    def on_take_audio(self) -> None:
        if self._bot.can_hear and self._line.live:
            self._tell(here=True)
            self._line.do(do.ShareVoice(ev.VoiceWanted("", take=True)))

    def on_held(self) -> None:
        if self._bot.reply is None:
            self._tell(here=False)

    def on_given(self, event: ev.VoiceGiven, *, free: bool) -> None:
        """``free``: the person says nothing, and nothing of theirs waits to be answered."""
        if free and self._line.live and self._bot.spoken and self._bot.reply is None:
            self._tell(here=True)
            self._bot.borrow(event)
            return
        nothing = ev.VoiceHeard(event.reply, event.hand, event.start, 0.0, is_over=True)
        self._line.do(do.ShareVoice(nothing))

    def on_followed(self, message: msg.Message) -> None:
        """Something of a reply was told that may be spoken here."""
        if isinstance(message, msg.ReplyStart) and message.voice is not None:
            self._tell(here=False)
        reply = self._bot.reply
        if reply is None or not reply.borrowed:
            return
        match message:
            case msg.Delta(reply=reply.id):
                self._bot.follow_text(reply, message.offset, message.text)
            case msg.TextEnd(reply=reply.id):
                self._bot.follow_text(reply, 0, message.text, is_written=True)
            case msg.ReplyEnd(reply=reply.id):
                self._bot.end("interrupted")
            case msg.TurnChanged() if message.turn.id == reply.id:
                if message.turn.status != "streaming":
                    self._bot.end("interrupted")

    # --- it is here ---------------------------------------------------------------------------

    def on_wanted(self, event: ev.VoiceWanted) -> None:
        if event.take:
            self._tell(here=False)
        reply = self._bot.reply
        if reply is None or reply.draft:
            return
        if reply.borrowed:
            if event.take:
                self._bot.end("interrupted")  # its holder gives it to them
            else:
                self._line.do(do.ShareVoice(ev.VoiceHeld(), event.by))
        elif reply.turn is not None:
            if event.take or self._is_free(reply):
                self._give(reply, event.by)
            elif reply.voice is not None or reply.elsewhere is not None:
                self._line.do(do.ShareVoice(ev.VoiceHeld(), event.by))

    def _is_free(self, reply: Reply) -> bool:
        place = reply.elsewhere
        quiet_since = self._line.now - QUIET_S
        return place is not None and (not place.to or place.reported_at < quiet_since)

    def _give(self, reply: Reply, to: str) -> None:
        now = self._line.now
        self._bot.fall_silent(reply)
        before = reply.elsewhere or Elsewhere(until=now)
        start = reply.reached(now)
        reply.hand += 1
        reply.elsewhere = Elsewhere(
            until=now + REPORTS_LOST_S,
            to=to,
            hand=reply.hand,
            chars=reply.heard_chars(now),
            ms_before=before.ms,
            ms=before.ms,
            reported_at=now,
        )
        given = ev.VoiceGiven(
            reply.id, reply.kind or "generic", reply.text, start, not reply.thinking, reply.hand
        )
        self._line.do(do.ShareVoice(given, to))

    def on_heard(self, event: ev.VoiceHeard) -> None:
        reply = self._bot.alive(event.reply)
        place = reply.elsewhere if reply is not None else None
        if place is None or place.hand != event.hand:
            return
        now = self._line.now
        place.chars = max(place.chars, event.chars)
        place.ms = max(place.ms, place.ms_before + event.ms)
        place.reported_at = now
        place.until = now + REPORTS_LOST_S
        if event.is_over:
            place.to = ""
            place.until = now + RESUME_S
