"""Who of the staff read, heard, took away or changed what: the append-only access log.

An entry is written *before* what it tells of is answered, and a failed write raises: whoever reads
is then refused, so that nothing is read without an entry. What was said, or sought, is never in it.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from datetime import timedelta
from itertools import islice
from typing import Any

from django.db import transaction
from django.dispatch import receiver
from django.utils import timezone

from accounts.deleting import deleted_by_staff
from accounts.models import Person, User
from accounts.people import Visitor

from .models import Access, Conversation

# One play asks for a sound several times, in ranges; within this time it is one.
ONE_PLAY = timedelta(minutes=1)
BATCH = 1000


def note(
    user: Visitor,
    what: Access.What,
    conversation_id: uuid.UUID | None = None,
    turn_id: uuid.UUID | None = None,
    detail: str = "",
) -> None:
    """One entry. Raises whatever the database raises, and TypeError if nobody is logged in."""
    _entry(_known(user), what, conversation_id, turn_id, detail).save()


def note_each(
    user: Visitor, what: Access.What, conversation_ids: Iterable[uuid.UUID], detail: str = ""
) -> None:
    """An entry for each of many conversations, or for none of them. Raises as ``note``."""
    who = _known(user)
    with transaction.atomic():
        for batch in _batches(conversation_ids):
            Access.objects.bulk_create(_entry(who, what, id, None, detail) for id in batch)


def note_play(
    user: Visitor,
    conversation_id: uuid.UUID,
    turn_id: uuid.UUID | None = None,
    detail: str = "",
) -> None:
    """That a sound is played; ``detail`` names it. Further ranges of the same play are no entries."""
    heard = Access.What.HEARD
    who = _known(user)
    known = Access.objects.filter(
        user=who,
        what=heard,
        conversation_id=conversation_id,
        turn_id=turn_id,
        detail=detail,
        at__gte=timezone.now() - ONE_PLAY,
    )
    if not known.exists():
        note(who, heard, conversation_id, turn_id, detail)


@receiver(deleted_by_staff)
def _note_deleted_along(sender: type[User | Person], by: Visitor, ids: list[Any], **_: Any) -> None:
    """Conversations that go with their user or person."""
    whose = "person__user__in" if sender is User else "person__in"
    going = Conversation.objects.filter(**{whose: ids}).values_list("pk", flat=True)
    note_each(by, Access.What.DELETED, going.iterator())


def _known(user: Visitor) -> User:
    if not isinstance(user, User):
        raise TypeError("only users who are logged in read what others said")
    return user


def _entry(
    user: User,
    what: Access.What,
    conversation_id: uuid.UUID | None,
    turn_id: uuid.UUID | None,
    detail: str,
) -> Access:
    return Access(
        user=user,
        username=user.get_username(),
        what=what,
        conversation_id=conversation_id,
        turn_id=turn_id,
        detail=detail,
    )


def _batches(ids: Iterable[uuid.UUID]) -> Iterator[list[uuid.UUID]]:
    left = iter(ids)
    while batch := list(islice(left, BATCH)):
        yield batch
