"""Whether a sentence that somebody is speaking looks finished, told from its words.

Recognisers mostly write no punctuation, so it is the last word that tells: after "in", "the" or
"and" more will come. Only a hint: it makes the wait for the end of a turn shorter or longer.
"""

from __future__ import annotations

import re

# Words after which an English sentence hardly ever ends.
_EXPECTANT_EN = frozenset(
    "a an the and or but so because if when while that which who whose my your his her its our their"
    " this these those in on at to from of for with without by about into over under between near"
    " is are was were am be been being has have had do does did will would can could should shall may"
    " might must not very really more less than as like i we he she they it's i'm there's um uh er"
    " hmm well also then some any every each no two three four five six seven eight nine ten twenty"
    " thirty forty fifty hundred what how where why".split()
)
# Numbers and question words end a sentence often enough when they follow something.
_ENDS_AFTER_MORE = frozenset(
    "two three four five six seven eight nine ten twenty thirty forty fifty hundred"
    " what how where why that this those these not is are was were do does did can could would should"
    " will have has had more less no some any well then so also there's".split()
)
_TERMINAL = re.compile(r"[.!?\u3002\uff01\uff1f\u061f\u0964]['\")\u201d\u2019]*$")
_OPEN = re.compile(r"[,;:\u2013\u2014-]$|\.\.\.$|\u2026$")
_WORD = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)?")
# With that many words before it, such a last word may well be the end.
_ENOUGH_WORDS = 4


def looks_finished(text: str, language: str = "en") -> bool | None:
    """True: it may end here; False: more is to come; None: no idea (a language without a list)."""
    text = text.strip()
    if not text:
        return None
    if _OPEN.search(text):
        return False
    if _TERMINAL.search(text):
        return True
    if not language.lower().startswith("en"):
        return None
    words = [word.lower().replace("\u2019", "'") for word in _WORD.findall(text)]
    if not words:
        return None
    if words[-1] in _EXPECTANT_EN:
        return words[-1] in _ENDS_AFTER_MORE and len(words) >= _ENOUGH_WORDS
    return True
