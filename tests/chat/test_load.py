"""When one more call fits, and when it does not."""

from __future__ import annotations

import asyncio
import time

from chat.load import FULL, GUESS, LATE_S, NEW_S, SAMPLE_S, Load


def loaded(busy: float, wall_s: float = SAMPLE_S) -> Load:
    load = Load()
    for _ in range(200):
        load.sample(wall_s, busy * wall_s)
    return load


def test_an_idle_process_has_room() -> None:
    assert Load().has_room(0, 0.0)


def test_a_full_core_has_none() -> None:
    assert not loaded(FULL).has_room(200, 100.0)


def test_a_loop_that_is_always_late_has_none() -> None:
    assert not loaded(0.2, SAMPLE_S + 2 * LATE_S).has_room(10, 100.0)


def test_callers_who_come_together_are_counted_before_they_cost() -> None:
    load = Load()
    came = 0
    while load.has_room(came, 50.0):
        came += 1
    assert came == int(FULL / GUESS + 1e-6)
    # Nobody of them costs anything after all.
    assert load.has_room(came, 50.0 + NEW_S + 1)


def test_who_has_come_is_counted_at_the_price_of_the_others() -> None:
    load = loaded(0.5)
    came = 0
    while load.has_room(100 + came, 50.0):
        came += 1
    assert came == int((FULL - 0.5) / 0.005 + 1e-6)


async def test_it_watches_the_loop() -> None:
    load = Load()
    watching = asyncio.create_task(load.watch())
    await asyncio.sleep(0)
    until = time.monotonic() + 2 * SAMPLE_S
    while time.monotonic() < until:  # noqa: ASYNC110 (it is to be busy)
        await asyncio.sleep(0)
    watching.cancel()
    assert load.busy > 0.005
