"""What is said in a FastRTC stream, as Server-Sent Events, on whichever instance somebody listens.

Whose a stream is, and what was said in it, is read from the database; the feed only says when to look
again. Nothing waits here for a listener who does not read: the next event is looked up when the one
before has been taken.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
import uuid
from collections.abc import AsyncGenerator
from typing import Any

from django.db import Error as DatabaseError

from conversations import streams
from conversations.database import in_database
from conversations.streams import Found, Output
from feed.cancelling import cancel
from feed.hub import Lost, hub

from .process import process
from .sharing import topic
from .streams import topic_of
from .where import where

log = logging.getLogger(__name__)

# A proxy closes what is silent for a minute; and so often the database is asked besides.
BEAT_S = 15.0
# How long a stream is waited for that has not begun; a browser then asks again.
START_S = 300.0
# When a browser asks again whose connection has ended.
RETRY_MS = 1_000


async def outputs_of(id: str, owners: set[str], last: str) -> AsyncGenerator[str, None]:
    """The events of a stream that is one of ``owners``', after the event with the id ``last``.

    Ends with the stream, and when this process is to end: a browser then goes on at another instance.
    """
    yield f"retry: {RETRY_MS}\n\n"
    look = asyncio.Event()
    tasks = [
        asyncio.create_task(_wake(topic_of(id), look), name="stream"),
        asyncio.create_task(_wake_at_the_end(look), name="end of the process"),
    ]
    gives_up_at = time.monotonic() + START_S
    followed: uuid.UUID | None = None
    try:
        while True:
            look.clear()
            found = await in_database(streams.find, id)
            if found is None and time.monotonic() > gives_up_at:
                return
            if found is not None and found.owner not in owners:
                return
            if found is not None and found.conversation is not None:
                if followed != found.conversation:
                    followed = found.conversation
                    tasks.append(asyncio.create_task(_wake(topic(str(followed)), look)))
                for output in await unseen(found, last):
                    last = f"{found.conversation}/{output.seq}"
                    yield _event(last, output)
            if found is not None and not found.is_live:
                yield "event: end\ndata: {}\n\n"
                return
            if process().draining.is_on:
                return
            try:
                async with asyncio.timeout(BEAT_S):
                    await look.wait()
            except TimeoutError:
                yield ": still here\n\n"
    except DatabaseError as error:
        log.error("outputs of a stream could not be read: %s", where(error))
    finally:
        await cancel(tasks)


async def _wake(topic: str, look: asyncio.Event) -> None:
    """Set ``look`` whenever something may have changed, until cancelled."""
    async with hub().follow(topic) as follower:
        # What happened before the group was joined was told to nobody here.
        look.set()
        while True:
            with contextlib.suppress(Lost):
                async for event in follower:
                    if event.get("do") in {None, "deleted"} or _ends_turn(event):
                        look.set()
            look.set()


async def _wake_at_the_end(look: asyncio.Event) -> None:
    await process().draining.begun.wait()
    look.set()


def _ends_turn(event: dict[str, Any]) -> bool:
    return event["do"] == "tell" and event["message"]["type"] in {"turn", "reply_end"}


async def unseen(found: Found, last: str) -> list[Output]:
    """What was said after ``last``, the id of an event; all, if that is another stream's."""
    if found.conversation is None:
        return []
    conversation, _, seq = last.partition("/")
    known = conversation == str(found.conversation) and seq.isascii() and seq.isdigit()
    after = int(seq) if known and len(seq) < 10 else -1
    return await in_database(streams.outputs_after, found.conversation, after)


def _event(id: str, output: Output) -> str:
    data: dict[str, Any] = {"role": output.role, "content": output.content}
    if output.cards:
        data["cards"] = output.cards
    return f"id: {id}\nevent: output\ndata: {json.dumps(data)}\n\n"
