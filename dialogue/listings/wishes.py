"""What somebody looks for, read from English text. Pure: no database, and it never raises."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Literal

from dialogue.places import LONGEST_TEXT, names_in, place_names, plain, words_without_names

from .amounts import Amount, amounts_in
from .features import MOST_FEATURES, features_in, without_in

Compare = Literal["", "cheaper", "bigger", "more"]

MOST_ROOMS = 20
LEAST_AREA_M2, MOST_AREA_M2 = 5, 10_000
LEAST_PRICE, MOST_PRICE = 1, 10**10
LEAST_PRICE_OF_A_SALE = 20_000
"""Whoever names less than this means a month's rent."""

LONGEST_REFINEMENT = 12  # words
NOT_MERGED = frozenset({"is_search", "is_elliptic", "page", "features"})


@dataclass(frozen=True, slots=True)
class Wish:
    """Empty or None means: does not matter. Areas in m², prices in whole units of a currency."""

    kind: str = ""
    deal: str = ""
    city: str = ""
    district: str = ""
    min_bedrooms: int | None = None
    max_bedrooms: int | None = None
    min_bathrooms: int | None = None
    min_area_m2: int | None = None
    max_area_m2: int | None = None
    min_price: int | None = None
    max_price: int | None = None
    currency: str = ""
    features: tuple[str, ...] = ()
    """Looked for in the texts of listings, as said: ``with a pool``."""
    unheeded: tuple[str, ...] = ()
    """Conditions of the text that no search can heed, as said: ``without a garden``."""
    compare: Compare = ""
    page: int = 0
    is_search: bool = False
    """The text asks for homes by itself, rather than refines an earlier question."""
    is_elliptic: bool = field(default=False, compare=False)
    """The text has no word beside its conditions: it may go on with an earlier one."""

    def __bool__(self) -> bool:
        return self != Wish()


KINDS = {
    "flat": r"flats?|apartments?|appartments?|appt|apts?|condos?|condominiums?",
    "house": r"houses?|cottages?|bungalows?|town ?houses?|detached",
    "studio": r"studios?|bedsits?",
    "loft": r"lofts?",
    "penthouse": r"pent ?houses?",
    "villa": r"villas?|mansions?",
    "room": r"(?<!living )(?<!dining )(?<!bath )(?<!bed )(?<!\d )rooms? (?:to|for) (?:rent|let)"
    r"|rent(?:ing)? a room|(?:single|double|shared) rooms?",
}
_KINDS = {kind: re.compile(rf"\b(?:{words})\b") for kind, words in KINDS.items()}
_HOME = re.compile(
    r"\b(?:homes?|propert(?:y|ies)|listings?|places? to (?:live|rent|buy)|real estate|accommodations?"
    r"|somewhere to live|(?:anything|something|places?) (?:to|for) (?:rent|buy|sale|let))\b"
)
_ASKS = re.compile(
    r"\b(?:find|show|search|searching|look|looking|want|wants|need|needs|buy|have you|do you have"
    r"|any|available|list|get me|interested|prefer|love|like|is there|are there)\b"
)
_RENT = re.compile(
    r"\b(?:rent|rents|renting|rental|rentals|rented|to let|for let|lease|pcm|monthly)\b"
    r"|(?:a|per|each|every|/) ?(?:month|mo)\b|\bp\.?m\b"
)
_SALE = re.compile(r"\b(?:buy|buying|purchase|purchasing|for sale|on sale|sale|to own)\b")
_CHEAPER = re.compile(
    r"\b(?:cheaper|less expensive|lower price|more affordable|cheap)\b(?! than \S*\d)"
)
_BIGGER = re.compile(r"\b(?:bigger|larger|more space|more spacious)\b(?! than \S*\d)")
_MORE = re.compile(
    r"^(?:show |list |any |are there |do you have |have you got |what )*(?:me )?(?:some |any )?"
    r"(?:more|others?|other ones|next|what else|anything else|something else)\b"
    r"(?! (?:than|expensive|space|spacious|affordable|bed))"
)

