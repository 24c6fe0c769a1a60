"""Logging out closes the sockets of that session, in every tab and on every instance (pitfall 7); so does
revoking or deleting an API key with those that came with it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from asgiref.sync import async_to_sync
from django.contrib.auth.signals import user_logged_out
from django.db import transaction
from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver
from django.http import HttpRequest

from accounts.admission import session_mark
from accounts.api_keys.admission import mark_of_key
from accounts.models import ApiKey
from feed.hub import Lost, hub

TOPIC = "revoked"


@receiver(user_logged_out)
def revoke(request: HttpRequest, **_: Any) -> None:
    """Tell all instances that this session is over."""
    mark = session_mark(request.session)
    if mark:
        _tell(mark)


@receiver([post_save, post_delete], sender=ApiKey)
def revoke_key(instance: ApiKey, **how: Any) -> None:
    """Tell all instances that this key opens nothing any more, when that is kept."""
    is_deleted = "created" not in how
    if is_deleted or not instance.is_active:
        mark = mark_of_key(instance.pk)
        transaction.on_commit(lambda: _tell(mark))


def _tell(mark: str) -> None:
    async def publish() -> None:
        await hub().publish(TOPIC, {"session": mark})

    async_to_sync(publish)()


async def revoked() -> AsyncIterator[str]:
    """The marks of sessions and keys that end, as they end."""
    async with hub().follow(TOPIC) as follower:
        while True:
            try:
                async for event in follower:
                    yield event["session"]
            except Lost:
                continue  # the next turn of such a socket is refused all the same
