"""Who is refused too often is not looked at for a while."""

from __future__ import annotations

import pytest
from limits import parse

from feed.limits.counters import Counters
from feed.limits.refusals import Refusals

HOME, OFFICE = "192.0.2.1", "198.51.100.7"


@pytest.fixture
def turned_away() -> list[None]:
    return []


@pytest.fixture
def refusals(turned_away: list[None]) -> Refusals:
    return Refusals(Counters().rates, parse("2/minute"), lambda: turned_away.append(None))


async def test_whoever_was_refused_too_often_is_turned_away_and_the_others_are_not(
    refusals, turned_away
):
    for _ in range(2):
        assert await refusals.look(HOME) is None
        assert await refusals.count(HOME) is None
    assert await refusals.look(HOME) is not None
    assert await refusals.count(HOME) is not None
    assert len(turned_away) == 2
    assert await refusals.look(OFFICE) is None


async def test_an_empty_address_is_not_counted(refusals):
    for _ in range(5):
        assert await refusals.count("") is None
    assert await refusals.look("") is None


async def test_without_a_limit_nobody_is_turned_away():
    unlimited = Refusals(Counters().rates, None, lambda: pytest.fail("turned away"))
    for _ in range(5):
        assert await unlimited.count(HOME) is None
    assert await unlimited.look(HOME) is None