_NOT_WISHED = re.compile(
    r"\b(?:don t|do not|not|didn t|never) (?:want|need|like|look(?:ing)? for|interested in|buy|rent)"
    r"(?: to (?:buy|rent|find|see))? (?:an? |the |any |another )?\w+|\bnot an? \w+"
)
_LEADS_ON = re.compile(r"^(?:ok |okay )?(?:and|or|but|also|what about|how about|maybe|what if)\b")
_COMPARES = re.compile(r"\b(?:cheaper|bigger|larger|more|less|others?)\b")
_SMALL_WORDS = frozenset(
    """
    a about above affordable all also an and another any anything approx approximately are
    area around as at available bath bathroom bathrooms baths bed bedroom bedroomed bedrooms
    beds below between bigger bit budget but buy buying by can cheap cheaper cheapest circa
    close could d do does dollar dollars each eight eighty eleven else eur euro euros
    expensive feet fewer fifty find five foot for forty four from ft gbp get give got grand
    half have higher how hundred i if in instead interested is it just k larger least less
    let like list little ll look looking love lower m m2 max maximum may maybe me meter
    meters metre metres million min minimum mn month monthly more most much near need next
    nine ninety of ok okay on one ones only or other others over own pcm per place places
    please pound pounds prefer price priced prices purchase quid rather re rent rental
    renting roughly s sale same search see seven seventy show six sixty size some something
    somewhere space spacious sq sqm square starting ten than that the then there these they
    thirty this those thousand three till to too twelve twenty two under until up us usd
    want wanted we week what which with within without would yes you
    """.split()  # noqa: SIM905 - a line for each of two hundred words is no help
)


def parse_query(
    text: str,
    cities: Mapping[str, str] | None = None,
    districts: Mapping[str, str] | None = None,
) -> Wish:
    """The wish in ``text``, of which the first 1,000 characters are read.

    ``cities`` and ``districts`` are the known ones, by plain spelling; a city of the world that is
    not among them is understood too, so that one can say that nothing is offered there.
    """
    text = text[:LONGEST_TEXT]
    words = _NOT_WISHED.sub(" ", plain(text))
    names = {**place_names(), **(cities or {})}
    other_words = words_without_names(words, {**names, **(districts or {})})
    wish = Wish(
        kind=next((kind for kind, pattern in _KINDS.items() if pattern.search(words)), ""),
        deal=_deal(text.lower()),
        city=next(iter(names_in(text, names)), ""),
        district=_district(words, districts or {}),
        features=features_in(words, frozenset(words.split()) - frozenset(other_words)),
        unheeded=without_in(words),
        compare=_compare(words),
    )
    if wish.city and len(other_words) == len(words.split()):  # a misspelt city
        other_words = _without_misspelt_city(other_words)
        near = tuple(feature for feature in wish.features if not feature.startswith("near "))
        wish = replace(wish, features=near)
    for amount in amounts_in(text):
        wish = _with_amount(wish, amount)
    wish = _with_deal_of_price(wish)
    wish = replace(wish, is_elliptic=_is_elliptic(other_words, wish))
    return replace(wish, is_search=_is_search(words, wish))


def goes_on(text: str, wish: Wish) -> bool:
    """Whether a text changes an earlier wish, "and in Porto?", rather than stands for itself."""
    words = plain(text)
    if not (wish and wish.is_elliptic and len(words.split()) <= LONGEST_REFINEMENT):
        return False
    says_where = bool(wish.city or wish.district)
    if _LEADS_ON.search(words) or (_COMPARES.search(words) and not says_where):
        return True
    has_condition = wish.deal or wish.features or any(
        limit is not None
        for limit in (
            wish.min_bedrooms, wish.max_bedrooms, wish.min_bathrooms, wish.min_area_m2,
            wish.max_area_m2, wish.min_price, wish.max_price,
        )
    )  # fmt: skip
    names_a_home = wish.kind or (wish.is_search and _HOME.search(words))
    return not (names_a_home or (says_where and has_condition))


def merge(earlier: Wish, later: Wish) -> Wish:
    """The earlier wish with what the later text changes about it."""
    changes = {
        field.name: getattr(later, field.name)
        for field in fields(Wish)
        if getattr(later, field.name) not in {"", None, ()} and field.name not in NOT_MERGED
    }
    dropped: dict[str, object] = {
        "page": 0,
        "compare": "",
        "unheeded": (),
        "features": tuple(dict.fromkeys((*earlier.features, *later.features)))[:MOST_FEATURES],
    }
    if later.min_price is not None or later.max_price is not None:
        dropped |= {"min_price": None, "max_price": None, "currency": ""}
    elif later.deal and later.deal != earlier.deal:
        dropped |= {"min_price": None, "max_price": None}
    if later.min_bedrooms is not None or later.max_bedrooms is not None:
        dropped |= {"min_bedrooms": None, "max_bedrooms": None}
        if earlier.kind == "studio":
            dropped["kind"] = ""
    elif later.kind == "studio":
        dropped |= {"min_bedrooms": None, "max_bedrooms": None}
    if later.min_area_m2 is not None or later.max_area_m2 is not None:
        dropped |= {"min_area_m2": None, "max_area_m2": None}
    if later.city:
        dropped |= {"district": "", "currency": ""}
    return replace(earlier, **{**dropped, **changes})


def _without_misspelt_city(words: list[str]) -> list[str]:
    """The words without the one behind "in" and the like, or the only one."""
    if len(words) == 1:
        return []
    return re.sub(r"\b(in|near|around|at) \w+", r"\1", " ".join(words)).split()


