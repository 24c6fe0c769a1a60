"""The three shapes in which a reply is kept."""

from __future__ import annotations

import json

import pytest

from dialogue.engine import Card
from dialogue.stored import stored_shape


def test_a_property_reply_keeps_cards_and_summary() -> None:
    card = Card(title="Flat", price="€1", facts=(("Bedrooms", "2"),))
    shape = stored_shape("property", "I found one.", [card])
    assert json.loads(json.dumps(shape)) == {
        "propertyData": {
            "cards": [{"title": "Flat", "price": "€1", "facts": [["Bedrooms", "2"]]}],
            "text": "I found one.",
        }
    }


def test_a_realtime_reply_keeps_every_item() -> None:
    assert stored_shape("realtime", "a b", items=["a", "b"]) == {"realtimeData": ["a", "b"]}


@pytest.mark.parametrize("kind", ["generic", "greeting"])
def test_other_replies_keep_their_text(kind: str) -> None:
    assert stored_shape(kind, "Hello") == {"genericData": "Hello"}


def test_an_unknown_kind_is_an_error() -> None:
    with pytest.raises(ValueError, match="joke"):
        stored_shape("joke", "Ha")
