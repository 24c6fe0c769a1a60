"""Long texts in pieces that an engine can take at once."""

import re
from collections.abc import Iterator
from typing import Final

from speech.sentences import SentenceSplitter

_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f]+")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_WORD: Final = re.compile(r"[^\W_]")
_STEP: Final = 2000  # characters cut into sentences at a time: well under 1 ms


def pieces(text: str, language: str, max_chars: int) -> Iterator[str]:
    """``text`` without control characters, as sentences of at most ``max_chars`` with a word each.

    Lazy, so that 100 kB do not hold up the event loop.
    """
    splitter = SentenceSplitter(language, max_chars)
    for start in range(0, len(text), _STEP):
        yield from filter(None, map(_clean, splitter.feed(text[start : start + _STEP])))
    yield from filter(None, map(_clean, splitter.finish()))


def _clean(sentence: str) -> str:
    sentence = _SURROGATE.sub("", _CONTROL.sub(" ", sentence)).strip()
    return sentence if _WORD.search(sentence) else ""
