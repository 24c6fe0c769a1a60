"""Small events to whoever follows a topic, in this process or another, over the channel layer.

One layer channel and one reader task serve the whole process. It joins a topic's group with the
first local follower and leaves with the last. The layer is trusted to deliver nothing: followers
notice gaps by themselves. Sound never goes this way.

A layer that was restarted answers, and has forgotten its groups (pitfall 9). So the hub sends itself
a beat every second through a group of its own. When that does not come back, nothing else would: all
groups are joined again, and once a beat is heard all followers are told that they have ``Lost`` some.
While the layer does not answer, what is published is dropped at once: nobody waits for it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
import uuid
import weakref
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

from channels.layers import get_channel_layer
from channels_redis.core import RedisChannelLayer

from .cancelling import cancel, cancellable

log = logging.getLogger(__name__)

# A follower that is this far behind has lost events; it is told so and starts over.
FOLLOWER_QUEUE = 256
# Groups expire after a day, and a layer in memory forgets whom it could not tell.
REJOIN_S = 60.0
RETRY_S = 1.0
CHANNEL_TIMEOUT_S = 2.0
BEAT_S = 1.0
# A beat that has not come back by then will not.
DEAF_AFTER_S = 2.5
# How long anything is waited for: a layer that is away makes its client try for ten seconds.
PATIENCE_S = 1.0
# Topics that are remembered while the layer is away.
UNTOLD = 10_000

Event = dict[str, Any]


class Lost(Exception):
    """The follower has missed events: it fell behind, or the layer was away."""


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
    """What one follower of a topic receives; iterate over it. After ``Lost`` iterate again."""

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

    def lose(self) -> None:
        """It has missed something."""
        self._lost = True
        with contextlib.suppress(asyncio.QueueFull):
            self._queue.put_nowait({})  # so that it wakes up

    async def __aiter__(self) -> AsyncIterator[Event]:
        while True:
            event = await self._queue.get()
            if self._lost:
                self._lost = False
                while not self._queue.empty():
                    self._queue.get_nowait()
                raise Lost
            yield event


class Hub:
    """The process's end of a channel layer. Belongs to one event loop, and is its only reader."""

    def __init__(self, layer: Any) -> None:
        self._layer = layer
        self.figures = Figures()
        self._followers: dict[str, set[Follower]] = defaultdict(set)
        # The topics whose groups the layer has us in, as far as is known.
        self._joined: set[str] = set()
        self._channel = ""
        self._has_channel = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._heartbeat = f"beat.{uuid.uuid4().hex}"
        self._heard_at = time.monotonic()
        self._deaf = False
        self._away = False
        # Whose followers could not be told something.
        self._untold: set[str] = set()
        # How often followers had to be told that events were lost.
        self.losses = 0

    @property
    def is_connected(self) -> bool:
        """Whether the layer answers and what is published comes back."""
        return not (self._away or self._deaf)

    async def publish(self, topic: str, event: Event) -> bool:
        """Send a small JSON-like event to all followers of ``topic``.

        A layer that does not answer is logged; while it is known to be away nothing is tried. When
        it is back the topic's followers are told that they have lost something. Returns whether the
        layer took the event, which does not mean that it arrives.
        """
        # A hub without a beat, as a page's view has, would not learn that the layer is back.
        waits = self._away and self._tasks
        if not waits and await self._group_send(topic, event):
            self.figures.published += 1
            return True
        self.figures.refused += 1
        if len(self._untold) < UNTOLD:
            self._untold.add(topic)
        return False

    async def _group_send(self, topic: str, event: Event | None) -> bool:
        """``event`` None: something was lost."""
        message = {"type": "feed", "topic": topic, "event": event}
        return await self._ask("group_send", _group(topic), message)

    @contextlib.asynccontextmanager
    async def follow(self, topic: str) -> AsyncIterator[Follower]:
        follower = Follower(self.figures)
        self._followers[topic].add(follower)
        try:
            await self._start()
            if topic not in self._joined:
                # Whoever comes meanwhile joins, too: nobody may go on before the group is joined.
                await self._join(topic)
            yield follower
        finally:
            self._followers[topic].discard(follower)
            if not self._followers[topic]:
                del self._followers[topic]
                await self._leave(topic)
                if topic in self._followers:
                    # Somebody came while we were leaving; which of the two came last is not known.
                    await self._join(topic)
                    self._lose(topic)

    async def _start(self) -> None:
        if not self._tasks:
            self._heard_at = time.monotonic()
            self._tasks = [
                asyncio.create_task(self._read(), name="feed reader"),
                asyncio.create_task(self._beat(), name="feed beat"),
            ]
        # Without a layer nobody is told anything, but nobody is kept from talking either.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CHANNEL_TIMEOUT_S):
                await self._has_channel.wait()

    async def stop(self) -> None:
        """End the reader, and give back the layer's connections; followers hear nothing any more."""
        running, self._tasks = self._tasks, []
        await cancel(running)
        self._has_channel.clear()
        self._channel = ""
        self._joined.clear()
        if isinstance(self._layer, RedisChannelLayer):
            await self._layer.close_pools()

    async def _read(self) -> None:
        while True:
            try:
                with cancellable():
                    message = await self._receive()
            except Exception as error:
                log.warning("the channel layer does not answer: %s", type(error).__name__)
                await asyncio.sleep(RETRY_S)
                continue
            topic, event = message["topic"], message["event"]
            if topic == self._heartbeat:
                self._heard_beat()
            elif event is None:
                self._lose(topic)
            else:
                for follower in self._local(topic):
                    self.figures.received += 1
                    follower.put(event)

    async def _receive(self) -> dict[str, Any]:
        if not self._channel:
            self._channel = await self._layer.new_channel("feed")
            self._has_channel.set()
            await self._join_all()
        message: dict[str, Any] = await self._layer.receive(self._channel)
        return message

    def _local(self, topic: str) -> Iterator[Follower]:
        return iter(tuple(self._followers.get(topic, ())))

    def _lose(self, topic: str) -> None:
        for follower in self._local(topic):
            follower.lose()

    # --- the beat -----------------------------------------------------------------------------

    async def _beat(self) -> None:
        await self._has_channel.wait()
        joined_at = time.monotonic()
        while True:
            await asyncio.sleep(BEAT_S)
            now = time.monotonic()
            if now - self._heard_at > DEAF_AFTER_S:
                if not self._deaf:
                    log.warning("the channel layer has forgotten us, or is away")
                self._deaf = True
            if self._deaf or now - joined_at > REJOIN_S:
                await self._join_all()
                joined_at = now
            # Sent while the layer seems to be away, too: it says when it is back.
            if await self._group_send(self._heartbeat, {}):
                await self._tell_untold()

    async def _tell_untold(self) -> None:
        while self._untold:
            topic = self._untold.pop()
            if not await self._group_send(topic, None):
                self._untold.add(topic)
                return

    def _heard_beat(self) -> None:
        self._heard_at = time.monotonic()
        # A beat may be from before a group could not be joined.
        if self._deaf and self._joined.issuperset(self._followers):
            log.warning("the channel layer is back")
            self._deaf = False
            self.losses += 1
            for topic in tuple(self._followers):
                self._lose(topic)

    # --- the layer ----------------------------------------------------------------------------

    async def _join_all(self) -> None:
        self._away = False
        self._joined.clear()
        for topic in (self._heartbeat, *self._followers):
            is_followed = topic == self._heartbeat or topic in self._followers
            if is_followed and not await self._join(topic):
                return  # nor would the others be

    async def _join(self, topic: str) -> bool:
        joined = not self._away and await self._ask("group_add", _group(topic), self._channel)
        if joined and topic in self._followers:  # else they have left meanwhile
            self._joined.add(topic)
        elif not joined:
            # It is tried with the next beat, as if the group had been forgotten.
            self._deaf = True
        return joined

    async def _leave(self, topic: str) -> None:
        self._joined.discard(topic)
        if not self._away:
            await self._ask("group_discard", _group(topic), self._channel)

    async def _ask(self, verb: str, *what: object) -> bool:
        """Whether the layer has done it. Whatever its client raises, nothing may depend on it."""
        try:
            with cancellable():
                async with asyncio.timeout(PATIENCE_S):
                    await getattr(self._layer, verb)(*what)
        except Exception as error:
            if not self._away:
                log.warning("the channel layer refused %s: %s", verb, type(error).__name__)
            self._away = True
            return False
        self._away = False
        return True


def _group(topic: str) -> str:
    return f"feed.{topic}"


_hubs: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = weakref.WeakKeyDictionary()


def hub() -> Hub:
    """The hub of the running event loop; a server process has one."""
    loop = asyncio.get_running_loop()
    if loop not in _hubs:
        _hubs[loop] = Hub(get_channel_layer())
    return _hubs[loop]
