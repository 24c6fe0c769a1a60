"""Makes visible what hostile text hides: control characters and those that reorder a line."""

from __future__ import annotations

import re

# C0 without tab and line feed, DEL, C1, line and paragraph separators, bidirectional embeddings,
# overrides and isolates (Unicode UAX #9), characters without width or ink that only hide, tags. The
# marks LRM, RLM, the joiners and the places where a line may break (U+00AD, U+200B) stay: languages
# need them and they reorder nothing.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\u2060-\u2064\ufeff"
    "\u115f\u1160\u180e\u3164\uffa0"
    "\U000e0000-\U000e007f]"
)


def visible(text: str) -> str:
    """``text`` with each hidden character written as ``⟨U+202E⟩``; line ends become ``\\n``."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _HIDDEN.sub(lambda match: f"⟨U+{ord(match[0]):04X}⟩", text)


def without_hidden(text: str) -> str:
    """``text`` without them, for what is going to be edited; line ends become ``\\n``."""
    return _HIDDEN.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def visible_line(text: str) -> str:
    """The same on one line, for titles and names."""
    return visible(" ".join(text.split()))
