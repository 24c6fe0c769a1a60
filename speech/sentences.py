"""Cut a text that is still being written into sentences, each as soon as it is known.

How it works. The text since the last cut is *pending*. Candidates for the end of a sentence are
found by one regular expression and judged from left to right, each exactly once:

* a newline, or a terminator of a script that puts no space after it (``。！？``): the end, at once;
* any other terminator counts only when whitespace follows. After an ordinary word it is then
  decided at once, by asking ``sentencex`` (which knows the abbreviations of many languages)
  whether it would split before a capital letter;
* after something that might be an abbreviation, a number, an address or an ellipsis the decision
  waits for the next word, which costs nothing where words arrive with their space in front.

A decision looks at the text up to that word and no further, so it does not depend on how the
text was chopped into deltas. Only *where the whitespace goes* can: it stays with the sentence
before it if it has arrived by then, else it leads the next one.
"""

# ruff: noqa: RUF001, RUF002 - other scripts are what this is about

import re
from typing import Final

import sentencex

_SPACED: Final = ".!?…‼⁇⁈⁉؟۔।॥။።։៕"  # terminators that need whitespace after them
_TIGHT: Final = "。！？｡"  # terminators that do not
_CLOSERS: Final = "\"'”’»)]}*_~`"
_OPENERS: Final = "\"'“‘«([{*_¿¡"
_ONE_LETTER_WORDS: Final = "Iiя"
_TIGHT_CLOSERS: Final = "」』）】》〉〕”’"

_CANDIDATE: Final = re.compile(f"[{_SPACED}]+|[{_TIGHT}]|\n")
_AFTER_CLOSERS: Final = re.compile(f"[{re.escape(_CLOSERS)}]*")
_AFTER_TIGHT: Final = re.compile(f"[{_TIGHT}{_SPACED}{_TIGHT_CLOSERS}]*")
_SPACES: Final = re.compile(r"\s*")
# What may lead a sentence because the one before it was cut the moment it was known.
_LEFTOVER: Final = re.compile(rf"[\s{_TIGHT}{_SPACED}{_TIGHT_CLOSERS}]*")
_SPEAKABLE: Final = re.compile(r"[^\W_]")
_LAST_TOKEN: Final = re.compile(r"\S+\Z")
_ORDINARY: Final = re.compile(r"[^\W\d_]{4,}")
_NEXT_WORD: Final = re.compile(r"(\s+)(\S{1,24})")
_WORD_CHARS: Final = 24  # of the next word that are waited for
_NUMBERED: Final = re.compile(r"[^\w]*(?:\d{1,3}|[^\W\d_])[^\w]*")
_CLAUSE_END: Final = re.compile(r"[,;:–—،؛](?=\s)|[，、；：]")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
# Marks, joiners, variation selectors, skin tones: what belongs to the character before it.
_JOINED: Final = re.compile(
    "[\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u0610-\u061a\u064b-\u065f\u0670"
    "\u0900-\u0903\u093a-\u093c\u093e-\u094f\u0980-\u0983\u09bc\u09be-\u09cd"
    "\u0e31\u0e33-\u0e3a\u0e47-\u0e4e\u0eb1\u0eb3-\u0ebc\u0ec8-\u0ece"
    "\u1ab0-\u1aff\u1dc0-\u1dff\u200c\u200d\u20d0-\u20ff\u302a-\u302f\u3099\u309a"
    "\ufe00-\ufe0f\ufe20-\ufe2f\udc00-\udfff\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]"
)
_TAIL: Final = 64  # characters before a terminator that sentencex is shown
_CLUSTER: Final = 32  # characters back that a cut goes to keep a cluster whole

# Titles and the like that sentencex 1.0 does not know and that come before a capital or a number.
_ABBREVIATIONS: Final[dict[str, frozenset[str]]] = {
    "en": frozenset(["approx", "fig", "vol"]),
    "de": frozenset(
        [
            "hr",
            "fr",
            "frl",
            "st",
            "str",
            "nr",
            "bzw",
            "ca",
            "inkl",
            "evtl",
            "ggf",
            "vgl",
            "prof",
            "dr",
        ]
    ),
    "fr": frozenset(["mme", "mlle", "mm", "dr", "pr", "st", "ste", "av", "bd", "etc", "no"]),
    "es": frozenset(["sr", "sra", "srta", "dr", "dra", "ud", "uds", "av", "pág", "núm", "aprox"]),
    "pt": frozenset(["sr", "sra", "srta", "dr", "dra", "av", "pág", "núm", "aprox", "exmo"]),
    "ru": frozenset(["г", "ул", "им", "руб", "тыс", "млн", "млрд", "см", "стр", "проф"]),
    "hi": frozenset(["डॉ", "श्री"]),
}


