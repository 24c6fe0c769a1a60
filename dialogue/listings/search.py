"""Finds listings for a wish; where nothing matches, what comes closest and what had to give way.

Everything here uses the database, and so belongs into ``conversations.database.in_database``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from django.db.models import Case, F, FloatField, Q, QuerySet, Value, When
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast, Greatest

from dialogue.places import plain

from .features import pattern
from .models import Listing
from .wishes import Wish, goes_on, merge, parse_query

MOST_CARDS = 6

GIVES_WAY: tuple[tuple[str, ...], ...] = (
    ("features",),
    ("district",),
    ("min_area_m2", "max_area_m2"),
    ("min_bathrooms",),
    ("min_price", "max_price", "currency"),
    ("min_bedrooms", "max_bedrooms"),
    ("kind",),
    ("city", "currency"),
    ("deal", "min_price", "max_price", "currency"),
)
"""What is given up first when nothing matches: the less a person is likely to mind, the earlier."""


@dataclass(frozen=True, slots=True)
class Found:
    """Listings to show (six at most), of ``total``; ``dropped`` are the fields that gave way."""

    wish: Wish
    listings: tuple[Listing, ...]
    total: int
    dropped: frozenset[str] = frozenset()


def wish_of(text: str, earlier: Iterable[str] = ()) -> Wish | None:
    """The wish in a text after what the same person said before (oldest first).

    None if the text neither asks for homes nor refines an earlier question that did.
    """
    cities, districts = known_cities(), known_districts()
    wish: Wish | None = None
    for said in earlier:
        wish = _after(parse_query(said, cities, districts), said, wish) or wish
    return _after(parse_query(text, cities, districts), text, wish)


def _after(wish: Wish, text: str, earlier: Wish | None) -> Wish | None:
    if wish.district and not wish.city:
        there = Listing.objects.filter(available=True, district=wish.district)
        city = there.order_by("pk").values_list("city", flat=True).first()
        wish = replace(wish, city=city or "")
    if earlier is not None and goes_on(text, wish):
        return _compared(merge(earlier, wish), earlier)
    # A city and a condition are enough for somebody who looks for homes already.
    if wish.is_search or (earlier is not None and wish and wish.is_elliptic):
        return replace(wish, compare="")
    return None


def _compared(wish: Wish, earlier: Wish) -> Wish:
    """ "Cheaper" and "bigger" are measured against what the earlier wish showed."""
    if not wish.compare:
        return wish
    if wish.compare == "more":
        return replace(wish, compare="", page=earlier.page + 1)
    shown = find(earlier).listings
    if not shown:
        return replace(wish, compare="")
    if wish.compare == "cheaper":
        cheapest = min(listing.price for listing in shown)
        return replace(wish, compare="", min_price=None, max_price=max(1, cheapest - 1))
    largest = max(listing.area_m2 for listing in shown)
    return replace(wish, compare="", min_area_m2=largest + 1, max_area_m2=None)


def find(wish: Wish) -> Found:
    """The listings for a wish, cheapest first, or the closest ones."""
    found = _page(wish)
    if found.total:
        return found
    for fields in GIVES_WAY:
        if (closest := _without(wish, fields)) is not None:
            return closest
    given_up: list[str] = []
    for fields in GIVES_WAY:
        given_up.extend(fields)
        if (closest := _without(wish, given_up)) is not None:
            return closest
    return found


def _without(wish: Wish, fields: Iterable[str]) -> Found | None:
    nothing = Wish()
    asked = frozenset(name for name in fields if getattr(wish, name) != getattr(nothing, name))
    if not asked or (asked == {"currency"}):
        return None
    relaxed = replace(wish, page=0, **{name: getattr(nothing, name) for name in asked})
    listings = matching(relaxed)
    total = listings.count()
    if not total:
        return None
    closest = listings.order_by(_distance(wish), "price", "pk")
    return Found(wish, tuple(closest[:MOST_CARDS]), total, asked)


def _page(wish: Wish) -> Found:
    listings = matching(wish)
    total = listings.count()
    start = wish.page * MOST_CARDS
    if start >= total:
        return Found(wish, (), total)
    return Found(wish, tuple(listings.order_by("price", "pk")[start : start + MOST_CARDS]), total)


def _distance(wish: Wish) -> Combinable:
    """How far a listing is from the wish: limits by their share, everything else counts one."""
    limits = (
        ("price", wish.min_price, wish.max_price),
        ("area_m2", wish.min_area_m2, wish.max_area_m2),
        ("bedrooms", wish.min_bedrooms, wish.max_bedrooms),
        ("bathrooms", wish.min_bathrooms, None),
    )
    distance: Combinable = Value(0.0)
    for column, low, high in limits:
        value = Cast(F(column), FloatField())
        if low is not None:
            short = (Value(float(low)) - value) / Value(float(max(low, 1)))
            distance += Greatest(short, Value(0.0))
        if high is not None:
            beyond = (value - Value(float(high))) / Value(float(max(high, 1)))
            distance += Greatest(beyond, Value(0.0))
    same = [
        Q(**{name: asked})
        for name in ("kind", "deal", "city", "district", "currency")
        if (asked := getattr(wish, name))
    ]
    for condition in (*same, *(_has(feature) for feature in wish.features)):
        distance += Case(When(condition, then=Value(0.0)), default=Value(1.0))
    return distance


def matching(wish: Wish) -> QuerySet[Listing]:
    """The available listings that have all that is wished."""
    conditions = {
        "kind": wish.kind,
        "deal": wish.deal,
        "city": wish.city,
        "district": wish.district,
        "currency": wish.currency,
        "bedrooms__gte": wish.min_bedrooms,
        "bedrooms__lte": wish.max_bedrooms,
        "bathrooms__gte": wish.min_bathrooms,
        "area_m2__gte": wish.min_area_m2,
        "area_m2__lte": wish.max_area_m2,
        "price__gte": wish.min_price,
        "price__lte": wish.max_price,
    }
    asked = {lookup: value for lookup, value in conditions.items() if value not in {"", None}}
    listings = Listing.objects.filter(Q(available=True), **asked)
    for feature in wish.features:
        listings = listings.filter(_has(feature))
    return listings


def _has(feature: str) -> Q:
    text = pattern(feature)
    return Q(title__iregex=text) | Q(description__iregex=text)


def known_cities() -> Mapping[str, str]:
    """The cities with listings, by plain spelling."""
    return _distinct("city")


def known_districts() -> Mapping[str, str]:
    """The districts with listings, by plain spelling."""
    return _distinct("district")


def _distinct(field: str) -> Mapping[str, str]:
    names = Listing.objects.filter(available=True).values_list(field, flat=True).distinct()
    return {plain(name): name for name in names if name}
