"""What counts as a word: one rule for the index, for what is sought and for what is marked as found.

A word is a stretch of letters, digits and marks. Case and accents do not count (*Straße* is
*strasse*, *café* is *cafe*), nor do the widths that Unicode calls compatible. Scripts written
without spaces (Chinese, Japanese, Thai, Lao, Khmer, Burmese) would make a whole sentence one word:
there, and for emoji, every character is a word, and what stands together in a search is sought as a
phrase. So *预约* is found in *我想预约明天*, which neither FTS5's ``unicode61`` (one word up to the
next full stop) nor its ``trigram`` (nothing shorter than three characters), nor PostgreSQL's parser
finds. There is no stemming: a turn may be in any language, and none is known for sure.

SQLite calls ``indexed_words`` from its triggers; PostgreSQL has the same rule in SQL, made of the
patterns below (``postgres.py``). A test holds the two together.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

# What is searchable of one turn: a tsvector ends at 1 MB, and to exceed it would fail the turn.
INDEXED_CHARS = 50_000
# A longer "word" is no word; the index keeps its beginning.
WORD_CHARS = 100

# Insides of brackets, for Python's re and for PostgreSQL's regular expressions alike.
UNSPACED = (
    r"\u0e01-\u0e4e\u0e50-\u0e59\u0e81-\u0edf\u1000-\u1049\u1050-\u109f\u1780-\u17d3\u17e0-\u17f9"
    r"\u2600-\u27bf\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3031-\u3035\u3041-\u3096\u309d-\u309f"
    r"\u30a1-\u30fa\u30fc-\u312f\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    r"\U0001f000-\U0001faff\U00020000-\U0003ffff"
)
# The marks that make か into が stay with their character.
VOICED = r"\u3099\u309a"
# Accents, Hebrew and Arabic points, and what is not seen at all.
DIACRITICS = (
    r"\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u0640\u064b-\u065f\u0670"
    r"\u200b-\u200d\u2060\ufe00-\ufe0f"
)
SEPARATORS = (
    r"\u0001-\u002f\u003a-\u0040\u005b-\u0060\u007b-\u00a9\u00ab-\u00b1\u00b4\u00b6-\u00b8"
    r"\u00bb\u00bf\u00d7\u00f7\u055a-\u055f\u0589-\u058f\u05be\u05c0\u05c3\u05c6\u05f3\u05f4"
    r"\u0600-\u060f\u061b-\u061f\u066a-\u066d\u06d4\u0700-\u070d\u0964\u0965\u0970\u0df4"
    r"\u0e3f\u0e4f\u0e5a\u0e5b\u0f04-\u0f14\u0f3a-\u0f3d\u104a-\u104f\u10fb\u1360-\u1368\u1400"
    r"\u166d\u166e\u1680\u169b\u169c\u16eb-\u16ed\u17d4-\u17db\u1800-\u180e\u1944\u1945"
    r"\u2000-\u200a\u200e-\u2070\u2074\u207a-\u207e\u208a-\u208e\u20a0-\u20cf\u2190-\u25ff"
    r"\u27c0-\u2bff\u2e00-\u2e7f\u2ff0-\u3004\u3008-\u3020\u3030\u3036-\u303f\u30a0\u30fb"
    r"\ufd3e\ufd3f\ufe10-\ufe6f\ufeff-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65\uffe0-\uffff"
)

_WORD = re.compile(
    # NUL and lone surrogates are in no text that a database keeps.
    rf"[{UNSPACED}][{VOICED}]?|[^{UNSPACED}{SEPARATORS}\x00\ud800-\udfff]+"
)
_DIACRITICS = re.compile(f"[{DIACRITICS}]")


@dataclass(frozen=True, slots=True)
class Word:
    """``text[start:end]`` of a text, and how it is compared."""

    folded: str
    start: int
    end: int


def words(text: str) -> list[Word]:
    """The words of ``text``, in their order, with where they stand in it (code points)."""
    if text.isascii():
        return [
            Word(match[0][:WORD_CHARS], *match.span()) for match in _WORD.finditer(text.lower())
        ]
    pieces = [_fold(character) for character in text]
    places = [place for place, piece in enumerate(pieces) for _ in piece]
    places.append(len(text))
    return [
        Word(
            match[0][:WORD_CHARS],
            places[match.start()],
            # With the marks that were dropped behind it; one character may also be two words.
            max(places[match.end() - 1] + 1, places[match.end()]),
        )
        for match in _WORD.finditer("".join(pieces))
    ]


def decomposed(text: str) -> str:
    """Characters apart from their marks, the marks in their canonical order (Unicode UAX #15)."""
    return unicodedata.normalize("NFKD", text)


def indexed_words(text: str | None) -> str:
    """What SQLite indexes of ``text``: its words, with a blank between two."""
    text = decomposed((text or "")[:INDEXED_CHARS])
    folded = text.lower() if text.isascii() else "".join(map(_fold, text))
    return " ".join(word[:WORD_CHARS] for word in _WORD.findall(folded))


@lru_cache(maxsize=4096)
def _fold(character: str) -> str:
    bare = _DIACRITICS.sub("", decomposed(character)).lower()
    # A sigma at the end of a word is a sigma.
    return bare.replace("ß", "ss").replace("\u03c2", "\u03c3")
