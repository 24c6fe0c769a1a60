import asyncio
from collections.abc import AsyncIterator

import pytest

from speech.breaker import FIRST_DELAY, LONGEST_DELAY, Breaker, Prober
from tests.speech.waiting import until


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker(clock, chance=lambda: 0.5)


def test_it_starts_open_with_a_probe_due_at_once(breaker: Breaker) -> None:
    assert not breaker.closed
    assert breaker.probe_in == 0


def test_a_probe_that_succeeds_closes_it(breaker: Breaker) -> None:
    breaker.succeeded()
    assert breaker.closed
    assert breaker.probe_in is None


def test_one_failure_opens_it(breaker: Breaker) -> None:
    breaker.succeeded()
    breaker.failed()
    assert not breaker.closed
    assert breaker.probe_in == FIRST_DELAY


def test_probes_that_fail_come_less_often(breaker: Breaker) -> None:
    delays = []
    for _ in range(10):
        breaker.probe_failed()
        delays.append(breaker.probe_in)
    assert delays[:3] == [FIRST_DELAY, 2 * FIRST_DELAY, 4 * FIRST_DELAY]
    assert delays[-1] == LONGEST_DELAY


def test_more_failures_while_open_put_nothing_off(breaker: Breaker, clock: Clock) -> None:
    breaker.succeeded()
    breaker.failed()
    clock.now += FIRST_DELAY - 1
    breaker.failed()
    assert breaker.probe_in == 1


def test_success_forgets_the_delays(breaker: Breaker) -> None:
    for _ in range(5):
        breaker.probe_failed()
    breaker.succeeded()
    breaker.failed()
    assert breaker.probe_in == FIRST_DELAY


def test_a_probe_overdue_is_due_now(breaker: Breaker, clock: Clock) -> None:
    breaker.probe_failed()
    clock.now += 1000
    assert breaker.probe_in == 0


@pytest.mark.parametrize(("chance", "factor"), [(0.0, 0.8), (1.0, 1.2)])
def test_delays_are_jittered(clock: Clock, chance: float, factor: float) -> None:
    breaker = Breaker(clock, chance=lambda: chance)
    breaker.probe_failed()
    assert breaker.probe_in == pytest.approx(FIRST_DELAY * factor)


class Probed:
    """A prober whose sleeps and probes a test steps through."""

    def __init__(self, breaker: Breaker) -> None:
        self.slept: asyncio.Queue[float] = asyncio.Queue()
        self.results: asyncio.Queue[Exception | None] = asyncio.Queue()
        self.prober = Prober(breaker, self.probe, self.sleep)

    async def sleep(self, delay: float) -> None:
        self.slept.put_nowait(delay)

    async def probe(self) -> None:
        if error := await self.results.get():
            raise error

    async def outcome(self, error: Exception | None) -> float:
        """Give the next probe its result; returns how long was slept before it."""
        self.results.put_nowait(error)
        return await asyncio.wait_for(self.slept.get(), 5)


@pytest.fixture
async def probed(breaker: Breaker) -> AsyncIterator[Probed]:
    probed = Probed(breaker)
    probed.prober.start()
    yield probed
    await probed.prober.stop()


async def test_the_prober_goes_on_until_a_probe_succeeds(probed: Probed) -> None:
    assert await probed.outcome(OSError("no route")) == 0
    assert await probed.outcome(ValueError("odd")) == FIRST_DELAY
    assert await probed.outcome(None) == 2 * FIRST_DELAY
    await _until_closed(probed)


async def test_the_prober_begins_again_after_a_failure(probed: Probed) -> None:
    await probed.outcome(None)
    await _until_closed(probed)
    probed.prober.failed()
    assert not probed.prober.breaker.closed
    assert await probed.outcome(None) == FIRST_DELAY
    await _until_closed(probed)


async def test_starting_twice_and_stopping_twice_is_harmless(probed: Probed) -> None:
    probed.prober.start()
    await probed.prober.stop()
    await probed.prober.stop()


async def _until_closed(probed: Probed) -> None:
    await until(lambda: probed.prober.breaker.closed)
