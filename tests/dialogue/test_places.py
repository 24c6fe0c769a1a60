"""Places and their zones."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialogue.places import exact_names_in, known_places, names_in, place_named, place_names, plain


def test_every_known_place_has_a_zone() -> None:
    for place in known_places().values():
        assert ZoneInfo(place.zone)


@pytest.mark.parametrize(
    ("name", "zone"),
    [
        ("Tokyo", "Asia/Tokyo"),
        ("new york", "America/New_York"),
        ("NYC", "America/New_York"),
        ("São Paulo", "America/Sao_Paulo"),
        ("München", "Europe/Berlin"),
        ("Lisboa", "Europe/Lisbon"),
        ("Japan", "Asia/Tokyo"),
        ("Germany", "Europe/Berlin"),
        ("Beijing", "Asia/Shanghai"),
        ("Parris", "Europe/Paris"),
        ("Madird", "Europe/Madrid"),
    ],
)
def test_a_place_has_a_zone(name: str, zone: str) -> None:
    place = place_named(name)
    assert place is not None
    assert place.zone == zone


@pytest.mark.parametrize("name", ["", "xyzzy", "😀", "the meeting"])
def test_what_is_no_place_has_none(name: str) -> None:
    assert place_named(name) is None


def test_longer_names_win_and_order_is_kept() -> None:
    text = "Salt Lake City, New Delhi and Paris and paris"
    assert exact_names_in(text, place_names()) == ["Salt Lake City", "New Delhi", "Paris"]


@pytest.mark.parametrize(
    "text", ["a nice day", "near parks", "in total", "at least two", "la la land"]
)
def test_ordinary_words_are_no_places(text: str) -> None:
    assert names_in(text, place_names()) == []


@settings(deadline=None)
@given(st.text(max_size=200))
def test_no_text_raises(text: str) -> None:
    names_in(text, place_names())
    assert plain(plain(text)) == plain(text)
