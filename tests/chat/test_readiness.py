"""Whether a process is ready: each part by itself, within its time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from chat.readiness import Readiness


class Part:
    """A part that can be made to fail or to hang; counts how often it is asked."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.hangs = False
        self.asked = 0

    async def __call__(self) -> None:
        self.asked += 1
        if self.hangs:
            await asyncio.Event().wait()
        if self.error is not None:
            raise self.error


def readiness(**parts: Callable[[], Awaitable[None]]) -> Readiness:
    return Readiness(parts, timeout_s=0.05)


async def test_it_is_ready_when_every_part_is() -> None:
    report = await readiness(database=Part(), store=Part()).report()
    assert report.ready
    assert report.parts == {"database": "ok", "store": "ok"}


async def test_the_part_that_fails_is_named_without_what_its_error_says() -> None:
    broken = Part()
    broken.error = OSError("postgres://user:secret@host")
    report = await readiness(database=broken, store=Part()).report()
    assert not report.ready
    assert report.parts == {"database": "OSError", "store": "ok"}


async def test_a_part_that_hangs_fails_and_is_not_asked_again_until_it_answers() -> None:
    hanging = Part()
    hanging.hangs = True
    ready = readiness(database=hanging, store=Part())
    for _ in range(3):
        report = await ready.report()
        assert report.parts == {"database": "TimeoutError", "store": "ok"}
    assert hanging.asked == 1


async def test_however_often_it_is_asked_the_parts_are_not() -> None:
    part = Part()
    ready = readiness(database=part)
    reports = await asyncio.gather(*(ready.report() for _ in range(20)))
    assert all(report.ready for report in reports)
    assert (await ready.report()).ready
    assert part.asked == 1


async def test_a_process_on_its_way_out_is_not_ready_though_all_is_well() -> None:
    ready = Readiness({"database": Part()}, is_draining=lambda: True)
    report = await ready.report()
    assert not report.ready
    assert report.draining
    assert report.parts == {"database": "ok"}
