"""How a reply is spoken: sentence by sentence into sound, and the sound out to the client."""

from __future__ import annotations

from speech.speakable import speakable

from . import effects as do
from . import events as ev
from . import messages as msg
from .line import Line
from .reply import Reply

# Synthesis runs this far ahead of what has left, so that an interruption wastes little.
AHEAD_MS = 4_000.0

LAST_SOUND = ev.Sound(payload=b"", ms=0.0, samples=0)


class Mouth:
    """``generation`` rises with every ``clear``: the client drops what is older."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self.generation = 0
        self._sequence = 0

    def synthesise(self, reply: Reply) -> None:
        """Ask for the next sentence, if it is time."""
        if reply.waits_for_voice:
            return
        while reply.synthesising is None and reply.next_piece < len(reply.pieces):
            if reply.voice is None:
                reply.next_piece = len(reply.pieces)
                return
            if reply.playback.waiting_ms > AHEAD_MS:
                return
            index = reply.next_piece
            reply.next_piece += 1
            text = speakable(reply.pieces[index].text)
            if text:
                reply.synthesising = index
                self._line.do(do.Synthesize(reply.id, index, text, reply.speed))

    def take(self, reply: Reply, event: ev.SoundArrived) -> None:
        """Some sound of the sentence that was asked for."""
        reply.playback.push(event.sentence, event.sound)
        reply.pieces[event.sentence].duration_ms += event.sound.ms
        reply.mark("first_sound", self._line.now)

    def play(self, reply: Reply, index: int, sound: ev.Sound) -> None:
        """Let sound of a sentence leave, which has been popped."""
        piece = reply.pieces[index]
        # What has been popped is counted as sent already.
        start_ms = reply.playback.sent_ms - sound.ms
        first = not piece.announced
        if first:
            piece.announced = True
            piece.offset_ms = start_ms
            offset_ms = round(start_ms)
            self._line.send(msg.Sentence(reply.id, index, piece.text, piece.start, offset_ms))
        audio = msg.Audio(
            reply=reply.id,
            generation=reply.generation,
            sequence=self._sequence,
            position=reply.playback.sent_samples - sound.samples,
            first=first,
            last=sound is LAST_SOUND,
            audio=sound.payload,
        )
        self._sequence += 1
        self._line.do(do.Play(audio, sound, reply.playback.plays_until - sound.ms / 1000))

    def clear(self) -> None:
        """The client falls silent."""
        self.generation = (self.generation + 1) % 65_536
        self._line.send(msg.Clear(self.generation))

    def cut_recording(self, reply: Reply) -> None:
        """Of its sound no more was heard than until now."""
        # A clip that was taken back comes again from its start.
        heard_ms = min(reply.playback.heard_ms(self._line.now), reply.playback.sent_ms)
        self._line.do(do.CutRecording(reply.id, heard_ms))
