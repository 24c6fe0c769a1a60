"""Whether a sentence that somebody is speaking looks finished, told from its words.

Recognisers mostly write no punctuation, so it is the last word that tells, with the one before it:
after "in", "the" or "and" more will come, but not after "come in". Only a hint: it makes the wait
for the end of a turn shorter or longer.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_BE = "is are was were am"
_AUXILIARY = f"{_BE} do does did will would can could should shall may might must have has had"
_SUBJECT = "i he she we they"
_PRONOUN = f"{_SUBJECT} you it"
_THIS = "this that these those"
_ASKING = "what who where when why how what's who's where's how's"
_NUMBER = (
    "zero oh one two three four five six seven eight nine ten eleven twelve thirteen fourteen"
    " fifteen sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty"
    " ninety hundred thousand"
)
_ALONE = "^"


class _Rule(NamedTuple):
    """What it means to end in one of these words, after one of those, begun with such a one.

    Empty: any will do; ``^`` before it: nothing is. ``least``: in so many words at least.
    """

    finished: bool | None
    last: frozenset[str]
    before: frozenset[str]
    first: frozenset[str]
    least: int

    def fits(self, words: list[str]) -> bool:
        before = words[-2] if len(words) > 1 else _ALONE
        return (
            words[-1] in self.last
            and (not self.before or before in self.before)
            and (not self.first or words[0] in self.first)
            and len(words) >= self.least
        )


def _rule(
    finished: bool | None, last: str, *, before: str = "", first: str = "", least: int = 1
) -> _Rule:
    return _Rule(
        finished,
        frozenset(last.split()),
        frozenset(before.split()),
        frozenset(first.split()),
        least,
    )


# How English sentences end. The first rule that fits holds; where none does, it looks finished.
_ENGLISH = (
    # "Yes it is", "how much is it"; but "can you", "what do you", "the ones that i".
    _rule(True, _AUXILIARY, before=f"{_PRONOUN} {_THIS} there", first="yes yeah no", least=3),
    _rule(True, _PRONOUN, before=_BE, first=f"{_ASKING} so", least=3),
    _rule(False, _PRONOUN, before=_AUXILIARY),
    _rule(False, _SUBJECT),
    # "What can you do", "what do you mean".
    _rule(True, "do mean", before=_PRONOUN, first=_ASKING, least=4),
    # "I do", "tell me what it is"; but "how much is".
    _rule(None, _AUXILIARY, before=_PRONOUN),
    _rule(True, "not", before="why hope"),
    _rule(False, f"{_AUXILIARY} be been being not"),
    # "What is that", "show me those"; but "i think that".
    _rule(False, _THIS, before="think say says said know hope believe mean sure"),
    _rule(True, _THIS, before="what's who's"),
    _rule(None, _THIS, before=f"{_ALONE} {_BE}", first=f"{_BE} {_THIS}"),
    # "The second one"; but numbers may go on: "two" rooms, "five hundred" euros, "five five seven".
    _rule(True, "one", before="the this that which another want need first second third last next"),
    _rule(None, _NUMBER),
    # "Tell me why", "how many".
    _rule(None, "what who where when why how", before=f"{_ALONE} and so"),
    _rule(None, "many much long old far big", before="how"),
    # "Come in", "turn it on", "where are you from", "what is the weather like".
    _rule(True, "in on over", before="come go hold carry move log sign"),
    _rule(True, "in on", before="it them", first="turn switch put"),
    _rule(True, "like", first=_ASKING, least=4),
    _rule(True, "about", before=f"it {_THIS}", first=_ASKING),
    _rule(None, "from for at on to with", before=f"{_PRONOUN} looking talking", first=_ASKING),
    _rule(False, "in on at to from of for with without by about into under between near like than"),
    _rule(False, "as until during against towards toward across except"),
    _rule(None, "over her before after since through around"),
    # "There is no", "it's really"; but "i said no", "not really", "i think so", "as well".
    _rule(False, "no", before=f"{_BE} have has with"),
    _rule(True, "really very", before="not"),
    _rule(False, "really", before=f"{_PRONOUN} {_BE} it's that's i'm"),
    _rule(True, "so", before="think hope guess suppose that how"),
    _rule(True, "well", before="as very"),
    _rule(None, "more less", before=_ALONE),
    _rule(None, "some any", least=3),
    # "Give me", "i need"; but "that is what i need".
    _rule(False, "me", before="give tell find show send get let bring"),
    _rule(None, "want need mean", least=4),
    _rule(False, "want need mean looking"),
    _rule(False, "please", before=f"you {_ALONE}"),
    _rule(
        False, "a an the my your his its our their which whose some any every each another other"
    ),
    _rule(
        False, "and or but because if whether while also then so well very actually um uh er hmm"
    ),
    _rule(
        False, "i'm i've i'd i'll it's that's there's here's let's he's she's you're you've you'll"
    ),
    _rule(False, "we're we've we'll they're they've what's who's where's how's"),
)
# Of one word alone it is not known whether more will come, but of these.
_COMPLETE = frozenset(
    [
        "yes",
        "yeah",
        "yep",
        "no",
        "nope",
        "ok",
        "okay",
        "sure",
        "right",
        "hello",
        "hi",
        "hey",
        "thanks",
        "bye",
        "goodbye",
        "stop",
        "help",
        "great",
        "wait",
        "continue",
        "cancel",
        "exactly",
        "correct",
        "never",
        "maybe",
    ]
)
_TERMINAL = re.compile(r"[.!?\u3002\uff01\uff1f\u061f\u0964]['\")\u201d\u2019]*$")
_OPEN = re.compile(r"[,;:\u2013\u2014-]$|\.\.\.$|\u2026$")
_WORD = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)?")


def looks_finished(text: str, language: str = "en") -> bool | None:
    """True: it may end here; False: more is to come; None: no idea (also: a language not known)."""
    text = text.strip()
    if _OPEN.search(text):
        return False
    if _TERMINAL.search(text):
        return True
    words = [word.lower().replace("\u2019", "'") for word in _WORD.findall(text)]
    if not words or not language.lower().startswith("en"):
        return None
    finished = next((rule.finished for rule in _ENGLISH if rule.fits(words)), True)
    return None if finished and len(words) == 1 and words[0] not in _COMPLETE else finished
