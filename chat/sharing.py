"""What the sockets of one conversation tell each other through the feed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
from asgiref.sync import async_to_sync
from django.db import transaction
from django.db.models.signals import post_delete
from django.dispatch import receiver

from conversations.models import Conversation
from feed.hub import hub

from .events import StaffFollows
from .messages import CardsShown, Delta, Message, ReplyEnd, ReplyStart, TextEnd, TurnChanged

_Shared = Delta | CardsShown | ReplyEnd | ReplyStart | TextEnd | TurnChanged


@dataclass(frozen=True, slots=True)
class InterruptAsked:
    """Somebody pressed stop in another tab."""


@dataclass(frozen=True, slots=True)
class ReplyTaken:
    """A new turn elsewhere has ended this reply."""

    reply: str


@dataclass(frozen=True, slots=True)
class ConversationDeleted:
    """It is gone, with all that was said in it."""


@receiver(post_delete, sender=Conversation)
def tell_of_deletion(instance: Conversation, **_: Any) -> None:
    """Whoever is in a call on it is told, once it is surely gone."""
    id = str(instance.pk)

    async def publish() -> None:
        await hub().publish(topic(id), {"do": "deleted", "origin": ""})

    # Not a lambda: Django's log of a failed call wants a name.
    def tell() -> None:
        async_to_sync(publish)()

    transaction.on_commit(tell, robust=True)


def topic(conversation: str) -> str:
    return f"conversation.{conversation}"


async def share(
    conversation: str, origin: str, what: Message | InterruptAsked | ReplyTaken | StaffFollows
) -> None:
    """Tell the conversation's other followers. ``origin`` names the socket that tells."""
    event: dict[str, Any]
    match what:
        case InterruptAsked():
            event = {"do": "interrupt"}
        case ReplyTaken(reply):
            event = {"do": "taken", "reply": reply}
        case StaffFollows():
            event = {"do": "watch"}
        case message:
            event = {"do": "tell", "message": msgspec.to_builtins(message)}
    await hub().publish(topic(conversation), event | {"origin": origin})


def read(
    event: dict[str, Any], own: str
) -> Message | InterruptAsked | ReplyTaken | StaffFollows | ConversationDeleted | None:
    """What another socket told; None for one's own events."""
    if event["origin"] == own:
        return None
    match event["do"]:
        case "interrupt":
            return InterruptAsked()
        case "deleted":
            return ConversationDeleted()
        case "taken":
            return ReplyTaken(event["reply"])
        case "watch":
            return StaffFollows(event["origin"])
        case _:
            message: Message = msgspec.convert(event["message"], _Shared)
            return message