class SentenceSplitter:
    """Turns deltas of text into sentences; nothing is lost, added or reordered.

    ``language`` is a BCP 47 tag, of which the first part counts; an unknown one is treated like
    English. ``max_chars`` bounds a sentence, whitespace and leftover punctuation around it not
    counted; a longer one is cut after a comma, else at a space, else between two characters.
    """

    def __init__(self, language: str = "en", max_chars: int = 280) -> None:
        if max_chars < 1:
            raise ValueError("max_chars must be at least 1")
        primary = re.split("[-_]", language, maxsplit=1)[0].lower()
        self._language = primary if re.fullmatch("[a-z]{2,3}", primary) else "en"
        self._abbreviations = _ABBREVIATIONS.get(self._language, frozenset())
        self._max_chars = max_chars
        self._pending = ""
        self._core = 0  # where the text proper of the pending sentence begins
        self._judged = 0  # candidates before this index were found not to end the sentence

    def feed(self, delta: str) -> list[str]:
        """Add text; returns the sentences (may be none) that are complete now."""
        self._pending += delta
        return self._take(final=False)

    def finish(self) -> list[str]:
        """The text is over: returns what is left, and leaves the splitter empty for another."""
        sentences = self._take(final=True)
        if self._pending:
            sentences.append(self._pending)
        self._pending, self._core, self._judged = "", 0, 0
        return sentences

    def _take(self, final: bool) -> list[str]:
        text, start = self._pending, 0
        sentences = []
        while True:
            end = self._end(text, start, final)
            if end is None:
                break
            sentences.append(text[start:end])
            start = self._core = self._judged = end
        if start:  # once per call, so that a long delta is not copied for every sentence
            self._pending = text[start:]
            self._core -= start
            self._judged -= start
        return sentences

    def _end(self, text: str, start: int, final: bool) -> int | None:
        """Index where the sentence that begins at ``start`` ends, None while that is open."""
        self._core = core = _match_end(_LEFTOVER, text, self._core)
        limit = core + self._max_chars
        self._judged = max(self._judged, core)
        while found := _CANDIDATE.search(text, self._judged, limit + 1):
            if found.end() > limit:
                break  # too long before it ends
            verdict = self._verdict(text, core, found, final)
            if verdict is None:
                return None
            if verdict:
                return verdict
            self._judged = found.end()
        # The character after the limit tells whether a cut would part a cluster.
        return self._cut(text, start, limit) if len(text) > limit else None

    def _verdict(self, text: str, core: int, found: re.Match[str], final: bool) -> int | None:
        """The end of the sentence if it is at ``found``, 0 if it is not, None if not yet known."""
        if found[0] != "\n" and found[0] not in _TIGHT:
            return self._spaced_verdict(text, core, found, final)
        if not _SPEAKABLE.search(text, core, found.start()):
            return 0
        after = found.end() if found[0] == "\n" else _match_end(_AFTER_TIGHT, text, found.end())
        return _match_end(_SPACES, text, after)

    def _spaced_verdict(
        self, text: str, core: int, found: re.Match[str], final: bool
    ) -> int | None:
        after = _match_end(_AFTER_CLOSERS, text, found.end())
        if after == len(text):  # the run of terminators may go on
            return 0 if final else None
        if (
            not text[after].isspace()
            or not _SPEAKABLE.search(text, core, found.start())
            # "1. Wash the rice": the number of a list item is no sentence
            or _NUMBERED.fullmatch(text, core, found.start())
        ):
            return 0
        before = text[max(core, found.start() - _TAIL) : found.start()]
        token = _LAST_TOKEN.search(before)
        word = token[0].lstrip(_OPENERS) if token else ""
        ahead = _word_ahead(text, after, final) if self._is_doubtful(word, found[0]) else "A"
        if not ahead:
            return None if ahead is None else 0
        if not ahead[0].islower() and self._splits(before, word, found[0], ahead):
            return _match_end(_SPACES, text, after)
        return 0

    def _is_doubtful(self, word: str, terminator: str) -> bool:
        """Whether only the next word tells if ``terminator`` after ``word`` ends a sentence."""
        if terminator not in (".", "!", "?") and set(terminator) <= {".", "…"}:
            return True
        if _ORDINARY.fullmatch(word):
            return False
        # Scripts without capitals gain nothing from the next word; nor do "!" and "?" after a
        # word, but "?" also stands in addresses.
        if terminator[0] != ".":
            return any(mark in word for mark in "./@=&")
        return word.isascii() or word.upper() != word.lower()

    def _splits(self, before: str, word: str, terminator: str, next_word: str) -> bool:
        if terminator == ".":
            if word.lower() in self._abbreviations:
                return False
            if len(word) == 1 and word.isalpha() and word not in _ONE_LETTER_WORDS:
                return False  # "J. K. Rowling", "M. Dupont", "z. B."
        elif set(terminator) <= {".", "…"}:
            return True  # an ellipsis; a small letter after it was seen to before
        shown = _SURROGATE.sub("x", f"{before}{terminator} {next_word}")
        pieces = sentencex.segment(self._language, shown)
        return len(pieces) > 1 and len(pieces[-1]) <= len(next_word) + 1

    def _cut(self, text: str, start: int, limit: int) -> int:
        """Where to part a sentence that is too long: at most ``limit``."""
        core = self._core
        middle = core + (limit - core) // 2
        clauses = [m.end() for m in _CLAUSE_END.finditer(text, middle, limit)]
        if clauses:
            return _match_end(_SPACES, text, clauses[-1])
        if text[limit].isspace():
            return _match_end(_SPACES, text, limit)
        spaces = [m.end() for m in re.finditer(r"\s+", text[middle:limit])]
        if not spaces:
            middle, spaces = core, [m.end() for m in re.finditer(r"\s+", text[core:limit])]
        if spaces:
            return middle + spaces[-1]
        for cut in range(limit, max(core, limit - _CLUSTER), -1):
            if not _JOINED.match(text, cut) and text[cut - 1] != "\u200d":
                return cut
        return limit


def _match_end(pattern: re.Pattern[str], text: str, position: int) -> int:
    match = pattern.match(text, position)
    return position if match is None else match.end()


def _word_ahead(text: str, after: int, final: bool) -> str | None:
    """The word after the spaces at ``after``, "" if the line or text ends first, None if unknown."""
    ahead = _NEXT_WORD.match(text, after)
    if ahead is None:
        return "" if final or "\n" in text[after:] else None
    if "\n" in ahead[1]:
        return ""
    if ahead.end() == len(text) and len(ahead[2]) < _WORD_CHARS and not final:
        return None
    return ahead[2].lstrip(_OPENERS) or "A"
