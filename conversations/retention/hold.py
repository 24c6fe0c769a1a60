"""Legal hold: what may be needed as evidence is deleted by nobody, whichever way they come.

Not for its age (``purging.py``), not by the person nor from the admin (``deletion.py``), and not
along with its person or user: that is here. Imports no models, because they import this.
"""

from __future__ import annotations

from typing import Any

from django.db.models import CASCADE, ProtectedError


def cascade_unless_held(collector: Any, field: Any, conversations: Any, using: str) -> None:
    """``on_delete`` of a conversation's person. Raises ``ProtectedError``, which the admin shows."""
    held = {conversation for conversation in conversations if conversation.legal_hold}
    if held:
        raise ProtectedError("Conversations on legal hold cannot be deleted.", held)
    CASCADE(collector, field, conversations, using)
