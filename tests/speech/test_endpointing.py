"""What people say, and how it looks while they pause."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from speech.endpointing import looks_finished

# Debian's pocketsphinx-testdata: what the people in its recordings say.
RECORDED = Path("/usr/share/pocketsphinx/test/data")

FINISHED = """
    yes / no / okay / stop / thank you / yes please / no more / not really / as well / and you
    two bedroom flat in lisbon / what time is it / what time is it in tokyo / how much is it
    how are you / who is he / what is that / what's that / how old is she / so am i / is that so
    what do you mean / what can you do / what is the weather like / what would you like
    show me that / tell me more / tell me why / show me how / i like that / never mind that
    yes it is / yes i do / no i don't / i think so / i hope not / why not / which one
    the second one / i want one / come in / hold on / go on / turn it on / turn it off
    what is it about / i agree with you / it was me / help me / i said no / show me the list please
"""
UNFINISHED = """
    two bedroom flat in / what time is it in / tell me about / what about / something like
    i want to / i would like / i'd like to / i'm looking for / i'm looking for a / i want / i need
    can you / would you / could you please / what do you / is it / what does it / you're / i'm
    how much is / what is / my name is / there are / can you tell me what is / to be
    show me the / give me / let me / do you have a / there is no / it's really
    i think that / he said that / do you know whether / i was wondering if / because / less than
    up to / between two and / as well as / and / um / so / well / actually / please
"""
UNSURE = """
    two / five hundred / five five / zero one two / why / and what / how many / is this / more
    i do / i am / where are you from / who are you talking to / i want some / give it to her
    this is what i need
"""


def each(texts: str) -> list[str]:
    return [text.strip() for line in texts.strip().splitlines() for text in line.split("/")]


@pytest.mark.parametrize("text", each(FINISHED))
def test_looks_finished(text: str) -> None:
    assert looks_finished(text) is True
    assert looks_finished(text.upper()) is True


@pytest.mark.parametrize("text", each(UNFINISHED))
def test_looks_unfinished(text: str) -> None:
    assert looks_finished(text) is False


@pytest.mark.parametrize("text", each(UNSURE))
def test_may_go_on_or_not(text: str) -> None:
    assert looks_finished(text) is None


@pytest.mark.parametrize(
    "name", ["cards/cards.transcription", "librivox/transcription", "tidigits/tidigits.lsn"]
)
def test_nothing_that_people_have_recorded_looks_unfinished(name: str) -> None:
    lines = (RECORDED / name).read_text().splitlines()
    texts = [re.sub(r"</?s>|\(.*\)", "", line).strip() for line in lines]
    assert texts
    assert not [text for text in texts if looks_finished(text) is False]


@pytest.mark.parametrize(
    ("text", "finished"),
    [
        ("Wie viel kostet das?", True),
        ("Ich suche eine Wohnung.", True),
        ("\u3044\u304f\u3089\u3067\u3059\u304b\u3002", True),
        ("Er sagte: \u201eNein.\u201d", True),
        ("Ich suche,", False),
        ("Ich suche...", False),
        ("Ich suche \u2026", False),
        ("Wie viel kostet das", None),
        ("?!", True),
        ("*", None),
        ("", None),
        ("  ", None),
    ],
)
def test_punctuation_counts_in_every_language(text: str, finished: bool | None) -> None:
    assert looks_finished(text, "de") is finished
    assert looks_finished(f" {text} ", "de-AT") is finished


@pytest.mark.parametrize("language", ["en", "en-GB", "EN_us"])
def test_words_count_in_english(language: str) -> None:
    assert looks_finished("two bedroom flat in", language) is False


def test_signs_without_words_tell_nothing() -> None:
    assert looks_finished("*", "en") is None


def test_a_typographic_apostrophe_is_one() -> None:
    assert looks_finished("I\u2019m") is False
