"""What the commands say while they work and afterwards, and of whom they are told."""

from __future__ import annotations

import uuid
from contextlib import suppress
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.models import Q
from tqdm import tqdm

from accounts.models import Person

INTERRUPTED = 130  # as a shell says it


def progress(command: BaseCommand, total: int, unit: str, verbosity: int) -> Any:
    """A bar on stderr, where that is a terminal; none with ``--verbosity 0``."""
    is_off = None if verbosity else True  # None: tqdm asks whether it is a terminal
    return tqdm(total=total, unit=f" {unit}", file=command.stderr, disable=is_off)


def counted(count: int, noun: str) -> str:
    """``1 turn``, ``2 turns``."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def persons_called(who: str) -> list[Person]:
    """All persons of a user's name, or the one of this id. Raises ``CommandError`` if there is none."""
    named = Q(user__username=who)
    with suppress(ValueError):
        named |= Q(pk=uuid.UUID(who))
    persons = list(Person.objects.filter(named).select_related("user"))
    if not persons:
        raise CommandError(f"There is nobody called {who!r}: neither a user nor a person's id.")
    return persons
