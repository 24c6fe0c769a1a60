"""What passes from an engine to the rest, and what does not."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from django.utils.safestring import mark_safe

from dialogue.engine import MOST_CARDS, Card, Cards, Item, Text, UserTurn, ask


class Yields:
    """An engine that yields one piece, whatever it is."""

    def __init__(self, piece: Any) -> None:
        self._piece = piece

    async def reply(self, turn: UserTurn) -> AsyncIterator[Any]:
        yield self._piece


async def passed(piece: Any) -> Any:
    (checked,) = [checked async for checked in ask(Yields(piece), UserTurn("Hi"))]
    return checked


async def card_passed(**fields: Any) -> Card:
    return (await passed(Cards([Card(**{"title": "Flat", **fields})]))).cards[0]


@pytest.mark.parametrize("piece", [Text("a"), Item("a")])
async def test_text_passes_without_what_cannot_be_kept(piece: Text | Item) -> None:
    assert await passed(piece) == piece
    assert await passed(type(piece)("\0a\0\ud800")) == type(piece)("a?")


async def test_a_card_passes_as_it_is() -> None:
    card = Card(
        title="Flat\u202e",
        subtitle="Lisbon",
        price="€1",
        text="Two\nlines",
        image="https://x.example/1.png",
        url="HTTP://x.example/1",
        facts=(("Bedrooms", "2"),),
    )
    assert await passed(Cards([card])) == Cards([card])


@pytest.mark.parametrize("field", ["title", "subtitle", "price", "text"])
async def test_fields_of_cards_lose_what_cannot_be_kept(field: str) -> None:
    card = await card_passed(**{field: "\0a\udfff"})
    assert getattr(card, field) == "a?"


async def test_facts_and_addresses_lose_it_too() -> None:
    card = await card_passed(
        facts=(("\0n", "v\ud800"),), url="https://x\0.example", image="http://\ud800"
    )
    assert card.facts == (("n", "v?"),)
    assert (card.url, card.image) == ("https://x.example", "http://?")
    assert json.loads(msgspec.json.encode(card))


@pytest.mark.parametrize("field", ["image", "url"])
@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "\0javascript:x",
        "//x.example",
        "/admin/",
        "file:///etc/passwd",
        "x.example",
        " ",
    ],
)
async def test_only_addresses_of_the_web_pass(field: str, address: str) -> None:
    assert getattr(await card_passed(**{field: address}), field) == ""


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"title": None}, "title"),
        ({"price": 5}, "price"),
        ({"price": Decimal(5)}, "price"),
        ({"text": b"bytes"}, "text"),
        ({"url": object()}, "url"),
        ({"facts": "ab"}, "facts"),
        ({"facts": (("Bedrooms", 2),)}, "facts"),
        ({"facts": (("Bedrooms",),)}, "facts"),
    ],
)
async def test_a_field_of_a_wrong_type_is_told(fields: dict[str, Any], told: str) -> None:
    with pytest.raises(TypeError, match=rf"Card of a dialogue engine.*Expected.*\$\.{told}"):
        await card_passed(**fields)


async def test_lists_and_marked_text_are_taken_for_what_they_are() -> None:
    card = await card_passed(title=mark_safe("<b>"), facts=[["Bedrooms", "2"]])
    assert card == Card(title="<b>", facts=(("Bedrooms", "2"),))
    assert type(card.title) is str


async def test_no_more_cards_pass_than_anybody_looks_at() -> None:
    checked = await passed(Cards([Card(title=str(number)) for number in range(1000)]))
    assert [card.title for card in checked.cards] == [str(number) for number in range(MOST_CARDS)]


@pytest.mark.parametrize(
    ("piece", "told"),
    [
        ("text", "yields Text, Cards or Item, not str"),
        (None, "not NoneType"),
        (Text(None), "Text of a dialogue engine holds NoneType"),  # type: ignore[arg-type]
        (Item(5), "Item of a dialogue engine holds int"),  # type: ignore[arg-type]
        (Cards(None), "Cards of a dialogue engine holds NoneType"),  # type: ignore[arg-type]
        (Cards([{"title": "x"}]), "hold Card, not dict"),  # type: ignore[list-item]
        (Cards("ab"), "hold Card, not str"),  # type: ignore[arg-type]
    ],
)
async def test_what_is_no_piece_is_told(piece: Any, told: str) -> None:
    with pytest.raises(TypeError, match=told):
        await passed(piece)
