"""What Django reports at start: a dialogue engine that does not exist."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error

from .engines import UnknownEngine, engine_class


def check_dialogue(**_options: Any) -> list[CheckMessage]:
    """An error if ``VOICECHAT_DIALOGUE`` names nothing that can be imported."""
    try:
        engine_class(settings.VOICECHAT_DIALOGUE, source="VOICECHAT_DIALOGUE")
    except UnknownEngine as error:
        return [Error(str(error), id="dialogue.E001")]
    return []
