"""A stretch of the person's speech, and how long to wait before it counts as a turn."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from speech.endpointing import looks_finished

# How long to wait after the last sound of a voice, by what was said.
FINISHED_S = 0.2
NO_IDEA_S = 0.45
UNFINISHED_S = 0.8
# Whoever often goes on after they were taken to have ended gets more time, up to this.
CEILING_S = 1.5
# A recogniser that does not answer for so long will not.
RECOGNISER_S = 10.0
# Nobody speaks for longer without a pause; what comes then is another utterance.
LONGEST_S = 60.0

# While the bot speaks: so long a voice is real, words or not, and by then it has to be known.
REAL_VOICE_S = 0.6
DECIDE_S = 1.0
REAL_VOICE_MS = 300.0


@dataclass(slots=True)
class Utterance:
    """``began_at`` and ``ended_at``: of the voice itself; ``noticed_at``: when we knew of it.

    ``pause`` counts its pauses; ``text`` is what was said until the last one, None while that is not
    known. ``over_reply`` was alive when it began; ``real``: whether it cuts that reply, rather than
    being a noise or an echo; None: not decided.
    """

    id: str
    began_at: float
    noticed_at: float
    ended_at: float | None = None
    voice_ms: float = 0.0
    pause: int = 0
    partial: str = ""
    text: str | None = None
    engine: str = ""
    error: tuple[str, str] | None = None
    released: bool = False
    over_reply: str | None = None
    real: bool | None = None
    unanswered: bool = False
    draft: str | None = None
    timings: dict[str, float] = field(default_factory=dict)

    def mark(self, stage: str, now: float) -> None:
        """Note when a stage was reached, in ms since the voice ended."""
        assert self.ended_at is not None
        self.timings[stage] = round((now - self.ended_at) * 1000, 1)

    def is_over_at(self, language: str, patience: float) -> float:
        """When its silence has lasted long enough (monotonic seconds). It has paused."""
        assert self.ended_at is not None
        if self.released:
            return self.ended_at
        if self.text is None:
            wait_s = NO_IDEA_S
        else:
            finished = looks_finished(self.text, language)
            wait_s = {True: FINISHED_S, False: UNFINISHED_S, None: NO_IDEA_S}[finished]
        return self.ended_at + min(wait_s * patience, CEILING_S)


# Fewer words than that may well be an answer in the bot's own words.
ECHO_WORDS = 3
_WORD = re.compile(r"[^\W_]+")


def is_echo(said: str, by_the_bot: str) -> bool:
    """Whether the person "said" just what the bot has just said: three words or more, in a row."""
    words, bots = (_WORD.findall(text.lower()) for text in (said, by_the_bot))
    count = len(words)
    return count >= ECHO_WORDS and any(
        bots[at : at + count] == words for at in range(len(bots) - count + 1)
    )
