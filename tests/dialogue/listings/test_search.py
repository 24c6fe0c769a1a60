"""Which listings are found, what gives way, and how it is said."""

from __future__ import annotations

import random
import time

import pytest

from dialogue.listings import speaking
from dialogue.listings.models import Listing
from dialogue.listings.search import Found, find, wish_of

from .homes import add

pytestmark = pytest.mark.django_db


def look(text: str, *earlier: str) -> Found:
    wish = wish_of(text, earlier)
    assert wish is not None
    return find(wish)


def references(found: Found) -> list[str]:
    return [listing.reference for listing in found.listings]


def spoken(found: Found) -> str:
    return "".join(speaking.summary(found)).strip()


def test_it_finds_what_is_asked() -> None:
    add("right")
    add("dear", price=310_000)
    add("porto", city="Porto")
    add("small", bedrooms=1)
    add("gone", available=False)
    add("house", kind="house")
    assert references(look("two bedroom flat in Lisbon under 300k")) == ["right"]


def test_at_most_six_are_shown_of_all_that_were_found() -> None:
    for number in range(8):
        add(str(number))
    found = look("flats in Lisbon")
    assert (len(found.listings), found.total) == (6, 8)
    assert references(look("more", "flats in Lisbon")) == ["6", "7"]
    assert spoken(look("more", "flats in Lisbon", "more")) == (
        "That was all: I have no more flats in Lisbon."
    )


def test_numbers_are_written_so_that_they_are_well_spoken() -> None:
    add("a", title="Sunny flat.")
    assert spoken(look("flat in Lisbon")) == "I found one: a sunny flat, for 295,000 euros."
    add("b", price=310_000)
    assert spoken(look("two bedroom flat in Lisbon")) == (
        "I found two flats with two bedrooms in Lisbon. Those on screen go from 295,000 euros to "
        "310,000 euros. The first is a sunny flat, for 295,000 euros."
    )


def test_what_is_over_the_price_is_offered_honestly_and_nearest_first() -> None:
    add("far", price=500_000)
    add("near", price=310_000)
    found = look("flat in Lisbon under 300k")
    assert references(found) == ["near", "far"]
    assert spoken(found) == (
        "I have no flats for sale in Lisbon under 300,000 euros. The closest is Flat near in Lisbon, "
        "for sale at 310,000 euros. There is one more on screen."
    )


def test_as_little_as_possible_gives_way() -> None:
    add("other district", district="Belém")
    add("other city", city="Porto", district="Bonfim")
    add("other kind", kind="house")
    assert references(look("flat in Alfama under 300k")) == ["other district"]


def test_a_dropped_number_of_bedrooms_is_said() -> None:
    add("three", bedrooms=3)
    assert "Flat three, with 3 bedrooms, in Lisbon" in spoken(look("2 bedroom flat in Lisbon"))


def test_a_city_without_listings_is_named() -> None:
    add("porto", city="Porto")
    found = look("flat in Rome")
    assert spoken(found).startswith("I have no flats in Rome. The closest is Flat porto in Porto")


def test_several_wishes_give_way_together() -> None:
    add("villa", kind="villa", city="Porto", bedrooms=5, price=2_000_000, area_m2=300)
    found = look("2 bedroom flat in Lisbon under 300k with 2 bathrooms")
    assert references(found) == ["villa"]


def test_no_listings_at_all_is_said() -> None:
    found = look("flat in Lisbon")
    assert (found.listings, found.total) == ((), 0)
    assert spoken(found) == "I have no flats in Lisbon, and nothing that comes close."


