"""What a reviewer types into the search field.

``refund order``     both words, anywhere in a turn
``"refund order"``   one behind the other
``-order``           turns without the word (or ``-"a phrase"``)
``refun*``           words that begin so; the last word is always taken so, from three letters

Nothing is malformed: every other sign separates words, as it does in what was said. ``foo-bar``,
``ann@example.com`` and a stretch of Chinese are sought as phrases.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from .words import decomposed, words

# Nobody types more. What comes after is not sought.
MAX_CHARS = 1000
MAX_WORDS = 32
# Shorter beginnings would gather half of all words.
BEGINNING_CHARS = 3

_QUOTES = str.maketrans(dict.fromkeys("“”„‟«»\uff02", '"'))
_PART = re.compile(r'(?P<minus>-?)(?:"(?P<phrase>[^"]*)"|(?P<plain>\S+))')


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words that follow each other, as ``words.Word.folded``; of the last perhaps its beginning."""

    words: tuple[str, ...]
    is_beginning: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """Turns with all of ``wanted`` and none of ``unwanted``; without ``wanted`` there are none."""

    wanted: tuple[Phrase, ...]
    unwanted: tuple[Phrase, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.wanted)


def parse(text: str) -> Query:
    """What is meant. Takes any string and raises nothing."""
    text = decomposed(text[:MAX_CHARS].translate(_QUOTES))
    wanted: list[Phrase] = []
    unwanted: list[Phrase] = []
    left = MAX_WORDS
    for part in _PART.finditer(text):
        said = part["phrase"] if part["plain"] is None else part["plain"]
        found = tuple(word.folded for word in words(said))[:left]
        if not found:
            continue
        left -= len(found)
        is_last = part["plain"] is not None and part.end() == len(text) and not part["minus"]
        is_beginning = len(found[-1]) >= BEGINNING_CHARS and (
            is_last or (part["plain"] or "").endswith("*")
        )
        (unwanted if part["minus"] else wanted).append(Phrase(found, is_beginning))
    return Query(tuple(wanted), tuple(unwanted))
