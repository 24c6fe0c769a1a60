"""Whose conversations a visitor may see, and what reviewers may.

Reviewers are staff with a permission for each: ``conversations.view_conversation`` (the list in the
admin), ``read_transcript`` (titles and what was said), ``hear_audio`` (its sound), ``watch_live`` (what is said while it is said)
and ``export_conversation`` (to take away what one may read or hear).
"""

from __future__ import annotations

from django.contrib.sessions.backends.base import SessionBase
from django.db.models import QuerySet

from accounts.models import User
from accounts.people import Visitor, persons_of

from .models import Conversation


def visible_to(user: Visitor, session: SessionBase | None) -> QuerySet[Conversation]:
    """The conversations of the visitor's own persons; what is not in here does not exist for them.

    Staff see no more than others here: they read in the admin, with permissions of its own.
    """
    return Conversation.objects.filter(person__in=persons_of(user, session))


def may_read_all(user: Visitor) -> bool:
    """Whether this reviewer may read what anybody said."""
    return _is_staff_with(user, "conversations.read_transcript")


def may_hear_all(user: Visitor) -> bool:
    """Whether this reviewer may hear what anybody said."""
    return _is_staff_with(user, "conversations.hear_audio")


def may_watch(user: Visitor) -> bool:
    """Whether this reviewer may read along while anybody says something."""
    return may_read_all(user) and _is_staff_with(user, "conversations.watch_live")


def may_export_all(user: Visitor) -> bool:
    """Whether this reviewer may take away what anybody said; for sound they need to hear it too."""
    return may_read_all(user) and _is_staff_with(user, "conversations.export_conversation")


def may_label(user: Visitor) -> bool:
    """Whether this reviewer may grade, tag, annotate and correct what they read."""
    return may_read_all(user) and _is_staff_with(user, "conversations.label_conversation")


def may_hold(user: Visitor) -> bool:
    """Whether this member of the staff decides what is kept for legal reasons."""
    return _is_staff_with(user, "conversations.hold_conversation")


def _is_staff_with(user: Visitor, permission: str) -> bool:
    return isinstance(user, User) and user.is_staff and user.has_perm(permission)
