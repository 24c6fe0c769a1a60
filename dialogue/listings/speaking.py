"""Says and shows what was found: cards, and a summary of one to three short sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from django.utils.formats import number_format
from django.utils.translation import get_language, gettext_noop, ngettext
from django.utils.translation import gettext as _

from dialogue.engine import Card

from . import features
from .models import Listing
from .search import Found
from .wishes import Wish

KINDS = {
    "flat": (gettext_noop("flat"), gettext_noop("flats")),
    "house": (gettext_noop("house"), gettext_noop("houses")),
    "studio": (gettext_noop("studio"), gettext_noop("studios")),
    "loft": (gettext_noop("loft"), gettext_noop("lofts")),
    "penthouse": (gettext_noop("penthouse"), gettext_noop("penthouses")),
    "villa": (gettext_noop("villa"), gettext_noop("villas")),
    "room": (gettext_noop("room"), gettext_noop("rooms")),
}
SMALL_NUMBERS = (
    gettext_noop("zero"),
    gettext_noop("one"),
    gettext_noop("two"),
    gettext_noop("three"),
    gettext_noop("four"),
    gettext_noop("five"),
    gettext_noop("six"),
    gettext_noop("seven"),
    gettext_noop("eight"),
    gettext_noop("nine"),
)
ADJECTIVES = features.ADJECTIVES | frozenset(
    {"airy", "charming", "cosy", "elegant", "large", "lovely", "new", "small", "stylish"}
)
"""First words of a title that a sentence can go on with: "an elegant flat"."""
SIGNS = {"EUR": "€", "GBP": "£", "USD": "$"}


def card(listing: Listing) -> Card:
    """A listing to look at."""
    amount = f"{SIGNS[listing.currency]}{_number(listing.price)}"
    facts = [
        (_("Bedrooms"), _number(listing.bedrooms)),
        (_("Bathrooms"), _number(listing.bathrooms)),
        (_("Area"), _("%(area)s m²") % {"area": _number(listing.area_m2)}),
        (_("Kind"), str(Listing.Kind(listing.kind).label)),
        (_("Reference"), listing.reference),
    ]
    return Card(
        title=listing.title,
        subtitle=", ".join(part for part in (listing.district, listing.city) if part),
        price=_("%(amount)s a month") % {"amount": amount} if listing.deal == "rent" else amount,
        text=listing.description,
        image=listing.image,
        url=listing.url,
        facts=tuple(facts),
    )


def summary(found: Found) -> Iterator[str]:
    """Sentences to be spoken, each with the space that parts it from the next."""
    found = replace(found, wish=_with_currency(found))
    yield from _found(found)
    if found.wish.unheeded:
        yield _("I cannot search for %(conditions)s, so I left that out. ") % {
            "conditions": _listed(found.wish.unheeded)
        }


def _with_currency(found: Found) -> Wish:
    """A limit without a currency is meant in that of what is offered there."""
    if found.wish.currency or not found.listings:
        return found.wish
    return replace(found.wish, currency=found.listings[0].currency)


def _found(found: Found) -> Iterator[str]:
    if not found.listings:
        yield from _nothing(found)
        return
    if found.dropped:
        yield from _closest(found)
        return
    wish, first = found.wish, found.listings[0]
    things = homes(wish, found.total)
    if found.total == 1:
        yield _("I found one: %(home)s, for %(price)s. ") % {
            "home": title(first),
            "price": price(first),
        }
        return
    counted = f"{_in_word(found.total)} {things}"
    if wish.page:
        yield _("Here are more of the %(things)s. ") % {"things": counted}
    else:
        yield _("I found %(things)s. ") % {"things": counted}
    low, high = found.listings[0], found.listings[-1]
    if low.price != high.price and low.currency == high.currency and low.deal == high.deal:
        yield _("Those on screen go from %(low)s to %(high)s. ") % {
            "low": price(low),
            "high": price(high),
        }
    yield _("The first is %(home)s, for %(price)s. ") % {
        "home": title(first),
        "price": price(first),
    }


def _nothing(found: Found) -> Iterator[str]:
    if found.total:
        yield _("That was all: I have no more %(things)s. ") % {"things": homes(found.wish, 2)}
    else:
        yield _("I have no %(things)s, and nothing that comes close. ") % {
            "things": homes(found.wish, 2)
        }


def _closest(found: Found) -> Iterator[str]:
    first = found.listings[0]
    yield _("I have no %(things)s. ") % {"things": homes(found.wish, 2)}
    home = title(first)
    if found.dropped & {"min_bedrooms", "max_bedrooms"}:
        home = ngettext(
            "%(home)s, with %(count)d bedroom,",
            "%(home)s, with %(count)d bedrooms,",
            first.bedrooms,
        ) % {"home": home, "count": first.bedrooms}
    yield _("The closest is %(home)s in %(place)s, %(deal)s at %(price)s. ") % {
        "home": home,
        "place": first.city,
        "deal": Listing.Deal(first.deal).label,
        "price": price(first),
    }
    if len(found.listings) > 1:
        yield ngettext(
            "There is one more on screen. ",
            "There are %(count)d more on screen. ",
            len(found.listings) - 1,
        ) % {"count": len(found.listings) - 1}


def title(listing: Listing) -> str:
    """The title as part of a spoken sentence: without a full stop, and "an elegant flat" if it can."""
    text = listing.title.rstrip(".! ")
    first, _space, rest = text.partition(" ")
    first = first.lower()
    if first not in ADJECTIVES or not (get_language() or "en").startswith("en"):
        return text
    article = "an" if first[0] in "aeiou" else "a"
    return f"{article} {first} {rest}".strip()


def price(listing: Listing) -> str:
    """ "295,000 euros", "1,200 pounds a month"."""
    return _money(listing.price, listing.currency, per_month=listing.deal == "rent")


def homes(wish: Wish, count: int) -> str:
    """The wish in words: "flats with two bedrooms to rent in Berlin under 1,500 euros a month"."""
    parts = [word for word in wish.features if word in features.ADJECTIVES]
    parts.append(_kind(wish.kind, count))
    having = [_bedrooms(wish), _bathrooms(wish)]
    having.extend(said[5:] for said in wish.features if said.startswith("with "))
    if having := [thing for thing in having if thing]:
        parts.append(_("with %(things)s") % {"things": _listed(having)})
    if wish.deal:
        parts.append(str(Listing.Deal(wish.deal).label))
    if wish.city or wish.district:
        place = ", ".join(part for part in (wish.district, wish.city) if part)
        parts.append(_("in %(place)s") % {"place": place})
    parts.extend(said for said in wish.features if said.startswith(("near ", "close ", "next ")))
    parts.extend(limits for limits in (_price_limits(wish), _area_limits(wish)) if limits)
    return " ".join(parts)


def _listed(things: Sequence[str]) -> str:
    """ "a pool, a garden and parking"."""
    *most, last = things
    return (
        _("%(things)s and %(last)s") % {"things": ", ".join(most), "last": last} if most else last
    )


def _kind(kind: str, count: int) -> str:
    if kind not in KINDS:
        return ngettext("home", "homes", count)
    singular, plural = KINDS[kind]
    return ngettext(singular, plural, count)


def _bedrooms(wish: Wish) -> str:
    low, high = wish.min_bedrooms, wish.max_bedrooms
    most = high if high is not None else low
    if most is None:
        return ""
    if low is not None and high is not None and low != high:
        count = _("%(low)s to %(high)s") % {"low": _in_word(low), "high": _in_word(high)}
    elif low is None:
        count = _("at most %(count)s") % {"count": _in_word(most)}
    elif high is None:
        count = _("at least %(count)s") % {"count": _in_word(most)}
    else:
        count = _in_word(most)
    return ngettext("%(count)s bedroom", "%(count)s bedrooms", most) % {"count": count}


def _bathrooms(wish: Wish) -> str:
    if not wish.min_bathrooms:
        return ""
    return ngettext("%(count)s bathroom", "%(count)s bathrooms", wish.min_bathrooms) % {
        "count": _in_word(wish.min_bathrooms)
    }


def _in_word(count: int) -> str:
    """Numbers below ten in words, which are heard better."""
    return _(SMALL_NUMBERS[count]) if count < len(SMALL_NUMBERS) else _number(count)


def _price_limits(wish: Wish) -> str:
    high = wish.max_price
    if high is not None and high % 10 == 9:
        high += 1  # "under 300,000" rather than "under 299,999"
    low, per_month = wish.min_price, wish.deal == "rent"
    if low is not None and high is not None:
        return _("between %(low)s and %(high)s") % {
            "low": _number(low),
            "high": _money(high, wish.currency, per_month=per_month),
        }
    if high is not None:
        return _("under %(price)s") % {"price": _money(high, wish.currency, per_month=per_month)}
    if low is not None:
        return _("over %(price)s") % {"price": _money(low, wish.currency, per_month=per_month)}
    return ""


def _area_limits(wish: Wish) -> str:
    low, high = wish.min_area_m2, wish.max_area_m2
    if low is not None and high is not None:
        return _("of %(low)s to %(high)s square metres") % {
            "low": _number(low),
            "high": _number(high),
        }
    if low is not None:
        return _("of at least %(area)s square metres") % {"area": _number(low)}
    if high is not None:
        return _("of at most %(area)s square metres") % {"area": _number(high)}
    return ""


def _money(amount: int, currency: str, *, per_month: bool) -> str:
    number = _number(amount)
    if currency == "EUR":
        number = ngettext("%(amount)s euro", "%(amount)s euros", amount) % {"amount": number}
    elif currency == "GBP":
        number = ngettext("%(amount)s pound", "%(amount)s pounds", amount) % {"amount": number}
    elif currency == "USD":
        number = ngettext("%(amount)s dollar", "%(amount)s dollars", amount) % {"amount": number}
    return _("%(amount)s a month") % {"amount": number} if per_month else number


def _number(number: int) -> str:
    return number_format(number, use_l10n=True, force_grouping=True)
