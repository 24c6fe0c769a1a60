"""What the sockets of one conversation tell each other through the feed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from feed.hub import hub

from .messages import CardsShown, Delta, Message, ReplyEnd, ReplyStart, TextEnd, TurnChanged

_Shared = Delta | CardsShown | ReplyEnd | ReplyStart | TextEnd | TurnChanged


@dataclass(frozen=True, slots=True)
class InterruptAsked:
    """Somebody pressed stop in another tab."""


@dataclass(frozen=True, slots=True)
class ReplyTaken:
    """A new turn elsewhere has ended this reply."""

    reply: str


def topic(conversation: str) -> str:
    return f"conversation.{conversation}"


async def share(
    conversation: str, origin: str, what: Message | InterruptAsked | ReplyTaken
) -> None:
    """Tell the conversation's other followers. ``origin`` names the socket that tells."""
    event: dict[str, Any]
    match what:
        case InterruptAsked():
            event = {"do": "interrupt"}
        case ReplyTaken(reply):
            event = {"do": "taken", "reply": reply}
        case message:
            event = {"do": "tell", "message": msgspec.to_builtins(message)}
    await hub().publish(topic(conversation), event | {"origin": origin})


def read(event: dict[str, Any], own: str) -> Message | InterruptAsked | ReplyTaken | None:
    """What another socket told; None for one's own events."""
    if event["origin"] == own:
        return None
    match event["do"]:
        case "interrupt":
            return InterruptAsked()
        case "taken":
            return ReplyTaken(event["reply"])
        case _:
            message: Message = msgspec.convert(event["message"], _Shared)
            return message
