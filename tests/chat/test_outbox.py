"""What is on its way to a client stays in order and within bounds."""

from __future__ import annotations

import asyncio

import pytest

from chat import outbox
from chat.outbox import Outbox
from chat.protocols.base import Frame


class Socket:
    """A client that reads while ``reading`` is set."""

    def __init__(self) -> None:
        self.reading = asyncio.Event()
        self.reading.set()
        self.told: list[Frame | int] = []

    async def send_frame(self, frame: Frame) -> None:
        await self.reading.wait()
        self.told.append(frame)

    async def close_socket(self, code: int) -> None:
        self.told.append(code)


async def test_frames_are_written_in_order_and_the_close_comes_last() -> None:
    socket = Socket()
    box = Outbox(socket)
    box.put(["one", b"two"])
    box.put(["three"])
    box.close(4400)
    box.put(["late"])
    await box.write()
    assert socket.told == ["one", b"two", "three", 4400]
    assert box.waiting_bytes == 0


async def test_one_large_frame_does_not_condemn_a_client_that_reads() -> None:
    box = Outbox(Socket())
    assert box.put(["x" * (outbox.BUDGET_BYTES + 1)])
    assert box.put(["and more"])


async def test_a_client_that_does_not_read_is_found_out_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(outbox, "PATIENCE_S", 0.0)
    socket = Socket()
    socket.reading.clear()
    box = Outbox(socket)
    writer = asyncio.create_task(box.write())
    assert box.put(["x" * (outbox.BUDGET_BYTES + 1)])
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not box.put(["more"])
    assert box.put(["and more"])
    await box.abort(1013)
    assert socket.told == [1013]
    writer.cancel()


async def test_a_socket_is_closed_once_however_often_that_is_asked_for() -> None:
    socket = Socket()
    box = Outbox(socket)
    await asyncio.gather(*(box.abort(4429) for _ in range(3)))
    assert socket.told == [4429]


async def test_what_waits_is_never_more_than_the_limit() -> None:
    box = Outbox(Socket())
    results = [box.put(["x" * 1024 * 1024]) for _ in range(40)]
    assert results.count(False) == 1
    assert box.waiting_bytes <= outbox.LIMIT_BYTES + 2 * 1024 * 1024


async def test_a_socket_that_has_gone_ends_the_writing_quietly() -> None:
    class Gone(Socket):
        async def send_frame(self, frame: Frame) -> None:
            raise OSError

        async def close_socket(self, code: int) -> None:
            raise RuntimeError

    box = Outbox(Gone())
    box.put(["one", "two"])
    await box.write()
    assert box.put(["three"])
    await box.abort(1013)
