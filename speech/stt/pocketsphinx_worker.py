"""The process in which pocketsphinx decodes, one utterance at a time, between two pipes.

A process and not a thread, because the decoder holds the GIL. It is started as a file, so that it
imports next to nothing, and ends when its standard input does: a server that was killed leaves none
behind. What the server sends and what it gets are frames: kind (u8), length (u32, little endian),
and so many bytes.

=======  ======================================================================================
to here  BEGIN: an utterance; the cepstral mean of its speaker as text, empty if not known
         AUDIO: S16LE mono, 16 kHz
         TELL: the text so far is wanted, now
         END: of the utterance
from     READY: the model is loaded
         HEARD: bytes of AUDIO that are done since the last HEARD or TOLD (u32), the text so far
         TOLD: the same, as the answer to TELL
         ENDED: the cepstral mean of the speaker
=======  ======================================================================================
"""

from __future__ import annotations

import os
import re
import struct
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, BinaryIO, Final

if TYPE_CHECKING:
    from pocketsphinx import Decoder

HEADER: Final = struct.Struct("<BI")
DONE: Final = struct.Struct("<I")
BEGIN, AUDIO, TELL, END = 1, 2, 3, 4
READY, HEARD, TOLD, ENDED = 11, 12, 13, 14

REPORT_MS: Final = 200
"""Of audio between one HEARD and the next."""

_NICENESS: Final = 5  # sound that is due goes before words that are guessed
_WIDEST: Final = 3000  # words and sounds considered at a time; see PocketsphinxRecogniser
_BYTES_PER_MS: Final = 32
_TYPICAL_MEAN: Final = "55,3,-1,0,0,0,0,0,0,0,0,0,0"
# The tables of an utterance grow with it.
_LONG: Final = 20_000 * _BYTES_PER_MS  # cut at the next pause
_TOO_LONG: Final = 60_000 * _BYTES_PER_MS  # cut wherever it is
_I: Final = re.compile(r"\bi\b")


def frame(kind: int, payload: bytes = b"") -> bytes:
    return HEADER.pack(kind, len(payload)) + payload


class Recognition:
    """One decoder and the utterance that it is at."""

    def __init__(self) -> None:
        from pocketsphinx import Decoder  # noqa: PLC0415 - the server reads this file too

        self._decoder: Decoder = Decoder(
            loglevel="FATAL", fwdflat=False, bestpath=False, maxhmmpf=_WIDEST
        )
        self._before: list[str] = []
        self._length = 0

    def begin(self, mean: str) -> None:
        self._before = []
        self._decoder.set_cmn(mean or _TYPICAL_MEAN)
        self._start()

    def hear(self, pcm: bytes) -> None:
        if self._length >= _TOO_LONG:
            self._cut()
        self._decoder.process_raw(pcm)
        self._length += len(pcm)

    def text(self) -> str:
        """All that was understood so far."""
        return _I.sub("I", " ".join(filter(None, [*self._before, self._hypothesis()])))

    def text_at_pause(self) -> str:
        """As ``text``; nobody is speaking just now."""
        if self._length >= _LONG:
            self._cut()
        return self.text()

    def end(self) -> str:
        """The utterance is over; returns the mean of its speaker."""
        self._decoder.end_utt()
        mean: str = self._decoder.get_cmn()
        return mean

    def _hypothesis(self) -> str:
        hypothesis = self._decoder.hyp()
        return hypothesis.hypstr if hypothesis else ""

    def _start(self) -> None:
        self._decoder.start_utt()
        self._length = 0

    def _cut(self) -> None:
        self._decoder.end_utt()
        self._before.append(self._hypothesis())
        self._start()


def serve(incoming: BinaryIO, outgoing: BinaryIO) -> None:
    """Answer frames until the input ends. Raises ``BrokenPipeError`` if nobody reads any more."""
    recognition = Recognition()
    outgoing.write(frame(READY))
    done = 0
    while len(header := incoming.read(HEADER.size)) == HEADER.size:
        kind, length = HEADER.unpack(header)
        payload = incoming.read(length)
        if kind == BEGIN:
            recognition.begin(payload.decode())
            done = 0
        elif kind == AUDIO:
            recognition.hear(payload)
            done += len(payload)
            if done >= REPORT_MS * _BYTES_PER_MS:
                outgoing.write(frame(HEARD, DONE.pack(done) + recognition.text().encode()))
                done = 0
        elif kind == TELL:
            text = recognition.text_at_pause()
            outgoing.write(frame(TOLD, DONE.pack(done) + text.encode()))
            done = 0
        elif kind == END:
            outgoing.write(frame(ENDED, recognition.end().encode()))


def main() -> None:
    os.nice(_NICENESS)
    # Whatever a library may print must not get between the frames.
    outgoing = os.fdopen(os.dup(sys.stdout.fileno()), "wb", buffering=0)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    with suppress(BrokenPipeError):
        serve(sys.stdin.buffer, outgoing)


if __name__ == "__main__":
    main()
