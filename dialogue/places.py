"""Names of places in what people type or say, and the time zones of those places.

The names come from the time zone database and from ``places.toml``; no network is needed.
"""

from __future__ import annotations

import functools
import re
import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from zoneinfo import available_timezones

from rapidfuzz import fuzz, process

LONGEST_TEXT = 1_000
"""Characters of a text that are read; nobody asks a question in more."""

LONGEST_NAME = 4
"""Words in the longest name of a place."""

AREAS = ("Africa", "America", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific")

# Zones whose last part means something else in a sentence.
NOT_PLACES = frozenset(
    {"casey", "center", "christmas", "davis", "easter", "eastern", "general", "midway", "nome"}
    | {"north", "south", "troll", "wake", "west"}
)

# Cities only behind "in" or "near": "a nice flat", "a cork floor".
ALSO_WORDS = frozenset({"cork", "la", "nice", "rio", "turkey"})

PREPOSITIONS = frozenset(
    {"in", "at", "for", "near", "around", "from", "of", "to", "and", "or", "about", "with"}
)

# Percent of likeness: "Belrin" is 83 like Berlin, "parks" 80 like Paris.
LIKE_ENOUGH = 83
SHORTEST_MISSPELT = 4
MOST_GUESSES = 12  # places in a text where a misspelt name is looked for


@dataclass(frozen=True, slots=True)
class Place:
    """A place as it is said, and its zone: ``Lisbon`` and ``Europe/Lisbon``."""

    name: str
    zone: str


def plain(text: str) -> str:
    """Lower case, without accents, only words with one space between them."""
    decomposed = unicodedata.normalize("NFKD", text[:LONGEST_TEXT]).casefold()
    letters = "".join(c for c in decomposed if not unicodedata.combining(c))
    return " ".join(re.findall(r"\w+", letters))


@functools.cache
def known_places() -> Mapping[str, Place]:
    """Every place we know without asking anybody, by its plain name."""
    places: dict[str, Place] = {}
    for zone in sorted(available_timezones()):
        area, _slash, city = zone.partition("/")
        name = city.rpartition("/")[2].replace("_", " ")
        if area in AREAS and plain(name) not in NOT_PLACES:
            places[plain(name)] = Place(name, zone)
    places.update(_countries_with_one_zone())
    written = tomllib.loads((Path(__file__).parent / "places.toml").read_text("utf-8"))
    for zone, entries in written.items():
        for entry in entries:
            names = entry.split("|")
            places.update({plain(name): Place(names[0], zone) for name in names})
    return places


def _countries_with_one_zone() -> dict[str, Place]:
    table = resources.files("tzdata") / "zoneinfo"
    zones: dict[str, list[str]] = {}
    for code, _coordinates, zone in _rows((table / "zone.tab").read_text("utf-8")):
        zones.setdefault(code, []).append(zone)
    return {
        plain(name): Place(name, zones[code][0])
        for code, name in _rows((table / "iso3166.tab").read_text("utf-8"))
        if len(zones.get(code, ())) == 1
    }


def _rows(table: str) -> list[list[str]]:
    lines = [line for line in table.splitlines() if line and not line.startswith("#")]
    width = 3 if lines[0].count("\t") >= 2 else 2
    return [line.split("\t")[:width] for line in lines]


def names_in(text: str, names: Mapping[str, str]) -> list[str]:
    """Which of ``names`` (plain spelling -> name) stand in ``text``, in order, each once.

    If none does, a misspelt one behind "in", "near" and the like, or in a text of at most three
    words, counts.
    """
    return exact_names_in(text, names) or _misspelt(plain(text).split(), names)


def exact_names_in(text: str, names: Mapping[str, str]) -> list[str]:
    """As ``names_in``, rightly spelt only."""
    return _parted(text, names)[0]


def words_without_names(text: str, names: Mapping[str, str]) -> list[str]:
    """The plain words of ``text`` that are no part of one of ``names``, rightly spelt."""
    return _parted(text, names)[1]


def _parted(text: str, names: Mapping[str, str]) -> tuple[list[str], list[str]]:
    words = plain(text).split()
    found: list[str] = []
    rest: list[str] = []
    at = 0
    while at < len(words):
        for count in range(min(LONGEST_NAME, len(words) - at), 0, -1):
            name = names.get(" ".join(words[at : at + count]))
            if name is not None and _is_meant(words, at, count):
                found.append(name)
                at += count
                break
        else:
            rest.append(words[at])
            at += 1
    return list(dict.fromkeys(found)), rest


def _is_meant(words: list[str], at: int, count: int) -> bool:
    if count > 1 or words[at] not in ALSO_WORDS:
        return True
    return at > 0 and words[at - 1] in {"in", "near"}


def _misspelt(words: list[str], names: Mapping[str, str]) -> list[str]:
    starts = [i + 1 for i, word in enumerate(words) if word in PREPOSITIONS]
    if len(words) <= 3:
        starts = list(range(len(words)))
    best, best_likeness = "", 0.0
    for start in starts[:MOST_GUESSES]:
        for count in (1, 2, 3):
            candidate = " ".join(words[start : start + count])
            if (
                len(candidate) < SHORTEST_MISSPELT
                or start + count > len(words)
                or candidate in ALSO_WORDS
            ):
                continue
            match = process.extractOne(
                candidate, names.keys(), scorer=fuzz.ratio, score_cutoff=LIKE_ENOUGH
            )
            if match is not None and match[1] > best_likeness:
                best, best_likeness = names[match[0]], match[1]
    return [best] if best else []


def place_named(name: str) -> Place | None:
    """The known place of this name, or of one that is spelt almost so."""
    found = known_places().get(plain(name))
    if found is None and (names := _misspelt(plain(name).split(), place_names())):
        found = known_places()[plain(names[0])]
    return found


@functools.cache
def place_names() -> Mapping[str, str]:
    """What known places are called, by plain spelling."""
    return {spelling: place.name for spelling, place in known_places().items()}
