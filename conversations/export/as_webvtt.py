"""A call as WebVTT captions on its own timeline (https://www.w3.org/TR/webvtt1/).

One cue for each turn that has text, with the turn's id. The voices are ``<v Person>`` and
``<v Bot>``; what the person did not hear stands in ``<c.unheard>``, which players strike through.
Hidden characters are made visible, as on pages; blank lines, which would end a cue, are left out.
"""

from __future__ import annotations

import html
import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from ..models import Turn
from ..visible_text import visible
from .kept import KeptTurn

VOICES = {Turn.Role.USER: "Person", Turn.Role.ASSISTANT: "Bot"}
# How long text stays that nobody spoke: as long as it takes to read, within bounds.
READING_MS_PER_CHARACTER = 60
SHORTEST_MS = 1_000
LONGEST_MS = 10_000

_HEAD = "WEBVTT\n\nSTYLE\n::cue(.unheard) { text-decoration: line-through; }\n"


@dataclass(frozen=True, slots=True)
class Cue:
    """A turn on the timeline. ``text`` is escaped and has no blank line; ``is_timed``: by sound."""

    start_ms: int
    end_ms: int
    is_timed: bool
    id: str
    text: str


def webvtt(turns: Iterable[KeptTurn], zero: datetime) -> Iterator[bytes]:
    """The file. ``zero`` is when the call began; all cues of one call are in memory at once."""
    yield _HEAD.encode()
    for cue in in_order(cue for kept in turns if (cue := cue_of(kept, zero)) is not None):
        times = f"{timestamp(cue.start_ms)} --> {timestamp(cue.end_ms)}"
        yield f"\n{cue.id}\n{times}\n{cue.text}\n".encode("utf-8", "backslashreplace")


def cue_of(kept: KeptTurn, zero: datetime) -> Cue | None:
    """The cue of a turn, or None where it says nothing.

    It lasts as long as the turn's sound. Without sound it starts where the turn does (or when it
    was stored, if that is not known) and lasts as long as the person listened, or as one reads.
    """
    turn = kept.turn
    text = cue_text(turn)
    if not text:
        return None
    if kept.segments:
        start_ms = min(segment.start_ms for segment in kept.segments)
        end_ms = max(segment.start_ms + segment.duration_ms for segment in kept.segments)
    else:
        stored_ms = round((turn.created_at - zero).total_seconds() * 1000)
        start_ms = max(0, stored_ms) if turn.start_ms is None else turn.start_ms
        end_ms = start_ms + (turn.heard_ms or _reading_ms(turn.text))
    is_timed = bool(kept.segments or turn.heard_ms)
    return Cue(start_ms, max(end_ms, start_ms + 1), is_timed, str(turn.pk), text)


def in_order(cues: Iterable[Cue]) -> Iterator[Cue]:
    """By their start, as WebVTT wants them; text that is only read leaves when the next one comes."""
    ordered = sorted(cues, key=lambda cue: cue.start_ms)
    for cue, after in itertools.zip_longest(ordered, ordered[1:]):
        if after is not None and not cue.is_timed and cue.start_ms < after.start_ms < cue.end_ms:
            yield replace(cue, end_ms=after.start_ms)
        else:
            yield cue


def cue_text(turn: Turn) -> str:
    """What is said in a turn as the text of a cue, or nothing."""
    # Made visible first: some hidden characters count as blanks.
    unheard = visible(turn.unheard_text)
    heard = visible(turn.text[: len(turn.text) - len(turn.unheard_text)])
    missed = _escaped(unheard)
    parts = [_escaped(heard), f"<c.unheard>{missed}</c>" if missed else ""]
    is_cut_in_word = heard[-1:].strip() and unheard[:1].strip()
    said = ("" if is_cut_in_word else " ").join(filter(None, parts))
    return f"<v {VOICES[Turn.Role(turn.role)]}>{said}</v>" if said else ""


def timestamp(ms: int) -> str:
    """Milliseconds as ``hh:mm:ss.ttt``; of hours as many digits as it takes."""
    seconds, ms = divmod(ms, 1000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{ms:03}"


def _escaped(text: str) -> str:
    lines = (line.strip() for line in text.split("\n"))
    return html.escape("\n".join(line for line in lines if line), quote=False)


def _reading_ms(text: str) -> int:
    return min(max(SHORTEST_MS, len(text) * READING_MS_PER_CHARACTER), LONGEST_MS)
