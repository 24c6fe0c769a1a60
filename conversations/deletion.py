"""Whoever deletes rows, from whichever page, also deletes the sound that belongs to them."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.signals import post_delete
from django.dispatch import receiver

from . import media
from .models import AudioSegment, Conversation


@receiver(post_delete, sender=AudioSegment)
def delete_sound(sender: object, instance: AudioSegment, **kwargs: Any) -> None:
    """Delete the file once the row is surely gone; a roll-back keeps both.

    Being a signal, it also sees what goes with a person, a user or a selection in the admin.
    A file that cannot be deleted is logged by Django, and the next one goes all the same.
    """

    # Not a partial: Django's log of a failed call wants a name, and would itself fail.
    def delete_file() -> None:
        media.delete(instance.key)

    transaction.on_commit(delete_file, robust=True)


def delete_conversations(conversations: QuerySet[Conversation]) -> int:
    """Delete these with all that hangs on them; returns how many there were.

    Locks the rows first, as every writer of turns does, so that none is added in between.
    """
    with transaction.atomic():
        ids = list(
            conversations.order_by("pk")
            .select_for_update(of=("self",))
            .values_list("pk", flat=True)
        )
        Conversation.objects.filter(pk__in=ids).delete()
    return len(ids)
