"""What seeded people and bots say: sentences in several languages, with names and numbers put in.

Some words are in most turns and some in one, as in real conversations: what a search for a common
and for a rare word takes can be measured.
"""

from __future__ import annotations

import random
import tomllib
from dataclasses import dataclass
from pathlib import Path

SENTENCES = Path(__file__).with_name("sentences.toml")
_SYLLABLES = (
    *("ba", "be", "bo", "da", "del", "do", "fa", "fin", "ga", "gor", "ha", "hel", "ka", "kol"),
    *("la", "len", "ma", "mar", "na", "nor", "pa", "ro", "sa", "sol", "ta", "tor", "va", "wen"),
)
_REFERENCE = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"


@dataclass(frozen=True, slots=True)
class Speech:
    """Sentences of one language, as ``sentences.toml`` explains them."""

    share: int
    person: list[str]
    bot: list[str]
    space: str = " "


SPEECHES = {
    language: Speech(**speech)
    for language, speech in tomllib.loads(SENTENCES.read_text("utf-8")).items()
}


def a_language(chance: random.Random) -> str:
    shares = [speech.share for speech in SPEECHES.values()]
    return chance.choices(list(SPEECHES), shares)[0]


def a_text(chance: random.Random, language: str, *, by_bot: bool) -> str:
    """One to four sentences of a reply, or one or two of a person."""
    speech = SPEECHES[language]
    said = speech.bot if by_bot else speech.person
    sentences = chance.choices(said, k=chance.randint(1, 4 if by_bot else 2))
    return speech.space.join(sentences).format(
        few=chance.randint(2, 9),
        price=chance.randrange(200, 4000, 10),
        place=a_name(chance),
        reference="".join(chance.choices(_REFERENCE, k=6)),
    )


def a_name(chance: random.Random) -> str:
    """A name such as *Marwensol*: one of tens of thousands."""
    return "".join(chance.choices(_SYLLABLES, k=chance.randint(2, 3))).capitalize()
