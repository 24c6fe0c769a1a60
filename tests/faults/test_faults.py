"""Whatever breaks, no acknowledged turn is lost, none is kept twice, and people are soon back.

What became of all that was said is told at the end of the run.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager
from typing import Any

import psycopg
import pytest

from tests.e2e.person import person
from tests.part import Part
from tests.topology.topology import Topology

from . import scenarios
from .caller import Caller
from .crowd import guests, living
from .scenarios import Deaf
from .tally import Tally

pytestmark = pytest.mark.timeout(400)
# Service is back so soon after the end of a fault, and a dead instance's answers have ended.
BACK_S = 5.0
# What is told to nobody, a reviewer's page reads so much later.
NEXT_LOOK_S = 5.0
# How long anything of PostgreSQL is waited for, and how often (conversations/database.py, chat/keeper.py).
REFUSED_S = 10.0


def allowance_s(tally: Tally) -> float:
    """A machine that has other work was slow before the fault, too: what everybody needed to connect
    then, and three times what they needed to ask something.
    """
    return tally.come_in_s + 3 * tally.before_s


@pytest.fixture
def check(request: pytest.FixtureRequest, record_property: Any) -> Any:
    """Holds a fault to what all have in common."""

    def hold(tally: Tally) -> None:
        record_property("fault", f"{request.node.name.removeprefix('test_')}: {tally}")
        assert tally.acknowledged == tally.sent == tally.found
        assert tally.sent > 2 * tally.people
        assert (tally.doubled, tally.unanswered) == (0, 0)
        assert tally.back_s < BACK_S + allowance_s(tally)
        assert tally.told_s < REFUSED_S + allowance_s(tally)
        # Nothing that broke is a fault of ours.
        assert 1011 not in tally.closes + tally.reviewer_closes
        assert tally.review.turns > 4
        assert (tally.review.missed, tally.review.doubled) == (0, 0)
        assert tally.reviewer_back_s < BACK_S + NEXT_LOOK_S + allowance_s(tally)

    return hold


async def test_an_instance_is_killed_in_the_middle_of_its_answers(
    deployed: Topology, check: Any
) -> None:
    tally = await scenarios.killed_instance(deployed)
    check(tally)
    assert tally.closes[1006]
    assert tally.ended_s is not None
    assert tally.ended_s < BACK_S + allowance_s(tally)


async def test_redis_is_killed_and_restarted(deployed: Topology, check: Any) -> None:
    tally = await scenarios.redis_restarted(deployed)
    check(tally)
    assert not tally.closes


async def test_redis_is_away_for_a_while(deployed: Topology, check: Any) -> None:
    tally = await scenarios.redis_restarted(deployed, away_s=8)
    check(tally)
    assert not tally.closes


async def test_redis_hangs(deployed: Topology, check: Any) -> None:
    tally = await scenarios.hung(deployed, "redis")
    check(tally)
    assert not tally.closes


async def test_postgres_is_restarted(deployed: Topology, check: Any) -> None:
    tally = await scenarios.postgres_restarted(deployed)
    check(tally)
    assert not tally.closes


async def test_postgres_is_away_for_a_while(deployed: Topology, check: Any) -> None:
    tally = await scenarios.postgres_restarted(deployed, away_s=6)
    check(tally)
    assert tally.errors["not_stored"]
    assert not tally.closes


async def test_postgres_hangs(deployed: Topology, check: Any) -> None:
    tally = await scenarios.hung(deployed, "postgres")
    check(tally)
    assert tally.errors["not_stored"]
    assert not tally.closes


@pytest.mark.parametrize("how", [scenarios.hanging, scenarios.stopped])
async def test_who_comes_while_postgres_is_away_is_told_to_come_back(
    deployed: Topology, how: Callable[[Part], AbstractContextManager[None]]
) -> None:
    url, address = deployed.url_of("web1"), deployed.socket_url_of("web1")
    [cookies] = await guests(deployed, 1)
    with how(deployed["postgres"]):
        began = time.monotonic()
        async with person(address, cookies, origin=url) as anna:
            assert (await anna.until("error"))["code"] == "unavailable"
            assert await anna.closed() == 1013
        assert time.monotonic() - began < REFUSED_S
    again = Caller(url, cookies)
    async with living([again]), asyncio.timeout(BACK_S):
        await again.connected()


async def test_an_answer_whose_row_is_locked_lets_no_other_lapse(deployed: Topology) -> None:
    people = [Caller(deployed.url_of("web1"), cookies) for cookies in await guests(deployed, 3)]
    async with living(people):
        for one in people:
            await one.connected()
        replies = [await scenarios.being_answered((one, one)) for one in people]
        with psycopg.connect(deployed.database_url) as somebody:
            lock = "select from conversations_turn where id = %s for update"
            somebody.execute(lock, [replies[0]])
            # Longer than a lease lasts and a statement is waited for.
            await asyncio.sleep(2 * BACK_S)
        await asyncio.sleep(BACK_S)
        assert not any(set(replies[1:]) & one.ended.keys() for one in people)


async def test_instances_are_replaced_one_after_the_other(deployed: Topology, check: Any) -> None:
    tally = await scenarios.rolled(deployed)
    check(tally)
    assert tally.told_to_leave >= tally.people
    assert set(tally.closes) <= {1006, 1012, 4429}


# --- faults that touch different parts, side by side ------------------------------------------


def side_by_side(*faults: Coroutine[Any, Any, Any]) -> list[Any]:
    """What came of each, or what it raised."""

    async def all_of_them() -> list[Any]:
        return await asyncio.gather(*faults, return_exceptions=True)

    return asyncio.run(all_of_them())


def found(outcome: Any) -> Any:
    if isinstance(outcome, BaseException):
        raise outcome
    return outcome


@pytest.fixture(scope="module")
def network_client_and_store(deployed: Topology) -> list[Any]:
    return side_by_side(
        scenarios.network_that_drops(deployed),
        scenarios.client_that_does_not_read(deployed),
        scenarios.store_refusing(deployed),
    )


@pytest.fixture(scope="module")
def clock_and_disk(deployed: Topology) -> list[Any]:
    with scenarios.own_clock(deployed):
        return side_by_side(scenarios.clock_jumped(deployed), scenarios.full_disk(deployed))


def test_the_network_stalls_and_is_cut(network_client_and_store: list[Any], check: Any) -> None:
    check(found(network_client_and_store[0]))


def test_a_client_does_not_read(network_client_and_store: list[Any], check: Any) -> None:
    outcome: tuple[Tally, Deaf] = found(network_client_and_store[1])
    tally, deaf = outcome
    check(tally)
    assert deaf.code in {1006, 1013}
    assert deaf.grown_mb < 64
    assert not tally.closes


def test_the_object_store_is_away(network_client_and_store: list[Any], check: Any) -> None:
    tally: Tally = found(network_client_and_store[2])
    check(tally)
    assert not tally.closes


def test_the_clock_of_an_instance_jumps(clock_and_disk: list[Any], check: Any) -> None:
    check(found(clock_and_disk[0]))


@pytest.mark.skipif(not scenarios.MAY_MOUNT, reason="only root mounts a small disk")
def test_the_disk_is_full(clock_and_disk: list[Any], check: Any) -> None:
    tally: Tally = found(clock_and_disk[1])
    check(tally)
    assert tally.errors["audio_not_stored"]
    assert not tally.closes
