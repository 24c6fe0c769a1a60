"""Small events to whoever follows a topic, in this process or another, over the channel layer.

One layer channel and one reader task serve the whole process. It joins a topic's group with the
first local follower, leaves with the last, and joins again now and then, because a layer that was
restarted has forgotten its groups (pitfall 9). The layer is trusted to deliver nothing: followers
notice gaps by themselves. Sound never goes this way.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import weakref
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

from channels.layers import get_channel_layer

log = logging.getLogger(__name__)

# A follower that is this far behind has lost events; it is told so and starts over.
FOLLOWER_QUEUE = 256
REJOIN_S = 60.0
RETRY_S = 1.0
CHANNEL_TIMEOUT_S = 2.0
CANCEL_AGAIN_S = 0.2

Event = dict[str, Any]


class Lost(Exception):
    """The follower fell behind and missed events."""


@dataclass(slots=True)
class Figures:
    """Events since the start: told to others, told to followers here, not taken by the layer, or by a
    follower that was too slow.
    """

    published: int = 0
    received: int = 0
    refused: int = 0
    lost: int = 0


class Follower:
    """What one follower of a topic receives; iterate over it. Raises ``Lost`` when it fell behind."""

    def __init__(self, figures: Figures) -> None:
        self._figures = figures
        self._queue: asyncio.Queue[Event] = asyncio.Queue(FOLLOWER_QUEUE)
        self._lost = False

    def put(self, event: Event) -> None:
        try:
            self._queue.put_nowait(event)
        except asyncio.QueueFull:
            self._lost = True
            self._figures.lost += 1

    async def __aiter__(self) -> AsyncIterator[Event]:
        while True:
            event = await self._queue.get()
            if self._lost:
                raise Lost
            yield event


class Hub:
    """The process's end of a channel layer. Belongs to one event loop, and is its only reader."""

    def __init__(self, layer: Any) -> None:
        self._layer = layer
        self.figures = Figures()
        self._followers: dict[str, set[Follower]] = defaultdict(set)
        self._channel = ""
        self._has_channel = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def publish(self, topic: str, event: Event) -> bool:
        """Send a small JSON-like event to all followers of ``topic``.

        A failing layer is logged; returns whether the layer took the event, which does not mean that
        it arrives.
        """
        try:
            await self._layer.group_send(
                _group(topic), {"type": "feed", "topic": topic, "event": event}
            )
            self.figures.published += 1
        except Exception as error:  # whatever the layer's client raises: nothing may depend on it
            self.figures.refused += 1
            log.warning("the channel layer refused an event: %s", type(error).__name__)
            return False
        return True

    @contextlib.asynccontextmanager
    async def follow(self, topic: str) -> AsyncIterator[Follower]:
        follower = Follower(self.figures)
        self._followers[topic].add(follower)
        try:
            await self._start()
            if len(self._followers[topic]) == 1:
                await self._join(topic)
            yield follower
        finally:
            self._followers[topic].discard(follower)
            if not self._followers[topic]:
                del self._followers[topic]
                await self._leave(topic)
                if topic in self._followers:
                    await self._join(topic)  # somebody came while we were leaving

    async def _start(self) -> None:
        if not self._tasks:
            self._tasks = [
                asyncio.create_task(self._read(), name="feed reader"),
                asyncio.create_task(self._rejoin(), name="feed rejoin"),
            ]
        # Without a layer nobody is told anything, but nobody is kept from talking either.
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._has_channel.wait(), CHANNEL_TIMEOUT_S)

    async def stop(self) -> None:
        """End the reader; followers hear nothing any more."""
        running, self._tasks = set(self._tasks), []
        while running:
            # channels-redis can swallow a cancellation that meets an arriving message: ask again.
            for task in running:
                task.cancel()
            _, running = await asyncio.wait(running, timeout=CANCEL_AGAIN_S)
        self._has_channel.clear()
        self._channel = ""

    async def _read(self) -> None:
        while True:
            try:
                if not self._channel:
                    self._channel = await self._layer.new_channel("feed")
                    self._has_channel.set()
                    for topic in tuple(self._followers):
                        await self._join(topic)
                message = await self._layer.receive(self._channel)
            except Exception as error:
                log.warning("the channel layer does not answer: %s", type(error).__name__)
                await asyncio.sleep(RETRY_S)
                continue
            for follower in self._local(message["topic"]):
                self.figures.received += 1
                follower.put(message["event"])

    def _local(self, topic: str) -> Iterator[Follower]:
        return iter(tuple(self._followers.get(topic, ())))

    async def _rejoin(self) -> None:
        while True:
            await asyncio.sleep(REJOIN_S)
            for topic in tuple(self._followers):
                await self._join(topic)

    async def _join(self, topic: str) -> None:
        await self._group("group_add", topic)

    async def _leave(self, topic: str) -> None:
        await self._group("group_discard", topic)

    async def _group(self, verb: str, topic: str) -> None:
        try:
            await getattr(self._layer, verb)(_group(topic), self._channel)
        except Exception as error:
            log.warning("the channel layer refused %s: %s", verb, type(error).__name__)


def _group(topic: str) -> str:
    return f"feed.{topic}"


_hubs: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = weakref.WeakKeyDictionary()


def hub() -> Hub:
    """The hub of the running event loop; a server process has one."""
    loop = asyncio.get_running_loop()
    if loop not in _hubs:
        _hubs[loop] = Hub(get_channel_layer())
    return _hubs[loop]
