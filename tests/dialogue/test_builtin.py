"""Which of its three rooms the builtin engine leads to, and what it says there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from io import StringIO

import pytest
from django.core.management import call_command
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dialogue.builtin import BuiltinEngine
from dialogue.engine import BotInfo, Cards, Item, Piece, Said, Text, UserTurn

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def demo() -> None:
    call_command("load_demo", stdout=StringIO())


async def ask(text: str, *earlier: str) -> list[Piece]:
    history = [said for told in earlier for said in (Said("user", told), Said("assistant", "…"))]
    turn = UserTurn(text, history=history, bot=BotInfo(name="Aurora"))
    return [piece async for piece in BuiltinEngine().reply(turn)]


def spoken(pieces: Sequence[Piece]) -> str:
    return "".join(piece.delta for piece in pieces if isinstance(piece, Text))


async def test_a_question_about_homes_shows_cards_first_and_speaks_a_summary() -> None:
    cards, *texts = await ask("two bedroom flat in Lisbon under 300k")
    assert isinstance(cards, Cards)
    assert 1 <= len(cards.cards) <= 6
    assert all(isinstance(text, Text) for text in texts)
    assert spoken(texts).startswith(
        "I found two flats with two bedrooms for sale in Lisbon under 300,000 euros."
    )


async def test_a_question_about_the_time_gives_an_item_per_place() -> None:
    pieces = await ask("what time is it in New York and London")
    assert [type(piece) for piece in pieces] == [Item, Item]


async def test_an_answer_of_the_staff_streams_word_by_word() -> None:
    pieces = await ask("Who are you?")
    assert len(pieces) > 10
    assert spoken(pieces).startswith("I am Aurora, the voice of Casa Aurora")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("How do I sell my house?", Text),  # staff wrote an answer to just that
        ("what time do you open", Text),
        ("what time is it", Item),
        ("house in Berlin", Cards),
    ],
)
async def test_it_leads_to_the_right_room(text: str, kind: type) -> None:
    assert isinstance((await ask(text))[0], kind)


async def test_a_place_alone_goes_on_with_what_was_asked_last() -> None:
    flat, time_of = "flat in Lisbon", "what time is it in Tokyo"
    assert isinstance((await ask("and in Paris?", flat))[0], Cards)
    assert isinstance((await ask("and in Paris?", time_of))[0], Item)
    assert isinstance((await ask("and in Paris?", flat, time_of))[0], Item)
    assert isinstance((await ask("and in Paris?", time_of, flat, "thanks"))[0], Cards)


async def test_what_it_does_not_know_it_says_with_examples() -> None:
    text = spoken(await ask("tell me a joke"))
    assert text.startswith("I have no answer to that. I am Aurora")
    assert "two-bedroom flat in Lisbon" in text
    assert "VOICECHAT_DIALOGUE" not in text


@pytest.mark.parametrize(
    "text", ["How do I connect a model?", "how do I bring my own bot?", "How?"]
)
async def test_how_to_connect_a_model_is_told(text: str) -> None:
    assert "VOICECHAT_DIALOGUE" in spoken(await ask(text))


@pytest.mark.parametrize(
    "text",
    [
        "what is the capital of France?", "the weather in my heart is stormy",
        "what's the price of bread in Lisbon", "I don't want a flat, I want a joke",
    ],
)  # fmt: skip
async def test_another_subject_is_neither_live_nor_listed(text: str) -> None:
    for earlier in ([], ["weather in Paris"], ["what time is it in Rome"], ["flat in Lisbon"]):
        assert spoken(await ask(text, *earlier)).startswith("I have no answer to that.")


async def test_two_sources_answer_one_question(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dialogue.realtime.weather._weather", _always_sunny)
    expected = [Item, Item]
    for text in ("time and weather in Paris", "what's the weather and the time in Paris"):
        pieces = await ask(text)
        assert [type(piece) for piece in pieces] == expected
        assert Item("Sunny in Paris.") in pieces
    assert len(await ask("weather in Paris")) == 1


async def test_a_day_goes_on_with_the_weather_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dialogue.realtime.weather._weather", _always_sunny)
    assert await ask("tomorrow?", "weather in Paris") == [Item("Sunny in Paris.")]
    assert isinstance((await ask("tomorrow?", "what time is it in Paris"))[0], Text)


async def _always_sunny(place: str, language: str, *, is_tomorrow: bool) -> str:
    return f"Sunny in {place}."


@pytest.mark.parametrize("text", ["", "   \n"])
async def test_silence_is_asked_back(text: str) -> None:
    assert spoken(await ask(text)) == "I did not catch that. Please say it again."


@pytest.mark.parametrize(
    "text",
    [
        "a" * 8000, "flat in " * 1000, "😀" * 100, "你好", "مرحبا", "'; DROP TABLE listings_listing; --",
        "(?:.*)+$ [a-", "-3 bedrooms", "under 10^12", "%(name)s %s {0}", "\0\x07", "what time is it in \0",
        "flat in Lisbon under 99999999999999999999", "time in " + "x" * 7000,
    ],
)  # fmt: skip
async def test_every_text_gets_a_reply(text: str) -> None:
    assert await ask(text, text)


async def test_an_interrupted_reply_ends_its_source(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = []

    class Slow:
        def matches(self, text: str) -> bool:
            return text == "count"

        async def items(self, turn: UserTurn) -> AsyncIterator[str]:
            try:
                yield "one"
                yield "two"
            finally:
                ended.append(turn.text)

    monkeypatch.setattr("dialogue.builtin.sources", lambda: (Slow(),))
    reply = BuiltinEngine().reply(UserTurn("count"))
    assert await anext(reply) == Item("one")
    await reply.aclose()  # type: ignore[attr-defined]
    assert ended == ["count"]


@settings(
    max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(st.lists(st.text(max_size=60), min_size=1, max_size=4))
def test_every_talk_gets_a_reply(talk: list[str]) -> None:
    assert asyncio.run(ask(*talk))
