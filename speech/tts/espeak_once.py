"""Sentences spoken by an espeak-ng that has never spoken before: always the very same samples.

Within a process espeak-ng goes on with the wavering of its pitch where the last text left it, and has
no way to begin again. So what has to be repeatable is spoken by a program of its own:
``python -m speech.tts.espeak_once VOICE SPEED``, a sentence a line in UTF-8 in, S16LE out.
"""

import sys
import threading
from dataclasses import dataclass, field

from speech.tts.espeak_library import Job, library


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
    identifier = library().identifiers[voice]
    for line in sys.stdin.buffer:
        job = _Written(line.rstrip(b"\n"), identifier, speed, 0, lambda: None)
        library().submit(job)
        job.done.wait()
        if job.failure:
            sys.exit(job.failure)


if __name__ == "__main__":
    main()
