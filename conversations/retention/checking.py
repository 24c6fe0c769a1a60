"""Compares the store of sound with the rows that name its files, both ways.

A file is looked at in the folder it lies in and a row by its key, some hundred at a time: memory does
not grow with the store. Every look is one at a running system, so a file is only called an orphan
when it has been there for a while, and a row is asked for again before it is called wrong.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import islice

from django.core.files.storage import Storage

from .. import media
from ..models import AudioSegment

AT_ONCE = 500
_UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
# ``media.key_for``; the store adds a suffix where a name is taken.
_OUR_KEY = re.compile(rf"[0-9a-f]{{2}}/{_UUID}/{_UUID}(_\w+)?\.[a-z0-9]{{2,5}}", re.ASCII)


class What(StrEnum):
    """What is wrong."""

    ORPHAN = "orphan"  # a file that no row names
    STRANGE = "strange"  # the same, under a name that is none of ours
    MISSING = "missing"  # a row whose file is not there
    WRONG_SIZE = "wrong size"  # of a row's file
    UNREADABLE = "unreadable"  # the store does not answer for it


@dataclass(frozen=True, slots=True)
class Finding:
    """``size`` in bytes is what the file has, ``expected`` what the row says; None: not known."""

    what: What
    key: str
    segment: uuid.UUID | None = None
    turn: uuid.UUID | None = None
    conversation: uuid.UUID | None = None
    size: int | None = None
    expected: int | None = None


def files() -> Iterator[str]:
    """The keys of all files in the store, folder by folder."""
    return files_in(media.storage(), "")


def unnamed(keys: Iterable[str], written_before: datetime) -> Iterator[Finding | None]:
    """Which of these files no row names, in pages of ``AT_ONCE``: None for each that is all right."""
    store = media.storage()
    for page in _pages(keys):
        named = _named(page)
        for key in page:
            is_new = key not in named and not _was_written_before(store, key, written_before)
            if key in named or is_new:
                yield None
            else:
                what = What.ORPHAN if _OUR_KEY.fullmatch(key) else What.STRANGE
                yield Finding(what, key, size=_size(store, key))


def delete_orphan(finding: Finding) -> bool:
    """Delete the file, if it is one of ours and still no row names it; whether it did.

    Raises what the store raises.
    """
    if finding.what is not What.ORPHAN or _named([finding.key]):
        return False
    media.delete(finding.key)
    return True


def rows() -> Iterator[AudioSegment]:
    """All rows, without their peaks, some at a time."""
    kept = AudioSegment.objects.select_related("turn").order_by("pk")
    kept = kept.only("key", "size", "turn__conversation_id")
    page = list(kept[:AT_ONCE])
    while page:
        yield from page
        page = list(kept.filter(pk__gt=page[-1].pk)[:AT_ONCE])


def fault_of(segment: AudioSegment) -> Finding | None:
    """What is wrong with the file that the row names; None: nothing, or the row has changed."""
    found = _fault(media.storage(), segment)
    if found is None:
        return None
    # Perhaps made small or deleted since the row was read.
    unchanged = AudioSegment.objects.filter(pk=segment.pk, key=segment.key, size=segment.size)
    return found if unchanged.exists() else None


def _fault(store: Storage, segment: AudioSegment) -> Finding | None:
    def found(what: What, size: int | None = None) -> Finding:
        turn = segment.turn
        ids = (segment.pk, turn.pk, turn.conversation_id)
        return Finding(what, segment.key, *ids, size=size, expected=segment.size)

    try:
        size = store.size(segment.key)
    except FileNotFoundError:
        return found(What.MISSING)
    except Exception:  # each store has errors of its own
        return found(What.UNREADABLE if _is_there(store, segment.key) else What.MISSING)
    return None if size == segment.size else found(What.WRONG_SIZE, size)


def _is_there(store: Storage, key: str) -> bool:
    """Also where the store does not say, such as for a key that leads out of it."""
    try:
        return store.exists(key)
    except Exception:
        return True


def files_in(store: Storage, folder: str) -> Iterator[str]:
    """The keys of all files in ``folder`` ("" or with a / at its end) and below."""
    try:
        folders, names = store.listdir(folder)
    except FileNotFoundError:
        return  # the store is empty, or the conversation was deleted meanwhile
    for name in sorted(names):
        yield f"{folder}{name}"
    for name in sorted(folders):
        yield from files_in(store, f"{folder}{name}/")


def _named(keys: list[str]) -> set[str]:
    return set(AudioSegment.objects.filter(key__in=keys).values_list("key", flat=True))


def _was_written_before(store: Storage, key: str, moment: datetime) -> bool:
    """By either time that the store knows: a spooled file that is linked in has an old time of change."""
    try:
        times = [store.get_modified_time(key)]
        with suppress(NotImplementedError):
            times.append(store.get_created_time(key))
    except FileNotFoundError:
        return False  # gone meanwhile
    return max(times) < moment


def _size(store: Storage, key: str) -> int | None:
    try:
        return store.size(key)
    except OSError:
        return None


def _pages(keys: Iterable[str]) -> Iterator[list[str]]:
    left = iter(keys)
    while page := list(islice(left, AT_ONCE)):
        yield page