def _deal(lowered: str) -> str:
    if _RENT.search(lowered):
        return "rent"
    return "sale" if _SALE.search(lowered) else ""


def _district(words: str, districts: Mapping[str, str]) -> str:
    padded = f" {words} "
    spellings = [spelling for spelling in districts if f" {spelling} " in padded]
    return districts[max(spellings, key=len)] if spellings else ""


def _compare(words: str) -> Compare:
    if _CHEAPER.search(words):
        return "cheaper"
    if _BIGGER.search(words):
        return "bigger"
    return "more" if _MORE.search(words) else ""


def _with_amount(wish: Wish, amount: Amount) -> Wish:  # noqa: PLR0911 - a table of units
    match amount.unit:
        case "bedrooms":
            low, high = _limits(amount, 0, MOST_ROOMS, spread=0)
            if low is None and high is None:
                return _unheeded(wish, "so many bedrooms")
            return replace(wish, min_bedrooms=low, max_bedrooms=high)
        case "bathrooms":
            low, _high = _limits(amount, 1, MOST_ROOMS, spread=0)
            if low is None:
                return _unheeded(wish, "at most so many bathrooms")
            return replace(wish, min_bathrooms=low)
        case "area":
            low, high = _limits(amount, LEAST_AREA_M2, MOST_AREA_M2, spread=0.15)
            if low is None and high is None:
                return _unheeded(wish, "such an area")
            return replace(wish, min_area_m2=low, max_area_m2=high)
        case "money":
            return _with_price(wish, amount)
        case "" if _can_be_a_price(amount):
            return _with_price(wish, amount)
        case _:
            return wish


def _can_be_a_price(amount: Amount) -> bool:
    """Without a unit: "under 900" and "300000", but neither "3" nor "in 2026"."""
    value = amount.high if amount.high is not None else amount.low or 0
    is_range = amount.low != amount.high and None not in {amount.low, amount.high}
    return value >= 10_000 or (value >= 100 and (amount.bound != "exact" or is_range))


def _with_price(wish: Wish, amount: Amount) -> Wish:
    if amount.bound == "exact" and amount.low == amount.high:
        amount = replace(amount, bound="max", low=None)  # "a flat for 300k" is a budget
    low, high = _limits(amount, LEAST_PRICE, MOST_PRICE, spread=0.1)
    if low is None and high is None:
        return _unheeded(wish, "such a price")
    return replace(wish, min_price=low, max_price=high, currency=amount.currency or wish.currency)


def _unheeded(wish: Wish, condition: str) -> Wish:
    return replace(wish, unheeded=tuple(dict.fromkeys((*wish.unheeded, condition))))


def _limits(
    amount: Amount, least: int, most: int, *, spread: float
) -> tuple[int | None, int | None]:
    """Low and high in whole numbers; nothing where a limit is beyond what can be."""
    low, high = amount.low, amount.high
    if any(limit is not None and not least <= limit <= most for limit in (low, high)):
        return None, None
    if low is not None and low == high and (amount.bound == "around" or (spread and least > 1)):
        low, high = low * (1 - spread), low * (1 + spread)
    return (
        None if low is None else max(least, round(low)),
        None if high is None else min(most, round(high)),
    )


def _with_deal_of_price(wish: Wish) -> Wish:
    price = wish.max_price if wish.max_price is not None else wish.min_price
    if wish.deal or price is None:
        return wish
    return replace(wish, deal="rent" if price < LEAST_PRICE_OF_A_SALE else "sale")


def _is_elliptic(other_words: list[str], wish: Wish) -> bool:
    said = {word for feature in (*wish.features, *wish.unheeded) for word in feature.split()}
    rest = " ".join(
        word
        for word in other_words
        if word not in _SMALL_WORDS
        and word not in said
        and word.removesuffix("s") not in said
        and not word[0].isdigit()
    )
    for pattern in (*_KINDS.values(), _HOME):
        rest = pattern.sub(" ", rest)
    return not rest.strip()


def _is_search(words: str, wish: Wish) -> bool:
    names_a_home = bool(wish.kind) or _HOME.search(words) is not None
    has_rooms = wish.min_bedrooms is not None or wish.max_bedrooms is not None
    says_where = bool(wish.city or wish.district)
    says_more = bool(
        wish.deal or says_where or has_rooms or wish.features or wish.min_price or wish.max_price or wish.min_area_m2
        or wish.max_area_m2 or _ASKS.search(words)
    )  # fmt: skip
    if names_a_home:
        return says_more or len(words.split()) <= 3
    return (has_rooms and (says_where or bool(wish.deal) or len(words.split()) <= 4)) or (
        says_where
        and wish.is_elliptic
        and bool(wish.deal)
        and bool(_ASKS.search(words) or wish.max_price)
    )