class TestFollowUps:
    def test_another_city_keeps_the_other_wishes(self) -> None:
        add("porto", city="Porto")
        add("dear", city="Porto", price=400_000)
        add("house", city="Porto", kind="house")
        assert references(look("and in Porto?", "flat in Lisbon under 300k")) == ["porto"]

    def test_cheaper_is_cheaper_than_what_was_shown(self) -> None:
        for number in range(7):
            add(str(number), price=200_000 + number * 1000)
        found = look("cheaper ones?", "flats in Lisbon", "more")  # shows only 6
        assert references(found) == ["0", "1", "2", "3", "4", "5"]
        assert found.wish.max_price == 205_999

    def test_cheaper_than_the_cheapest_is_refused_honestly(self) -> None:
        add("only")
        assert spoken(look("cheaper ones?", "flats in Lisbon")).startswith(
            "I have no flats in Lisbon under 295,000 euros. The closest is Flat only"
        )

    def test_bigger_is_bigger_than_what_was_shown(self) -> None:
        add("large", area_m2=200, price=400_000)
        for number in range(6):
            add(str(number))
        assert references(look("bigger?", "flats in Lisbon")) == ["large"]

    @pytest.mark.parametrize(
        "text", ["show me studios", "studios?", "studio to rent", "a studio with a balcony"]
    )
    def test_a_complete_question_inherits_nothing(self, text: str) -> None:
        wish = wish_of(text, ["2 bedroom flat in Lisbon under 300k"])
        assert wish is not None
        assert (wish.kind, wish.city, wish.min_bedrooms) == ("studio", "", None)
        assert wish.max_price is None

    def test_houses_with_a_pool_are_not_looked_for_where_the_flat_was(self) -> None:
        add("plain", kind="house", price=900_000, bedrooms=4)
        add("pool", kind="house", city="Porto", price=1_100_000, description="Swimming pool.")
        found = look("houses with pool under 1.2m", "2 bedroom flat in Lisbon")
        assert references(found) == ["pool"]

    @pytest.mark.parametrize(
        "text",
        ["with a garden?", "under 250k?", "cheaper ones?", "or a house?", "to rent", "3 bedrooms?"],
    )
    def test_an_elliptic_question_stays_where_the_last_one_was(self, text: str) -> None:
        add("here", city="Porto")
        wish = wish_of(text, ["flat in Porto"])
        assert wish is not None
        assert wish.city == "Porto"

    @pytest.mark.parametrize(
        "text",
        [
            "what is the capital of France?",
            "what's the price of bread in Lisbon",
            "I see",
            "I don't want a flat, I want a joke",
            "who is the mayor of Porto?",
            "thanks",
        ],
    )
    def test_another_subject_is_no_follow_up(self, text: str) -> None:
        assert wish_of(text) is None
        assert wish_of(text, ["flat in Lisbon"]) is None

    def test_a_search_with_a_place_starts_anew(self) -> None:
        add("porto", city="Porto", bedrooms=4, price=900_000)
        assert references(look("flats in Porto", "2 bedroom flat in Lisbon under 300k")) == [
            "porto"
        ]

    def test_small_talk_between_does_no_harm(self) -> None:
        add("porto", city="Porto")
        assert references(look("and in Porto?", "flat in Lisbon", "thanks", "I see")) == ["porto"]

    def test_without_an_earlier_search_there_is_nothing_to_refine(self) -> None:
        assert wish_of("and in Porto?") is None
        assert wish_of("cheaper ones?", ["hello"]) is None


class TestConditions:
    """No stated condition is dropped without a word."""

    def test_a_price_that_no_home_has_is_kept(self) -> None:
        add("rent", deal="rent", price=900)
        assert spoken(look("flat in Lisbon under 10 euros")) == (
            "I have no flats to rent in Lisbon under 10 euros a month. The closest is Flat rent in "
            "Lisbon, to rent at 900 euros a month."
        )

    def test_what_no_field_says_is_looked_for_in_the_texts(self) -> None:
        add("dry")
        add("wet", title="Flat with two pools")
        add("lift", description="An elevator goes up.")
        assert references(look("flat in Lisbon with a pool")) == ["wet"]
        assert references(look("flat with lift")) == ["lift"]

    def test_what_no_text_says_is_said(self) -> None:
        add("dry")
        assert spoken(look("flat in Lisbon with a sauna")).startswith(
            "I have no flats with a sauna in Lisbon. The closest is Flat dry"
        )

    def test_what_cannot_be_searched_is_said(self) -> None:
        add("a")
        assert spoken(look("flat in Lisbon without a garden")).endswith(
            "I cannot search for homes without a garden, so I left that out."
        )
        assert "so many bedrooms" in spoken(look("flat in Lisbon with 99 bedrooms"))

    def test_the_closest_is_nearest_to_all_limits(self) -> None:
        add("cheap", city="Porto", price=100_000, bedrooms=1)
        add("near", city="Porto", price=310_000)
        add("far", city="Porto", price=900_000)
        found = look("2 bedroom flat in Lisbon between 290k and 300k")
        assert references(found)[0] == "near"

    def test_the_cheapest_comes_first(self) -> None:
        add("cheap", price=100_000)
        add("dear", price=200_000)
        assert references(look("flats in Lisbon")) == ["cheap", "dear"]


def test_a_district_says_the_city() -> None:
    add("a")
    add("b", city="Porto", district="Bonfim", kind="house")
    assert spoken(look("house in Alfama")).startswith("I have no houses in Alfama, Lisbon.")


def test_a_card_has_plain_text_and_facts() -> None:
    card = speaking.card(
        add("X1", deal="rent", price=1200, currency="GBP", url="https://a.example/1")
    )
    assert (card.subtitle, card.price) == ("Alfama, Lisbon", "£1,200 a month")
    assert card.url == "https://a.example/1"
    assert dict(card.facts)["Area"] == "80 m²"
    assert dict(card.facts)["Reference"] == "X1"


def test_ten_thousand_listings_take_milliseconds() -> None:
    chance = random.Random(1)
    Listing.objects.bulk_create(
        Listing(
            reference=str(number),
            title="A flat",
            kind=chance.choice(Listing.Kind.values),
            deal=chance.choice(Listing.Deal.values),
            city=chance.choice(["Lisbon", "Porto", "Berlin", "Paris"]),
            district=f"District {number % 40}",
            bedrooms=chance.randint(0, 5),
            area_m2=chance.randint(20, 200),
            price=chance.randint(300, 2_000_000),
        )
        for number in range(10_000)
    )
    took = []
    for _attempt in range(5):
        start = time.perf_counter()
        look("two bedroom flat in Lisbon under 300k")
        took.append(time.perf_counter() - start)
    assert min(took) < 0.05
    print(f"search over 10,000 listings: {min(took) * 1000:.1f} ms")  # noqa: T201
