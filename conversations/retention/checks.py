"""What ``manage.py check`` and every start say about how long things are kept."""

from __future__ import annotations

from typing import Any

from django.core.checks import CheckMessage, Warning, register

from .ages import Kind, days_kept


@register
def text_outlives_sound(**_: Any) -> list[CheckMessage]:
    """Text that goes first takes nothing away: the sound says it still."""
    text, sound = days_kept(Kind.TEXT), days_kept(Kind.SOUND)
    if text is None or (sound is not None and sound <= text):
        return []
    return [
        Warning(
            "What was said is deleted as text before it is deleted as sound, which still tells it.",
            hint="Set VOICECHAT_KEEP_SOUND_DAYS to no more than VOICECHAT_KEEP_TEXT_DAYS.",
            id="conversations.W001",
        )
    ]
