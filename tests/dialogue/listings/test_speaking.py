"""A wish in words."""

from __future__ import annotations

import pytest

from dialogue.listings.speaking import homes
from dialogue.listings.wishes import parse_query


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("homes for sale", "homes for sale"),
        ("2-3 bedroom flats in Madrid", "flats with two to three bedrooms in Madrid"),
        ("house with at least 3 bedrooms", "houses with at least three bedrooms"),
        ("house with at most 12 bedrooms", "houses with at most 12 bedrooms"),
        (
            "flat to rent between 1000 and 1500 euros",
            "flats to rent between 1,000 and 1,500 euros a month",
        ),
        ("flat over $2m", "flats for sale over 2,000,000 dollars"),
        ("room to rent under £700", "rooms to rent under 700 pounds a month"),
        ("flat with 2 bathrooms", "flats with two bathrooms"),
        ("flat with 1 bathroom", "flats with one bathroom"),
        ("2 bed flat with a pool and parking", "flats with two bedrooms, a pool and parking"),
        ("quiet flat near the park in Porto", "quiet flats in Porto near the park"),
        ("loft of 80 to 100 m2", "lofts of 80 to 100 square metres"),
        ("villa with at least 200 m2", "villas of at least 200 square metres"),
        ("studio smaller than 30 m2", "studios of at most 30 square metres"),
    ],
)
def test_it_is_said_back(text: str, words: str) -> None:
    assert homes(parse_query(text), 2) == words
