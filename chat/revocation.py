"""Logging out closes the sockets of that session, in every tab and on every instance (pitfall 7)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from asgiref.sync import async_to_sync
from django.contrib.auth.signals import user_logged_out
from django.dispatch import receiver
from django.http import HttpRequest

from accounts.admission import session_mark
from feed.hub import Lost, hub

TOPIC = "revoked"


@receiver(user_logged_out)
def revoke(request: HttpRequest, **_: Any) -> None:
    """Tell all instances that this session is over."""
    mark = session_mark(request.session)

    async def publish() -> None:
        await hub().publish(TOPIC, {"session": mark})

    if mark:
        async_to_sync(publish)()


async def revoked() -> AsyncIterator[str]:
    """The marks of sessions that end, as they end."""
    async with hub().follow(TOPIC) as follower:
        while True:
            try:
                async for event in follower:
                    yield event["session"]
            except Lost:
                continue  # the next turn of such a socket is refused all the same
