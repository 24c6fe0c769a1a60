"""Who may hear a conversation; and that somebody of the staff did, in the access log."""

from __future__ import annotations

import uuid

from django.http import HttpRequest

from .access import may_hear_all, visible_to
from .access_log import note_play


def may_hear(request: HttpRequest, conversation_id: uuid.UUID) -> bool:
    """Whether it is the visitor's own, or they may hear all."""
    return may_hear_all(request.user) or _is_own(request, conversation_id)


def note_hearing(
    request: HttpRequest, conversation_id: uuid.UUID, turn_id: uuid.UUID | None, what: str
) -> None:
    """Before a sound is sent to somebody who ``may_hear`` it. ``what`` names the sound.

    One's own is nobody's business. Raises as ``access_log.note``.
    """
    if not _is_own(request, conversation_id):
        note_play(request.user, conversation_id, turn_id, what)


def _is_own(request: HttpRequest, conversation_id: uuid.UUID) -> bool:
    return visible_to(request.user, request.session).filter(pk=conversation_id).exists()
