"""Which places a question about live information names, known to us or not."""

from __future__ import annotations

import re

from dialogue.places import LONGEST_TEXT, exact_names_in, place_names

MOST_PLACES = 4
LONGEST_NAME = 60  # characters

_BEHIND = re.compile(r"\b(?:in|for|at|near|around|about)\s+(?:the\s+)?([^?!.;:]+)", re.IGNORECASE)
_END = re.compile(
    r"\b(?:today|tonight|tomorrow|now|right now|currently|at the moment|please|like|this|next|is|on"
    r"|going|will|be|it)\b.*",
    re.IGNORECASE,
)
_NO_PLACE = re.compile(
    r"^(?:\d.*|morning|afternoon|evening|night|weekend|week|moment|minute|hour|me|you|us|here|there"
    r"|(?:my|your|his|her|our|their)\b.*)?$",
    re.IGNORECASE,
)


def asked_places(text: str) -> list[str]:
    """The names behind "in", "for" or "near", four at most; else the known places in the text."""
    text = text[:LONGEST_TEXT]
    if behind := _BEHIND.search(text):
        listed = _END.sub("", behind[1])
        names = [
            re.sub(r"^(?:in|for|at|near)\s+", "", part.strip(" ,"), flags=re.IGNORECASE)
            for part in re.split(r",|\band\b|&", listed)
        ]
        named = [name[:LONGEST_NAME].strip() for name in names if not _NO_PLACE.match(name)]
        if named:
            return list(dict.fromkeys(named))[:MOST_PLACES]
    return exact_names_in(text, place_names())[:MOST_PLACES]
