"""Whatever breaks, no acknowledged turn is lost, none is kept twice, and people are soon back."""

from __future__ import annotations

import os
import sys

import pytest

from tests.topology.topology import Topology

from . import scenarios
from .crowd import Tally

pytestmark = pytest.mark.timeout(180)
BACK_S = 5.0


def check(name: str, tally: Tally) -> None:
    sys.stdout.write(f"\n{name}: {tally}\n")
    assert tally.acknowledged == tally.sent == tally.found
    assert tally.sent > 2 * tally.people
    assert (tally.doubled, tally.unanswered) == (0, 0)
    # A machine that has other work was slow before the fault, too.
    assert tally.back_s < BACK_S + 3 * tally.before_s


async def test_an_instance_is_killed_in_the_middle_of_its_answers(deployed: Topology) -> None:
    tally = await scenarios.killed_instance(deployed)
    check("kill -9", tally)
    assert tally.closes[1006]


async def test_redis_is_killed_and_restarted(deployed: Topology) -> None:
    tally = await scenarios.redis_restarted(deployed)
    check("Redis restarted", tally)
    assert not tally.closes


async def test_redis_is_away_for_a_while(deployed: Topology) -> None:
    tally = await scenarios.redis_restarted(deployed, away_s=10)
    check("Redis away", tally)
    assert not tally.closes


async def test_postgres_is_restarted(deployed: Topology) -> None:
    check("PostgreSQL restarted", await scenarios.postgres_restarted(deployed))


async def test_postgres_is_away_for_a_while(deployed: Topology) -> None:
    tally = await scenarios.postgres_restarted(deployed, away_s=6)
    check("PostgreSQL away", tally)
    assert tally.errors["not_stored"]


async def test_instances_are_replaced_one_after_the_other(deployed: Topology) -> None:
    tally = await scenarios.rolled(deployed)
    check("rolling restart", tally)
    assert tally.told_to_leave >= tally.people
    assert set(tally.closes) <= {1006, 1012, 4429}


async def test_the_network_stalls_and_is_cut(deployed: Topology) -> None:
    check("network", await scenarios.network_that_drops(deployed))


async def test_a_client_does_not_read(deployed: Topology) -> None:
    tally, deaf = await scenarios.client_that_does_not_read(deployed)
    check(f"deaf client, {deaf}", tally)
    assert deaf.code in {1006, 1013}
    assert deaf.grown_mb < 64
    assert not tally.closes


async def test_the_object_store_is_away(deployed: Topology) -> None:
    tally = await scenarios.store_refusing(deployed)
    check("object store away", tally)
    assert not tally.closes


@pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts a small disk")
async def test_the_disk_is_full(deployed: Topology) -> None:
    tally = await scenarios.full_disk(deployed)
    check("full disk", tally)
    assert tally.errors["audio_not_stored"]
    assert not tally.closes


async def test_the_clock_of_an_instance_jumps(deployed: Topology) -> None:
    check("clock", await scenarios.clock_jumped(deployed))
