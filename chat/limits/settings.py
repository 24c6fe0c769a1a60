"""What the operator has set: docs/limits.md."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.conf import settings
from limits import RateLimitItem


@dataclass(frozen=True, slots=True)
class LimitSettings:
    """``rates`` by name and by ``person`` or ``address``; ``sockets`` at a time by ``person``,
    ``address`` or ``process``; ``replies`` in progress in a process. None: no limit.
    """

    rates: Mapping[tuple[str, str], RateLimitItem | None]
    sockets: Mapping[str, int | None]
    replies: int | None


def limit_settings() -> LimitSettings:
    return LimitSettings(
        settings.VOICECHAT_RATE_LIMITS,
        settings.VOICECHAT_SOCKET_LIMITS,
        settings.VOICECHAT_REPLY_LIMIT,
    )
