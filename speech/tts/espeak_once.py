"""One text spoken by an espeak-ng that has never spoken before: always the very same samples.

Within a process espeak-ng goes on with the wavering of its pitch where the last text left it, and has
no way to begin again. So what has to be repeatable is spoken by a program of its own:
``python -m speech.tts.espeak_once VOICE SPEED``, text in UTF-8 in, S16LE out. It waits for whoever
reads, so it needs no more memory for a long text.
"""

import sys
import threading
from dataclasses import dataclass, field

from speech.tts.espeak_library import Job, library
from speech.tts.pieces import pieces

MAX_CHARS = 300


@dataclass(eq=False, slots=True)
class _Written(Job):
    """Goes out as it is made."""

    done: threading.Event = field(default_factory=threading.Event)
    failure: str = ""

    def put(self, audio: bytes) -> bool:
        sys.stdout.buffer.write(audio)
        sys.stdout.buffer.flush()
        return True

    def end(self, failure: str = "") -> None:
        self.failure = failure
        self.done.set()


def main() -> None:
    voice, speed = sys.argv[1], float(sys.argv[2])
    text = sys.stdin.buffer.read().decode()
    identifier = library().identifiers[voice]
    for piece in pieces(text, voice.partition(":")[2], MAX_CHARS):
        job = _Written(piece.encode(), identifier, speed, 0, lambda: None)
        library().submit(job)
        job.done.wait()
        if job.failure:
            sys.exit(job.failure)


if __name__ == "__main__":
    main()
