"""What else a home should have, as said: "with a pool", "near the park", "quiet". Pure.

No field of a listing says so; these words are looked for in its title and description.
"""

from __future__ import annotations

import re

MOST_FEATURES = 4
LONGEST_FEATURE = 3  # words

ADJECTIVES = frozenset(
    {"bright", "furnished", "modern", "quiet", "renovated", "spacious", "sunny", "unfurnished"}
)
# Known without "with": "house pool garden".
_THINGS = {
    "pool": "a pool", "garden": "a garden", "balcony": "a balcony", "terrace": "a terrace",
    "garage": "a garage", "parking": "parking", "lift": "a lift", "elevator": "an elevator",
    "cellar": "a cellar", "fireplace": "a fireplace", "pets": "pets allowed",
}  # fmt: skip
_ALSO = {"lift": ("elevator",), "elevator": ("lift",), "parking": ("garage",)}
_ARTICLES = frozenset({"a", "an", "the", "some", "its", "own", "big", "large", "nice", "private"})
_END = re.compile(
    r"\b(?:in|at|on|under|over|above|below|for|to|from|between|up|less|more|than|that|which|with|near"
    r"|around|about|by|within|max|maximum|min|minimum|please|close|next|or|and|but|without|is|are)\b"
)
_BEHIND = re.compile(r"\b(with|near|close to|next to)\b")
_COUNTED = re.compile(r"\d|\b(?:bed|bath|room|m2|sqm|square|budget|price|one|two|three|four)")
_WITHOUT = re.compile(r"\bwithout (?:(?:an?|the|any) )?(\w+)")


def features_in(words: str, places: frozenset[str]) -> tuple[str, ...]:
    """The features in plain ``words``, such as ``with a pool``; ``places`` are no feature."""
    found = [word for word in words.split() if word in ADJECTIVES]
    words = _WITHOUT.sub(" ", words)
    for match in _BEHIND.finditer(words):
        rest = words[match.end() :]
        joined = match[1] == "with"
        for part in re.split(r"\band\b", rest) if joined else [rest]:
            end = _END.search(part)
            named = (part[: end.start()] if end else part).split()
            thing = [word for word in named if word not in _ARTICLES][:LONGEST_FEATURE]
            if thing and not _COUNTED.search(" ".join(named)) and not places.intersection(thing):
                said = " ".join(thing)
                article = _THINGS.get(said) or " ".join([*named[:1], said])
                said = article if named[0] in _ARTICLES or said in _THINGS else said
                found.append(f"{match[1]} {said}")
            if end is not None:
                break
    for word, said in _THINGS.items():
        if re.search(rf"\b{word}s?\b", words) and not any(word in other for other in found):
            found.append(f"with {said}")
    return tuple(dict.fromkeys(found))[:MOST_FEATURES]


def without_in(words: str) -> tuple[str, ...]:
    """What homes should not have, which cannot be searched."""
    return tuple(f"homes {match[0]}" for match in _WITHOUT.finditer(words))


def pattern(feature: str) -> str:
    """A regular expression, for any database, of the texts that name the feature."""
    words = re.sub(r"^(?:with|near|close to|next to) ", "", feature).split()
    thing = " ".join(word for word in words if word not in _ARTICLES)
    spellings = [_singular(thing), *_ALSO.get(thing, ())]
    return rf"(^|\W)({'|'.join(re.escape(spelling) for spelling in spellings)})"


def _singular(thing: str) -> str:
    return thing[:-1] if len(thing) > 3 and thing.endswith("s") and thing[-2] != "s" else thing
