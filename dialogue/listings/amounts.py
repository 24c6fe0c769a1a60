"""Reads amounts in English text: "under 300k", "two bedrooms", "€1.200.000", "80 to 100 m2".

Pure. Number words become digits first (text2num), then one pattern finds every amount with its
unit, and the words around it say whether it is a limit.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from text_to_num import alpha2digit  # type: ignore[import-untyped]

Unit = Literal["money", "area", "bedrooms", "bathrooms", ""]
Bound = Literal["min", "max", "around", "exact"]

SQUARE_METRES_PER_SQUARE_FOOT = 0.092_903
# Typographic signs by number, as they look like others: minus, en and em dash, apostrophe.
DASHES = "-\u2212\u2013\u2014"
SEPARATORS = "[.,'\u2019 ]"
LONGEST_NUMBER = 15  # digits; what is longer is no amount of anything here


@dataclass(frozen=True, slots=True)
class Amount:
    """``low`` to ``high`` of something; one of them is None where the text sets no such limit."""

    unit: Unit
    low: float | None
    high: float | None
    bound: Bound
    currency: str = ""
    has_scale: bool = False


@dataclass(frozen=True, slots=True)
class _Number:
    start: int
    end: int
    value: float
    scale: float
    unit: Unit
    currency: str
    tail: str  # "+", "or more": a limit written behind the number


CURRENCIES = {
    "EUR": r"€|eur\b|euros?\b",
    "GBP": r"£|gbp\b|pounds?\b(?: sterling\b)?|quid\b",
    "USD": r"(?:us)?\$|usd\b|(?:us )?dollars?\b",
}
_CURRENCY = "|".join(CURRENCIES.values()).replace(" ", r"\ ")  # for a verbose pattern
_SCALES = {"k": 1e3, "thousand": 1e3, "1000": 1e3, "grand": 1e3}
_MILLION = r"m|mn|mln|mio|million|millions|1000000"
_TAIL = (
    r"\+|or\ (?:more|less|fewer|under|over|cheaper|larger|bigger|smaller)\b|and\ (?:up|more)\b"
    r"|plus\b|max(?:imum)?\b|min(?:imum)?\b|tops\b"
)

_NUMBER = re.compile(
    rf"""
    (?<![\w.,^])
    (?P<before>{_CURRENCY})?\ ?
    (?P<digits>\d{{1,3}}(?:{SEPARATORS}\d{{3}})+(?:[.,]\d{{1,2}})?(?!\d)|\d+(?:[.,]\d+)?)
    (?P<scaled>\ ?(?P<scale>k|thousand|grand|1000|{_MILLION})(?![\w^²]))?
    \ ?(?P<tail>{_TAIL})?
    (?:
        \ ?(?P<money>{_CURRENCY})
      | [\ -]?(?P<area>m2|m\^2|sq\.?\ ?m(?:et(?:er|re)s?)?\b|sqm\b|qm\b|square\ met(?:er|re)s?\b|met(?:er|re)s?\b)
      | [\ -]?(?P<feet>sq\.?\ ?f(?:ee)?t\b|ft2|square\ f(?:ee|oo)t\b)
      | [\ -]?(?P<bed>bed(?:room)?s?\b|bd(?:rm)?s?\b|br\b|bedroomed\b)
      | [\ -]?(?P<bath>bath(?:room)?s?\b|ba\b)
    )?
    \ ?(?P<late_tail>{_TAIL})?
    """,
    re.VERBOSE,
)

_LIMITS: tuple[tuple[Bound, str], ...] = (
    # "no more than" before "more than"
    (
        "max",
        r"\bunder|\bbelow|\bless than|\bfewer than|\bcheaper than|\bup to|\bat most|\bmax|\bmaximum"
        r"|\bmax\.|\b(?:no|not) (?:more|bigger|larger|dearer) than|\bnot (?:over|above)"
        r"|\bwithin|\bbelow|\bbudget|\bsmaller than|\buntil|\btill|<=?",
    ),
    (
        "min",
        r"\bover|\babove|\bmore than|\bat least|\bmin|\bmin\.|\bminimum|\bfrom|\bstarting at"
        r"|\bstarting from|\b(?:no|not) (?:less|fewer|cheaper|smaller) than|\bnot (?:under|below)"
        r"|\bbigger than|\blarger than|>=?",
    ),
    (
        "around",
        r"\baround|\babout|\bapproximately|\bapprox|\bapprox\.|\broughly|\bcirca|\bca\.?|~",
    ),
)
_BEFORE = tuple(
    (bound, re.compile(rf"(?:{words})(?: (?:a|an|the|of|is|are|about|price|rent|budget|:))*[ :]*$"))
    for bound, words in _LIMITS
)
_TAILS: dict[str, Bound] = {
    "+": "min",
    "or more": "min",
    "or over": "min",
    "or larger": "min",
    "or bigger": "min",
    "and up": "min",
    "and more": "min",
    "plus": "min",
    "min": "min",
    "minimum": "min",
}
_JOINED = re.compile(rf"\s*(?:[{DASHES}]|to|or|and|until|till)\s*(?:about |at most |up to |the )?")


def amounts_in(text: str) -> Iterator[Amount]:
    """Every amount in ``text``, in order; what no listing can have is left out."""
    readable = _readable(text)
    numbers = [n for match in _NUMBER.finditer(readable) if (n := _number(readable, match))]
    past = 0  # where the previous amount ended
    i = 0
    while i < len(numbers):
        first = numbers[i]
        before = readable[past : first.start]
        second = numbers[i + 1] if i + 1 < len(numbers) else None
        if second is not None and _is_range(readable, before, first, second):
            yield _range(first, second)
            past = second.end
            i += 2
        else:
            yield _amount(first, before)
            past = first.end
            i += 1


def _readable(text: str) -> str:
    """Lower case, one kind of space, digits for number words."""
    lowered = unicodedata.normalize("NFKC", text).lower()
    lowered = re.sub(r"\s+", " ", lowered)
    lowered = re.sub(r"(?<=[a-z])-(?=[a-z])", " ", lowered)  # two-bedroom
    lowered = re.sub(r"\bhalf a million\b", "500000", lowered)
    lowered = re.sub(r"\b(?:a |one )?million and a half\b", "1500000", lowered)
    lowered = re.sub(r"\ba (?=hundred|thousand|million)", "one ", lowered)
    lowered = re.sub(r"\bbetween (.{1,80})", _part_between, lowered)
    # In pieces: "and" would join the number words on its two sides into one number.
    return "".join(
        piece if piece in {" to ", " or "} else str(alpha2digit(piece, "en", 0))
        for piece in re.split(r"( to | or )", lowered)
    )


def _part_between(match: re.Match[str]) -> str:
    """ "between A and B" as "A to B"; with several "and" the middle one parts the numbers."""
    parts = match[1].split(" and ")
    if len(parts) == 1:
        return match[0]
    numeric = [
        i for i, part in enumerate(parts[1:], 1) if re.match(r"(?:about )?[\d€£$]|" + _WORD, part)
    ]
    if not numeric:
        return match[0]
    middle = numeric[len(numeric) // 2]
    return "from " + " and ".join(parts[:middle]) + " to " + " and ".join(parts[middle:])


_WORD = (
    r"(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|\w+teen|twenty|thirty|forty"
    r"|fifty|sixty|seventy|eighty|ninety|a|half)\b"
)


def _number(text: str, match: re.Match[str]) -> _Number | None:
    start = match.start()
    is_negative = (
        text[start - 1 : start] in set(DASHES) and not text[max(0, start - 2) : start - 1].strip()
    )
    after = text[match.end() : match.end() + 1]
    if is_negative or after == "^" or sum(c.isdigit() for c in match["digits"]) > LONGEST_NUMBER:
        return None
    value = _value(match["digits"], has_scale=match["scaled"] is not None)
    scale = _SCALES.get(match["scale"] or "", 1e6 if match["scale"] else 1.0)
    unit: Unit = ""
    currency = _currency(match["before"] or match["money"] or "")
    if currency:
        unit = "money"
    elif match["area"]:
        unit = "area"
    elif match["feet"]:
        unit, value = "area", value * SQUARE_METRES_PER_SQUARE_FOOT
    elif match["bed"]:
        unit = "bedrooms"
    elif match["bath"]:
        unit = "bathrooms"
    elif match["scale"] == "m" and match["scaled"].startswith(" ") and value >= 15:
        unit, scale = "area", 1.0  # "80 m"
    elif match["scaled"]:
        unit = "money"
    return _Number(
        start,
        match.end(),
        value,
        scale,
        unit,
        currency,
        match["tail"] or match["late_tail"] or "",
    )


def _value(digits: str, *, has_scale: bool) -> float:
    """ "1.200.000" and "1,200" are thousands; "1.200 million" and "80,5" have decimals."""
    groups = re.split(SEPARATORS, digits)
    separators = re.findall(SEPARATORS, digits)
    if len(groups) == 1:
        return float(digits)
    decimals = len(groups[-1]) != 3 or (has_scale and len(groups) == 2 and separators[0] in ".,")
    if decimals:
        return float("".join(groups[:-1]) + "." + groups[-1])
    return float("".join(groups))


def _currency(sign: str) -> str:
    for code, pattern in CURRENCIES.items():
        if sign and re.match(pattern, sign):
            return code
    return ""


def _bound_before(before: str) -> Bound | None:
    for bound, pattern in _BEFORE:
        if pattern.search(before[-60:]):
            return bound
    return None


def _is_range(text: str, before: str, first: _Number, second: _Number) -> bool:
    joint = _JOINED.fullmatch(text, first.end, second.start)
    if joint is None or first.tail:
        return False
    if "and" in joint[0] and not re.search(r"\bbetween [^.]{0,30}$", before):
        return False
    return first.unit in {"", second.unit} or not second.unit


def _range(first: _Number, second: _Number) -> Amount:
    scale = first.scale
    if scale == 1 and second.scale > 1 and first.value < 1000:
        scale = second.scale  # "300 to 400k"
    low, high = sorted((first.value * scale, second.value * second.scale))
    return Amount(
        unit=second.unit or first.unit,
        low=low,
        high=high,
        bound="exact",
        currency=second.currency or first.currency,
        has_scale=second.scale > 1 or first.scale > 1,
    )


def _amount(number: _Number, before: str) -> Amount:
    value = number.value * number.scale
    bound = _TAILS.get(number.tail, "max") if number.tail else _bound_before(before) or "exact"
    amount = Amount(number.unit, value, value, bound, number.currency, has_scale=number.scale > 1)
    if bound == "min":
        return replace(amount, high=None)
    if bound == "max":
        return replace(amount, low=None)
    return amount
