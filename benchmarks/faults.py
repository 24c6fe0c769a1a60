"""What breaks while people talk, for as long as it may break, and what became of what they said.

The scenarios are those of tests/faults, which hold them to their counts with shorter waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from tqdm import tqdm

from tests.faults import scenarios
from tests.faults.tally import Tally, listed
from tests.topology.topology import Topology, topology

from .report import Section

ENVIRONMENT = {
    "VOICECHAT_DIALOGUE": "tests.faults.bots.Steady",
    "VOICECHAT_STT": "none",
    "VOICECHAT_LOG_LEVEL": "ERROR",
}


@dataclass(frozen=True, slots=True)
class Fault:
    name: str
    happens: Callable[[Topology], Coroutine[Any, Any, Tally]]


async def _deaf(deployed: Topology) -> Tally:
    return (await scenarios.client_that_does_not_read(deployed))[0]


async def _clock(deployed: Topology) -> Tally:
    with scenarios.own_clock(deployed):
        return await scenarios.clock_jumped(deployed)


def faults(quick: bool) -> list[Fault]:
    """``quick``: with short waits."""
    redis_s, postgres_s, hung_s, network_s = (
        (5.0, 5.0, 8.0, 3.0) if quick else (60.0, 30.0, 30.0, 30.0)
    )
    return [
        Fault("an instance killed (kill -9), 50 people", scenarios.killed_instance),
        Fault("Redis killed and restarted", scenarios.redis_restarted),
        Fault(
            f"Redis away for {redis_s:g} s", lambda d: scenarios.redis_restarted(d, away_s=redis_s)
        ),
        Fault(
            f"Redis hangs for {hung_s:g} s (takes connections, answers nothing)",
            lambda d: scenarios.hung(d, "redis", away_s=hung_s),
        ),
        Fault("PostgreSQL restarted", scenarios.postgres_restarted),
        Fault(
            f"PostgreSQL away for {postgres_s:g} s",
            lambda d: scenarios.postgres_restarted(d, away_s=postgres_s),
        ),
        Fault(
            f"PostgreSQL hangs for {hung_s:g} s",
            lambda d: scenarios.hung(d, "postgres", away_s=hung_s),
        ),
        Fault("rolling restart of both instances", scenarios.rolled),
        Fault(
            f"network stalled for {network_s:g} s, then cut",
            lambda d: scenarios.network_that_drops(d, away_s=network_s),
        ),
        Fault("a client that does not read", _deaf),
        Fault("object store away", scenarios.store_refusing),
        Fault("disk full", scenarios.full_disk),
        Fault("an instance's clock jumps by an hour", _clock),
    ]


def section(quick: bool) -> Section:
    """Break everything, one after the other, and tell."""
    rows, ended_s = [], 0.0
    with topology(**ENVIRONMENT) as deployed:
        for fault in tqdm(faults(quick), desc="faults", unit="fault", disable=None):
            tally = asyncio.run(fault.happens(deployed))
            rows.append(_row(fault.name, tally))
            ended_s = max(ended_s, tally.ended_s or 0.0)
    head = (
        "| fault | people | turns sent | acknowledged | found | doubled | unanswered | closes "
        "| a turn before | right after | refused after | reviewer missed, saw twice | reviewer back |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|---|",
    )
    explained = (
        "Two instances behind nginx with Redis, PostgreSQL and an object store, all as the compose file says, and all on "
        "this machine. People type one question after the other; some listen, too. *Found*: of the acknowledged turns, in "
        "the database at the end. *A turn before*, *right after*: the longest time from a question to its "
        "acknowledgement, of everybody at once, before the fault and from its end on. *Refused after*: the longest "
        "that somebody waited to be told that a turn was not taken. *The reviewer* reads along in the admin with "
        "one of the people; *back*: until a turn from after the fault was seen there."
    )
    explained += (
        f" Answers of the killed instance had ended as interrupted {ended_s:.1f} s after its death."
    )
    return Section(
        "Faults",
        "python -m benchmarks faults",
        "\n".join([*head, *rows, "", explained]),
        cores="shared by all",
    )


def _row(name: str, tally: Tally) -> str:
    review = tally.review
    figures = (
        name, tally.people, tally.sent, tally.acknowledged, tally.found, tally.doubled,
        tally.unanswered, listed(tally.closes), f"{tally.before_s:.1f} s", f"{tally.back_s:.1f} s",
        f"{tally.told_s:.1f} s" if tally.errors else "", f"{review.missed}, {review.doubled}",
        f"{tally.reviewer_back_s:.1f} s",
    )  # fmt: skip
    return "| " + " | ".join(str(figure) for figure in figures) + " |"
