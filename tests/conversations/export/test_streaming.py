"""An export is made while it is sent: in threads, a piece at a time, and ends when the client goes."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from conversations.export.streaming import End, Places, SentExport
from tests.speech.waiting import until

DEADLINE_S = 5


class Source:
    """Pieces that know in which thread they were made, and whether they were closed."""

    def __init__(self, count: int = 5, fails_at: int | None = None) -> None:
        self.made: list[int] = []
        self.threads: set[int] = set()
        self.closed = False
        self.holds = threading.Event()
        self.holds.set()
        self._count, self._fails_at = count, fails_at

    def pieces(self):
        try:
            for number in range(self._count):
                self.threads.add(threading.get_ident())
                assert self.holds.wait(DEADLINE_S)
                if number == self._fails_at:
                    raise RuntimeError("the disk is gone")
                self.made.append(number)
                yield b"%d" % number
        finally:
            self.closed = True


@pytest.fixture
def pool():
    with ThreadPoolExecutor(2) as pool:
        yield pool


@pytest.fixture
def places() -> Places:
    return Places(of_all=3, of_one=1)


@pytest.fixture
def sent(pool, places):
    """Makes the content of a response; ``ends`` collects how it ended."""
    ends: list[End] = []

    def make(source: Source) -> SentExport:
        return SentExport(source.pieces(), places, "ann", ends.append, pool)

    make.ends = ends
    return make


async def test_all_pieces_come_in_order_from_other_threads(sent, places):
    source = Source()
    pieces = [piece async for piece in sent(source)]
    assert b"".join(pieces) == b"01234"
    assert threading.get_ident() not in source.threads
    assert source.closed
    assert sent.ends == [End.FINISHED]
    assert places.are_free("ann")


async def test_no_piece_is_made_before_the_one_before_is_taken(sent):
    source = Source()
    content = sent(source)
    async for _piece in content:
        await asyncio.sleep(0.05)
        assert source.made == [0]
        break
    content.close()


async def test_while_a_piece_is_made_the_event_loop_goes_on(sent):
    source = Source()
    source.holds.clear()
    content = aiter(sent(source))
    waiting = asyncio.ensure_future(anext(content))
    began = time.monotonic()
    await asyncio.sleep(0.01)
    assert time.monotonic() - began < 1
    assert not waiting.done()
    source.holds.set()
    assert await waiting == b"0"


async def test_when_the_client_leaves_between_pieces_all_is_closed(sent, places):
    source = Source()
    content = sent(source)
    async for _piece in content:
        assert not places.are_free("ann")
        break
    content.close()
    await until(lambda: source.closed and bool(sent.ends))
    assert sent.ends == [End.LEFT]
    assert places.are_free("ann")


async def test_when_the_client_leaves_while_a_piece_is_made_it_is_closed_after_that(sent, places):
    source = Source()
    source.holds.clear()
    content = sent(source)
    waiting = asyncio.ensure_future(anext(aiter(content)))
    await until(lambda: bool(source.threads))
    waiting.cancel()
    content.close()
    assert not source.closed
    source.holds.set()
    await until(lambda: bool(sent.ends))
    assert source.closed
    assert source.made == [0]
    assert places.are_free("ann")
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_what_breaks_ends_the_response_early_so_that_the_client_notices(sent, places):
    source = Source(fails_at=2)
    content = sent(source)
    pieces = aiter(content)
    assert [await anext(pieces), await anext(pieces)] == [b"0", b"1"]
    with pytest.raises(RuntimeError, match="the disk is gone"):
        await anext(pieces)
    content.close()
    assert sent.ends == [End.FAILED]
    assert places.are_free("ann")


async def test_a_response_that_is_never_sent_takes_no_place(sent, places, pool):
    source = Source()
    content = sent(source)
    content.close()
    await asyncio.wrap_future(pool.submit(lambda: None))
    assert source.made == []
    assert sent.ends == []
    assert places.are_free("ann")


def test_places_are_counted_for_each_and_for_all():
    places = Places(of_all=3, of_one=2)
    for who in ("ann", "ann", "bob"):
        assert places.are_free(who)
        places.take(who)
    assert not any(map(places.are_free, ("ann", "bob", "cid")))
    places.leave("ann")
    assert all(map(places.are_free, ("ann", "bob", "cid")))
