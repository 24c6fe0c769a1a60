"""How long an utterance is waited for, and what is only an echo of the bot."""

from __future__ import annotations

import pytest

from chat.utterance import Utterance, is_echo

BOT = "Two bedrooms, in Lisbon. Shall I show you?"


@pytest.mark.parametrize(
    ("text", "patience", "seconds"),
    [
        ("how much is it", 1.0, 0.2),
        ("i want to", 1.0, 0.8),
        ("five five", 1.0, 0.45),
        (None, 1.0, 0.45),
        ("how much is it", 2.5, 0.5),
        ("i want to", 1.5, 1.2),
        ("i want to", 2.5, 1.5),
    ],
)
def test_its_end_is_waited_for_by_its_words_and_our_patience(
    text: str | None, patience: float, seconds: float
) -> None:
    said = Utterance("u", 10.0, 10.1, ended_at=12.0, text=text)
    assert said.is_over_at("en", patience) == pytest.approx(12.0 + seconds)


def test_it_is_over_when_push_to_talk_is_released() -> None:
    said = Utterance("u", 10.0, 10.1, ended_at=12.0, text="i want to", released=True)
    assert said.is_over_at("en", 2.5) == 12.0


def test_its_times_count_from_the_end_of_the_voice() -> None:
    said = Utterance("u", 10.0, 10.1, ended_at=12.0)
    said.mark("transcript", 12.34)
    assert said.timings == {"transcript": 340.0}


@pytest.mark.parametrize(
    "said", ["BEDROOMS IN LISBON", "lisbon shall i", "two bedrooms in lisbon shall"]
)
def test_words_of_the_bot_in_a_row_are_an_echo(said: str) -> None:
    assert is_echo(said, BOT)


@pytest.mark.parametrize(
    "said",
    [
        "",
        "two",
        "two bedrooms",
        "lisbon",
        "two in lisbon",
        "you two",
        "two bedrooms in porto",
        "wo bedroom",
    ],
)
def test_other_words_and_few_of_them_are_not(said: str) -> None:
    assert not is_echo(said, BOT)
