"""What is read from what people type and say."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialogue.listings.wishes import (
    LEAST_AREA_M2,
    LEAST_PRICE,
    MOST_AREA_M2,
    MOST_PRICE,
    MOST_ROOMS,
    Wish,
    merge,
    parse_query,
)
from dialogue.places import plain

DISTRICTS = {plain(name): name for name in ("Alfama", "Campo de Ourique", "Graça")}
CITIES = {"little hamlet": "Little Hamlet"}


def read(text: str) -> dict[str, Any]:
    """Only what is wished."""
    wish = parse_query(text, CITIES, DISTRICTS)
    nothing = Wish()
    return {
        field.name: value
        for field in fields(Wish)
        if (value := getattr(wish, field.name)) != getattr(nothing, field.name)
        and field.name not in {"is_search", "is_elliptic", "unheeded"}
    }


TWO = {"min_bedrooms": 2, "max_bedrooms": 2}


@pytest.mark.parametrize(
    ("text", "wish"),
    [
        (
            "two bedroom flat in Lisbon under 300k",
            {"kind": "flat", "deal": "sale", "city": "Lisbon", **TWO, "max_price": 300_000},
        ),
        (
            "2-bed house to rent in Berlin between 1,000 and 1,500 euros a month with at least 80 m2",
            {
                "kind": "house",
                "deal": "rent",
                "city": "Berlin",
                **TWO,
                "min_area_m2": 80,
                "min_price": 1000,
                "max_price": 1500,
                "currency": "EUR",
            },
        ),
        ("studio in Porto", {"kind": "studio", "city": "Porto"}),
        ("cheaper than 1.2 million", {"deal": "sale", "max_price": 1_200_000}),
        (
            "villa for €1.200.000",
            {"kind": "villa", "deal": "sale", "max_price": 1_200_000, "currency": "EUR"},
        ),
        ("under £500", {"deal": "rent", "max_price": 500, "currency": "GBP"}),
        ("up to 1.200,50 euros", {"deal": "rent", "max_price": 1200, "currency": "EUR"}),
        ("over $2m", {"deal": "sale", "min_price": 2_000_000, "currency": "USD"}),
        (
            "around three hundred thousand",
            {"deal": "sale", "min_price": 270_000, "max_price": 330_000},
        ),
        (
            "between three hundred and fifty thousand and four hundred thousand",
            {"deal": "sale", "min_price": 350_000, "max_price": 400_000},
        ),
        (
            "between twelve hundred and fifteen hundred euros",
            {"deal": "rent", "min_price": 1200, "max_price": 1500, "currency": "EUR"},
        ),
        (
            "flat 300-400k",
            {"kind": "flat", "deal": "sale", "min_price": 300_000, "max_price": 400_000},
        ),
        (
            "from 400k to 300k",
            {"deal": "sale", "min_price": 300_000, "max_price": 400_000},
        ),
        ("half a million", {"deal": "sale", "max_price": 500_000}),
        (
            "one point two million euros",
            {"deal": "sale", "max_price": 1_200_000, "currency": "EUR"},
        ),
        ("no more than 250 thousand", {"deal": "sale", "max_price": 250_000}),
        ("300k or less", {"deal": "sale", "max_price": 300_000}),
        ("300k or more", {"deal": "sale", "min_price": 300_000}),
        ("3+ bedrooms", {"min_bedrooms": 3}),
        ("at least three bedrooms", {"min_bedrooms": 3}),
        ("at most 2 bedrooms", {"max_bedrooms": 2}),
        ("2 or 3 bedrooms", {"min_bedrooms": 2, "max_bedrooms": 3}),
        ("2-3 bedrooms", {"min_bedrooms": 2, "max_bedrooms": 3}),
        ("2 bed 2 bath", {**TWO, "min_bathrooms": 2}),
        ("80 sqm", {"min_area_m2": 68, "max_area_m2": 92}),
        ("80 to 100 square metres", {"min_area_m2": 80, "max_area_m2": 100}),
        ("more than 1000 sq ft", {"min_area_m2": 93}),
        ("bigger than 90 m²", {"min_area_m2": 90}),
        ("flat in Lisbonn", {"kind": "flat", "city": "Lisbon"}),
        ("flat in belrin", {"kind": "flat", "city": "Berlin"}),
        ("Wohnung: flat in München", {"kind": "flat", "city": "Munich"}),
        ("house in graca", {"kind": "house", "district": "Graça"}),
        ("house in Little Hamlet", {"kind": "house", "city": "Little Hamlet"}),
        ("a nice flat", {"kind": "flat"}),
        ("a flat in Nice", {"kind": "flat", "city": "Nice"}),
        ("room to rent", {"kind": "room", "deal": "rent"}),
        ("house with a living room", {"kind": "house"}),
        ("penthouse to buy", {"kind": "penthouse", "deal": "sale"}),
        ("cheaper ones?", {"compare": "cheaper"}),
        ("something bigger", {"compare": "bigger"}),
        ("show me more", {"compare": "more"}),
        ("\uff12 bedrooms", TWO),
        ("٣ bedrooms", {"min_bedrooms": 3, "max_bedrooms": 3}),
    ],
)
def test_it_reads(text: str, wish: dict[str, Any]) -> None:
    assert read(text) == wish


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   \n\t ",
        "😀🏠",
        "какая погода",
        "你好",
        "-3 bedrooms",
        "under 10^12",
        "99999 bedrooms",
        "under 99999999999999999999999",
        "under 0 euros",
        "-300k",
        "minus",
        "in 2026",
        "see you at 3",
        "'; DROP TABLE users; --",
        "(?:.*)+$ [a-",
        "%s %(city)s {0}",
        "\0\x1b[0m",
    ],
)
def test_it_reads_nothing_from(text: str) -> None:
    assert read(text) == {}


@pytest.mark.parametrize(
    "text",
    [
        "flat in Porto", "show me houses", "homes for sale", "2 bedrooms", "studio",
        "something to rent in Berlin", "I am looking for a villa", "any listings?",
        "two bedroom apartment lisbon",
    ],
)  # fmt: skip
def test_a_search_is_told_from_small_talk(text: str) -> None:
    assert parse_query(text).is_search


@pytest.mark.parametrize(
    "text",
    [
        "who lives in the white house", "hello", "in Porto", "cheaper ones?", "how are you",
        "how do I sell my house", "let me know", "what time is it in Lisbon", "tell me a joke",
    ],
)  # fmt: skip
def test_small_talk_is_no_search(text: str) -> None:
    assert not parse_query(text).is_search


class TestMerging:
    lisbon = parse_query("two bedroom flat in Lisbon under 300k")

    def test_another_city_keeps_the_rest(self) -> None:
        merged = merge(self.lisbon, parse_query("and in Porto?"))
        assert (merged.city, merged.kind, merged.max_price) == ("Porto", "flat", 300_000)

    def test_another_price_replaces_both_limits(self) -> None:
        merged = merge(parse_query("flat from 100k to 200k"), parse_query("over 300k"))
        assert (merged.min_price, merged.max_price) == (300_000, None)

    def test_rent_instead_of_sale_forgets_the_price(self) -> None:
        merged = merge(self.lisbon, parse_query("to rent instead"))
        assert (merged.deal, merged.max_price) == ("rent", None)

    def test_a_studio_has_no_bedrooms(self) -> None:
        assert merge(self.lisbon, parse_query("or a studio")).min_bedrooms is None

    def test_another_city_forgets_the_district(self) -> None:
        earlier = parse_query("flat in Alfama", {}, DISTRICTS)
        assert merge(earlier, parse_query("and in Porto?")).district == ""


vocabulary = st.sampled_from(
    [
        "under",
        "over",
        "between",
        "and",
        "at",
        "least",
        "most",
        "around",
        "from",
        "to",
        "or",
        "more",
        "less",
        "-",
        "+",
        "€",
        "£",
        "$",
        "k",
        "m",
        "m2",
        "sqm",
        "bed",
        "bedrooms",
        "bath",
        "flat",
        "house",
        "studio",
        "in",
        "Lisbon",
        "porto",
        "rent",
        "buy",
        "million",
        "thousand",
        "hundred",
        "two",
        "half",
        "a",
        "1.200.000",
        "1,5",
        "300",
        "80",
        "0",
        "-3",
        "10^12",
        "1e9",
        "99999999999999999999",
        "cheaper",
        "bigger",
        "ones",
    ]
)
sentences = st.lists(vocabulary, max_size=25).map(" ".join)


@settings(deadline=None)
@given(st.one_of(st.text(max_size=300), sentences))
def test_no_text_raises_and_limits_are_sane(text: str) -> None:
    wish = parse_query(text, CITIES, DISTRICTS)
    for low, high, least, most in (
        (wish.min_bedrooms, wish.max_bedrooms, 0, MOST_ROOMS),
        (wish.min_bathrooms, None, 1, MOST_ROOMS),
        (wish.min_area_m2, wish.max_area_m2, LEAST_AREA_M2, MOST_AREA_M2),
        (wish.min_price, wish.max_price, LEAST_PRICE, MOST_PRICE),
    ):
        assert low is None or least <= low <= most
        assert high is None or least <= high <= most
        assert low is None or high is None or low <= high


@settings(deadline=None)
@given(sentences, sentences)
def test_merging_never_raises(first: str, second: str) -> None:
    assert isinstance(merge(parse_query(first), parse_query(second)), Wish)


@pytest.mark.parametrize(
    "text", ["9", "1,", "under ", "in xyzzy ", "between 1 and ", "a", "€", "-"]
)
def test_a_long_text_is_read_quickly(text: str) -> None:
    long = (text * 8000)[:8000]
    assert parse_query(long) == parse_query(long[:1000])
