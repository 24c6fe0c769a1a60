"""A reviewer's requests, timed: run by ``review.py`` in a process of its own, on a seeded database.

Prints JSON: of each request the times in ms, its count of queries, and the slowest of them.
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from html import unescape
from typing import Any
from urllib.parse import urlencode

import django
from tqdm import tqdm

LIST = "/admin/conversations/conversation/"
SEARCH = f"{LIST}search/"
# What sentences.toml makes common; and two common words that nobody says in this order.
COMMON, TWO, PHRASE, NEVER = "the", "garden refund ", '"what does it cost"', '"cost what"'


@dataclass(frozen=True, slots=True)
class Timed:
    """``page`` is ``list`` or ``search``."""

    page: str
    what: str
    ms: list[float]
    queries: int
    slowest_sql: str
    slowest_ms: float


def main(rounds: int) -> None:
    django.setup()
    asked = list(_requests(rounds))
    timed = [asdict(_timed(*each)) for each in tqdm(asked, desc="asking", disable=None)]
    json.dump(timed, sys.stdout)


def _requests(rounds: int) -> Iterator[tuple[str, str, list[str]]]:
    """Page, what is asked of it, and the addresses: one, asked again and again, or many."""
    from conversations.models import Conversation, Tag, Turn  # noqa: PLC0415 (after django.setup)
    from conversations.search import search  # noqa: PLC0415

    middle = Conversation.objects.order_by("last_at")[Conversation.objects.count() // 2].last_at
    month = {"last_at__year": middle.year, "last_at__month": middle.month}

    def asked(page: str, what: str, **query: Any) -> tuple[str, str, list[str]]:
        address = LIST if page == "list" else SEARCH
        return page, what, [f"{address}?{urlencode(query)}"] * rounds

    yield asked("list", "first page")
    yield asked("list", "its page 1000", p=min(1000, Conversation.objects.count() // 50))
    yield asked("list", "with errors", trouble="errors")
    yield asked("list", "of guests", who="guest")
    yield asked("list", "slow ones", p95="slow")
    yield asked("list", "not reviewed", reviewed="no")
    yield asked(
        "list", "with a tag", tag=Tag.objects.order_by("pk").values_list("pk", flat=True)[0]
    )
    yield asked("list", "live now", live="now")
    for what, address in _orders():
        yield "list", what, [address] * rounds
    yield asked("list", "a month", **month)
    yield asked("list", "a day", **month, last_at__day=middle.day)
    yield asked("list", "search: common word", q=COMMON)
    yield asked("list", "search: never said", q="zyzzyva")

    later = Turn.objects.filter(text__contains="order ").order_by("-created_at")
    said = later.values_list("text", flat=True)[: rounds * 20]
    rare = re.findall(r"order ([A-Z2-9]{6})", " ".join(said))
    rare = (rare * rounds)[:rounds]
    yield "search", "rare word", [f"{SEARCH}?{urlencode({'q': word})}" for word in rare]
    yield asked("search", "common word", q=COMMON)
    yield asked("search", "two words", q=TWO)
    yield asked("search", "phrase", q=PHRASE)
    yield asked("search", "beginning", q="refun")
    yield asked("search", "common, without another", q=f"{COMMON} -you")
    yield asked("search", "Chinese word", q="预约")
    yield asked("search", "never said", q="zyzzyva")
    yield asked("search", "words never said in this order", q=NEVER)
    after = None
    for _ in range(20):
        after = search(COMMON, after=after).after
    yield asked("search", "common word, page 21", q=COMMON, after=after or 1)


def _orders() -> list[tuple[str, str]]:
    """The orders that the list offers: their names and addresses."""
    page = _reviewer().get(LIST).content.decode()
    (offered,) = re.findall(r'<nav class="orders".*?</nav>', page, re.DOTALL)
    links = re.findall(r'<a href="([^"]*)"[^>]*>([^<]*)</a>', offered)
    return [(name.lower(), f"{LIST}{unescape(query)}") for query, name in links]


def _timed(page: str, what: str, addresses: list[str]) -> Timed:
    from django.db import connection  # noqa: PLC0415
    from django.test.utils import CaptureQueriesContext  # noqa: PLC0415

    client = _reviewer()
    with CaptureQueriesContext(connection) as captured:
        _get(client, addresses[0])
    queries = captured.captured_queries
    slowest = max(queries, key=lambda query: float(query["time"]))
    times = [_get(client, address) for address in addresses]
    return Timed(
        page, what, times, len(queries), slowest["sql"][:400], float(slowest["time"]) * 1000
    )


def _get(client: Any, address: str) -> float:
    began = time.perf_counter()
    response = client.get(address)
    ms = (time.perf_counter() - began) * 1000
    if response.status_code != 200:
        raise RuntimeError(f"{address}: {response.status_code}")
    return ms


def _reviewer() -> Any:
    from django.test import Client  # noqa: PLC0415

    from accounts.models import User  # noqa: PLC0415

    user, _ = User.objects.get_or_create(
        username="reviewer", defaults={"is_staff": True, "is_superuser": True}
    )
    client = Client()
    client.force_login(user)
    return client


if __name__ == "__main__":
    main(int(sys.argv[1]))
