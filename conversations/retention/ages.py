"""For how long sound and text are kept. Age counts from a conversation's last turn."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from django.conf import settings
from django.utils import timezone


class Kind(StrEnum):
    """What ages by itself: the sound of a conversation, and everything that tells what was said."""

    SOUND = "sound"
    TEXT = "text"


def days_kept(kind: Kind) -> int | None:
    """As the operator has set it; None: for ever."""
    days: int | None = getattr(settings, f"VOICECHAT_KEEP_{kind.upper()}_DAYS")
    return days


def is_anything_purged() -> bool:
    """Whether anything is deleted for its age at all."""
    return any(days_kept(kind) is not None for kind in Kind)


def days_ago(days: int) -> datetime:
    """The moment before which things are ``days`` old."""
    return timezone.now() - timedelta(days=days)
