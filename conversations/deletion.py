"""Whoever deletes rows, from whichever page, also deletes the sound that belongs to them."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.signals import post_delete
from django.dispatch import receiver

from . import media, spool
from .models import AudioSegment, Conversation, Turn
from .retention import scrubbing

log = logging.getLogger(__name__)

# A program that ends waits for it.
_DELETER = ThreadPoolExecutor(max_workers=4, thread_name_prefix="delete sound")


@receiver(post_delete, sender=AudioSegment)
def delete_sound(sender: object, instance: AudioSegment, **kwargs: Any) -> None:
    """Delete the file once the row is surely gone; a roll-back keeps both.

    Being a signal, it also sees what goes with a person, a user or a selection in the admin.
    A file that cannot be deleted is logged, and the next one goes all the same: what is left
    ``check_sound`` finds. A store elsewhere may take its time: then nobody waits for it.
    """

    # Not a partial: Django's log of a failed call wants a name, and would itself fail.
    def delete_file() -> None:
        if media.is_elsewhere():
            _DELETER.submit(_delete, instance.key)
        else:
            media.delete(instance.key)

    transaction.on_commit(delete_file, robust=True)


def _delete(key: str) -> None:
    try:
        media.delete(key)
    except OSError as error:
        log.warning("a recording stays until check_sound deletes it: %s", error)


@receiver(post_delete, sender=Conversation)
def ask_to_scrub(sender: object, **kwargs: Any) -> None:
    """Being a signal, it also sees what goes with a person or a user."""
    transaction.on_commit(scrubbing.ask, robust=True)


def delete_conversations(conversations: QuerySet[Conversation]) -> int:
    """Delete these, less those on legal hold, with all that hangs on them; returns how many went.

    In one transaction: of very many take some at a time (``retention/erasing.py``). Locks the rows
    first, as every writer of turns does, so that none is added in between.
    """
    with transaction.atomic():
        ids = list(
            conversations.filter(legal_hold=False)
            .order_by("pk")
            .select_for_update(of=("self",))
            .values_list("pk", flat=True)
        )
        lock_segments(ids)
        leave_spool(ids)
        Conversation.objects.filter(pk__in=ids).delete()
    return len(ids)


def lock_segments(conversations: Collection[uuid.UUID]) -> list[tuple[uuid.UUID, int]]:
    """Lock the rows of their sound; returns the id and the size in bytes of each.

    The transcoder takes no lock of the conversation: it may be about to name another file, which
    would be left behind if the old name were deleted.
    """
    segments = AudioSegment.objects.filter(turn__conversation__in=conversations).order_by("pk")
    return list(segments.select_for_update(of=("self",)).values_list("pk", "size"))


def leave_spool(conversations: Collection[uuid.UUID]) -> None:
    """What of their sound could not be stored yet is not stored any more, with the commit.

    Other instances tidy their own spools.
    """
    turns = set(Turn.objects.filter(conversation__in=conversations).values_list("pk", flat=True))

    # Not a partial, as above.
    def forget() -> None:
        spool.forget(settings.VOICECHAT_DATA_DIR / "spool", turns)

    transaction.on_commit(forget, robust=True)
