"""Stores what reviewers note, so that of two who note at once nobody's words are lost.

A form carries the version of what it was filled in from. Where something else is stored by then,
nothing is changed and ``ChangedMeanwhile`` tells so; what was asked for *and* is stored already (a
button pressed twice) is no conflict.

Each change is in the access log, in the same transaction. Reviewers change no ``rev``: nothing of
this is told to the person.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import User

from .. import access_log
from ..call_rows import live_conversations
from ..models import Access, Conversation, Turn
from ..visible_text import without_hidden
from .tag_names import PER_CONVERSATION, tag_of


class ChangedMeanwhile(Exception):
    """Somebody else has noted something since the form was shown. Nothing was stored."""


class TooManyTags(Exception):
    """A conversation would have more than ``PER_CONVERSATION``. Nothing was stored."""


class NothingToCorrect(Exception):
    """The turn is not over, or its text is deleted for its age. Nothing was stored."""


@dataclass(frozen=True, slots=True)
class Labels:
    """``tags`` are names, ``cleaned``."""

    grade: int | None = None
    note: str = ""
    tags: frozenset[str] = frozenset()
    reviewed: bool = False


def labels_of(conversation: Conversation) -> Labels:
    return Labels(
        grade=conversation.grade,
        note=conversation.note,
        tags=frozenset(conversation.tags.values_list("name", flat=True)),
        reviewed=conversation.reviewed_at is not None,
    )


def version_of(conversation: Conversation, labels: Labels) -> str:
    """Another one for whatever else is noted. ``labels``: ``labels_of`` it."""
    reviewed = conversation.reviewed_at, conversation.reviewed_by_id
    return _digest(labels.grade, labels.note, sorted(labels.tags), *map(str, reviewed))


def can_be_corrected(turn: Turn) -> bool:
    """Whether it is said to its end, and what was said is known and still kept."""
    return turn.status != Turn.Status.STREAMING and bool(turn.text)


def correction_version_of(turn: Turn) -> str:
    return _digest(turn.corrected_text, str(turn.corrected_at), turn.corrected_by_id)


@transaction.atomic
def keep_labels(conversation_id: uuid.UUID, user: User, wanted: Labels, seen: str) -> None:
    """Make ``wanted`` what is noted. Raises ChangedMeanwhile and Conversation.DoesNotExist."""
    conversation = Conversation.objects.select_for_update().get(pk=conversation_id)
    stored = labels_of(conversation)
    if wanted == stored:
        return
    if version_of(conversation, stored) != seen:
        raise ChangedMeanwhile
    conversation.grade = wanted.grade
    conversation.note = wanted.note
    if wanted.reviewed != stored.reviewed:
        conversation.reviewed_at = timezone.now() if wanted.reviewed else None
        conversation.reviewed_by = user if wanted.reviewed else None
    conversation.save(update_fields=["grade", "note", "reviewed_at", "reviewed_by"])
    if wanted.tags != stored.tags:
        conversation.tags.set([tag_of(name) for name in sorted(wanted.tags)])
    changed = [
        name
        for name in Labels.__dataclass_fields__
        if getattr(wanted, name) != getattr(stored, name)
    ]
    access_log.note(user, Access.What.LABELLED, conversation_id, detail=", ".join(changed))


@transaction.atomic
def keep_correction(
    conversation_id: uuid.UUID, turn_id: uuid.UUID, user: User, text: str, seen: str
) -> None:
    """Store what was really said beside the turn's text; the same, or nothing, is no correction.

    Raises ChangedMeanwhile, NothingToCorrect, Conversation.DoesNotExist and Turn.DoesNotExist.
    """
    conversation = Conversation.objects.select_for_update().get(pk=conversation_id)
    turn = conversation.turns.get(pk=turn_id)
    if not can_be_corrected(turn):
        raise NothingToCorrect
    if text == without_hidden(turn.text).strip():
        text = ""
    if text == turn.corrected_text:
        return
    if correction_version_of(turn) != seen:
        raise ChangedMeanwhile
    turn.corrected_text = text
    turn.corrected_at = timezone.now() if text else None
    turn.corrected_by = user if text else None
    turn.save(update_fields=["corrected_text", "corrected_at", "corrected_by"])
    access_log.note(user, Access.What.LABELLED, conversation_id, turn_id, "correction")


@transaction.atomic
def mark_reviewed(conversation_ids: Collection[uuid.UUID], user: User) -> int:
    """Those of these that are over and not reviewed yet; returns how many that were."""
    waiting = Conversation.objects.filter(pk__in=conversation_ids, reviewed_at=None)
    found = _locked(waiting.exclude(pk__in=live_conversations()))
    Conversation.objects.filter(pk__in=found).update(reviewed_at=timezone.now(), reviewed_by=user)
    access_log.note_each(user, Access.What.LABELLED, found, "reviewed")
    return len(found)


@transaction.atomic
def add_tags(conversation_ids: Collection[uuid.UUID], user: User, names: Sequence[str]) -> int:
    """Put tags (names, ``cleaned``) on these; returns how many had not all of them.

    Raises TooManyTags if any would then have too many.
    """
    tags = [tag_of(name) for name in names]
    tagged = Conversation.tags.through
    found = _locked(Conversation.objects.filter(pk__in=conversation_ids))
    had: dict[uuid.UUID, set[int]] = {id: set() for id in found}
    of_these = tagged.objects.filter(conversation_id__in=found)
    for id, tag_id in of_these.values_list("conversation_id", "tag_id"):
        had[id].add(tag_id)
    missing = {id: {tag.pk for tag in tags} - had[id] for id in found}
    if any(len(had[id]) + len(missing[id]) > PER_CONVERSATION for id in found):
        raise TooManyTags
    tagged.objects.bulk_create(
        tagged(conversation_id=id, tag_id=tag_id)
        for id, lacking in missing.items()
        for tag_id in lacking
    )
    changed = [id for id, lacking in missing.items() if lacking]
    access_log.note_each(user, Access.What.LABELLED, changed, "tags")
    return len(changed)


def _locked(conversations: QuerySet[Conversation]) -> list[uuid.UUID]:
    """Their ids, in the order in which everybody locks."""
    locked = conversations.order_by("pk").select_for_update(of=("self",))
    return list(locked.values_list("pk", flat=True))


def _digest(*noted: object) -> str:
    return hashlib.blake2b(json.dumps(noted).encode(), digest_size=12).hexdigest()
