"""What the chat page is made of, whoever asks for it. No database."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from django.conf import settings
from django.contrib.staticfiles.storage import staticfiles_storage
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from dialogue.engine import BotInfo
from speech.tts.engine import Voice

from .messages import LIMITS
from .page_strings import page_strings

SOCKET_PATH = "/ws/voice-chat/"
# The page puts the id of a new conversation in its place.
_ANY_CONVERSATION = UUID(int=0)
# Fetched at once, not one after the other as each import is discovered.
_MODULES = (
    "addresses", "ask-form", "cards", "composer", "conversation", "elsewhere", "frames", "hold", "identity", "karaoke", "meter",
    "microphone", "microphone-claim", "microphone-panel", "microphone-problems",
    "microphone-prompt", "outbox", "player", "settings", "sidebar", "socket", "speaker", "spoken",
    "status", "talk", "talk-bar", "text", "transcript", "turn", "utterances",
    "voice-input", "voice-panel", "wake-lock",
)  # fmt: skip


def _modules() -> tuple[str, ...]:
    return ("voicechat/dom", "voicechat/strings", *(f"chat/{name}" for name in _MODULES))


@dataclass(frozen=True, slots=True)
class ChatPage:
    """One view of the page. ``conversation`` is None for a new one; ``name`` is empty for guests.

    ``purged_at``: what was said until then has been deleted for its age.
    """

    bot: BotInfo
    name: str = ""
    is_guest: bool = True
    conversation: UUID | None = None
    title: str = ""
    purged_at: datetime | None = None
    conversations: Iterable[Any] = ()
    voices: Sequence[Voice] = field(default=())

    def context(self) -> dict[str, Any]:
        """For the template ``chat/chat.html``."""
        return {
            "bot": self.bot,
            "title": self.title or _("Chat"),
            "current": self.conversation,
            "purged_at": self.purged_at,
            "conversations": self.conversations,
            "welcome": self.bot.greeting or _("Hello! What would you like to know?"),
            "placeholder": _("Message %(name)s") % {"name": self.bot.name},
            "examples": [
                _("Find me a flat in Lisbon"),
                _("What time is it in Tokyo?"),
                _("What is the weather like in Oslo?"),
                _("What can you do?"),
            ],
            "main": staticfiles_storage.url("chat/main.js"),
            "modules": [staticfiles_storage.url(f"{name}.js") for name in _modules()],
            "config": self.config(),
            "strings": page_strings(),
        }

    def config(self) -> dict[str, Any]:
        """``PageConfig`` of ``static/chat/types.js``."""
        here = (
            reverse("chat")
            if self.conversation is None
            else reverse("chat-conversation", args=[self.conversation])
        )
        return {
            "socketPath": SOCKET_PATH,
            "conversation": None if self.conversation is None else str(self.conversation),
            "language": get_language() or "en",
            "bot": {
                "slug": self.bot.slug,
                "name": self.bot.name,
                "language": self.bot.language,
                "greeting": self.bot.greeting,
            },
            "voices": [
                {
                    "id": voice.id,
                    "name": voice.name,
                    "language": voice.language,
                    "engine": voice.engine,
                }
                for voice in self.voices
            ],
            "person": {"name": self.name, "is_guest": self.is_guest},
            "limits": msgspec.to_builtins(LIMITS),
            "record": getattr(settings, "VOICECHAT_RECORD", "always"),
            "urls": {
                "worklet": staticfiles_storage.url("chat/speaker-worklet.js"),
                "microphoneWorklet": staticfiles_storage.url("chat/microphone-worklet.js"),
                "chat": reverse("chat"),
                "conversation": reverse("chat-conversation", args=[_ANY_CONVERSATION]),
                "login": f"{reverse('account_login')}?next={here}",
            },
        }
