"""People who talk while something breaks, and what became of all that they said.

Each has a conversation and asks one question after the other. What was sent, acknowledged, kept and
kept twice is counted in the end; a close that is not documented, or an acknowledged turn that cannot
be found, is a failure of the server's.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from weakref import WeakKeyDictionary

import httpx
import psycopg

from tests.topology.reviewer import reviewer_cookies
from tests.topology.topology import Topology

from .caller import Caller
from .reviewer import Review, Reviewer
from .tally import Tally

# A machine that has other work takes its time.
PATIENCE_S = 60.0
# Seconds between an answer and the next question.
BRISK = (0.5, 2.5)


class Crowd:
    """``address``: where they dial; through it a reviewer reads along with the first of them."""

    def __init__(self, deployed: Topology, address: str, callers: Sequence[Caller]) -> None:
        self.callers = callers
        self._deployed = deployed
        self._address = address
        self._talking: list[asyncio.Task[None]] = []
        self._reviewer: Reviewer | None = None
        self._reading: asyncio.Task[None] | None = None
        self._came_at = time.monotonic()
        self._come_in_s = 0.0
        self._before_s = 0.0
        self._reviewer_back_s = 0.0

    async def begin(self, words: str, pauses_s: tuple[float, float] = BRISK) -> None:
        """All of them talk, until ``end``; when this returns they are in the middle of it."""
        await asyncio.gather(*(caller.connected() for caller in self.callers))
        self._come_in_s = time.monotonic() - self._came_at
        self._talking = [
            asyncio.create_task(caller.talk(words, pauses_s)) for caller in self.callers
        ]
        await asyncio.sleep(1)
        self._before_s = await self.back_s()
        self._reviewer = await self._read_along()
        await asyncio.sleep(1)
        # Of the fault alone: a busy machine turns away some who come all at once.
        for caller in self.callers:
            caller.closes.clear()
            caller.errors.clear()
            caller.told_s = 0.0
        self._reviewer.closes.clear()

    async def _read_along(self) -> Reviewer:
        conversation = self.callers[0].conversation
        assert conversation is not None
        cookies = await _reviewer_cookies(self._deployed)
        reviewer = Reviewer(self._address, cookies, conversation)
        self._reading = asyncio.create_task(reviewer.live())
        assert await reviewer.until(lambda: bool(reviewer.page), PATIENCE_S), reviewer.closes
        return reviewer

    async def end(self, back_s: float, ended_s: float | None = None) -> Tally:
        """They say nothing more; when all that they said is acknowledged and answered, it is counted."""
        for task in self._talking:
            task.cancel()
        await asyncio.gather(*self._talking, return_exceptions=True)
        for caller in self.callers:
            settled = await caller.until(
                lambda: (
                    not caller.outbox  # noqa: B023
                    and all(asked.reply in caller.ended for asked in caller.asked.values())  # noqa: B023
                ),
                PATIENCE_S,
            )
            assert settled, (caller.outbox, caller.closes, caller.errors, caller.asked)
        assert self._reviewer is not None
        review = await self._reviewer.review(self._deployed.database_url)
        tally = await asyncio.to_thread(self._tally, self._reviewer, review)
        tally.back_s, tally.ended_s = back_s, ended_s
        return tally

    async def leave(self) -> None:
        """Nobody reads along any more. Raises what the reviewer may not have met with."""
        if self._reading is None:
            return
        if self._reading.done():
            self._reading.result()
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)

    async def back_s(self, within_s: float = PATIENCE_S) -> float:
        """Everybody asks something now; the seconds until the last of it is acknowledged."""
        began = time.monotonic()
        asked = [caller.ask("still there?") for caller in self.callers]
        for caller, one in zip(self.callers, asked, strict=True):
            left_s = max(0.0, began + within_s - time.monotonic())
            acknowledged = await caller.until(lambda: one.acked_at is not None, left_s)  # noqa: B023
            assert acknowledged, (caller.closes, caller.errors)
        if self._reviewer is not None:
            page, turn = self._reviewer.page, asked[0].turn
            assert await self._reviewer.until(lambda: turn in page, within_s), self._reviewer.closes
            self._reviewer_back_s = time.monotonic() - began
        return max(one.acked_at or 0.0 for one in asked) - began

    def _tally(self, reviewer: Reviewer, review: Review) -> Tally:
        sent = [asked for caller in self.callers for asked in caller.asked.values()]
        acknowledged = [asked for asked in sent if asked.acked_at is not None]
        with psycopg.connect(self._deployed.database_url) as database:
            rows = database.execute(
                "select text, count(*) from conversations_turn where role = 'user' group by text"
            ).fetchall()
            replies = dict(
                database.execute(
                    "select question.text, reply.status from conversations_turn question"
                    " join conversations_turn reply on reply.reply_to_id = question.id"
                ).fetchall()
            )
        kept: dict[str, int] = {str(text): int(count) for text, count in rows}
        return Tally(
            people=len(self.callers),
            sent=len(sent),
            acknowledged=len(acknowledged),
            found=sum(asked.text in kept for asked in acknowledged),
            doubled=sum(kept.get(asked.text, 0) > 1 for asked in sent),
            unanswered=sum(
                replies.get(asked.text, "streaming") == "streaming" for asked in acknowledged
            ),
            review=review,
            answers=Counter(replies[asked.text] for asked in sent if asked.text in replies),
            closes=sum((caller.closes for caller in self.callers), Counter()),
            reviewer_closes=reviewer.closes,
            errors=sum((caller.errors for caller in self.callers), Counter()),
            told_to_leave=sum(caller.told_to_leave for caller in self.callers),
            come_in_s=self._come_in_s,
            before_s=self._before_s,
            told_s=max(caller.told_s for caller in self.callers),
            reviewer_back_s=self._reviewer_back_s,
        )


@contextlib.asynccontextmanager
async def crowd(
    deployed: Topology, people: int, *, audio: int = 0, address: str | None = None
) -> AsyncIterator[Crowd]:
    """So many people, of whom the first ``audio`` listen to their answers, too.

    ``address``: where they dial instead of at nginx.
    """
    sessions = await guests(deployed, people)
    address = address or deployed.url
    callers = [
        Caller(address, cookies, audio=number < audio) for number, cookies in enumerate(sessions)
    ]
    async with living(callers):
        made = Crowd(deployed, address, callers)
        try:
            yield made
        finally:
            await made.leave()


@contextlib.asynccontextmanager
async def living(callers: Sequence[Caller]) -> AsyncIterator[None]:
    """They are connected, again and again. Raises what a caller may not have met with."""
    lives = [asyncio.create_task(caller.live()) for caller in callers]
    try:
        yield
        for task in lives:
            if task.done():
                task.result()  # a close that is not documented
    finally:
        for task in lives:
            task.cancel()
        await asyncio.gather(*lives, return_exceptions=True)


# What somebody got who came to a deployment before: each is a person who can come again.
_guests: WeakKeyDictionary[Topology, list[str]] = WeakKeyDictionary()
_staff: WeakKeyDictionary[Topology, str] = WeakKeyDictionary()


async def guests(deployed: Topology, people: int) -> list[str]:
    """The cookies of so many people."""
    known = _guests.setdefault(deployed, [])

    async def one() -> str:
        async with httpx.AsyncClient() as browser:
            (await browser.get(deployed.url + "/", timeout=30)).raise_for_status()
            return "; ".join(f"{name}={value}" for name, value in browser.cookies.items())

    while len(known) < people:
        known += await asyncio.gather(*(one() for _ in range(5)))
    return known[:people]


async def _reviewer_cookies(deployed: Topology) -> str:
    if deployed not in _staff:
        _staff[deployed] = await reviewer_cookies(deployed.url, deployed.admin_password)
    return _staff[deployed]
