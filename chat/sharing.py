"""What the sockets of one conversation tell each other through the feed."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import msgspec
from asgiref.sync import async_to_sync
from django.db import transaction
from django.db.models.signals import post_delete
from django.dispatch import receiver

from conversations.models import Conversation
from feed.hub import hub

from . import effects as do
from . import events as ev
from .effects import join_deltas
from .messages import CardsShown, Delta, Message, ReplyEnd, ReplyStart, TextEnd, TurnChanged
from .where import where

log = logging.getLogger(__name__)

_Shared = Delta | CardsShown | ReplyEnd | ReplyStart | TextEnd | TurnChanged


# Things that a call may have to tell and has not told yet.
WAITING = 1_000


VoiceEvent = ev.VoiceWanted | ev.VoiceHeld | ev.VoiceGiven | ev.VoiceHeard


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


# What a socket tells, and what one hears; of deletions whoever deletes tells.
Told = (
    Message
    | InterruptAsked
    | ReplyTaken
    | ev.StaffFollows
    | do.ShareVoice
    | ev.Input
    | do.ShareInput
)
Heard = (
    Message
    | InterruptAsked
    | ReplyTaken
    | ev.StaffFollows
    | VoiceEvent
    | ConversationDeleted
    | ev.Input
    | do.ShareInput
)
_VOICES: dict[str, type[VoiceEvent]] = {
    kind.__name__: kind for kind in (ev.VoiceWanted, ev.VoiceHeld, ev.VoiceGiven, ev.VoiceHeard)
}


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


class Shares:
    """What one call tells the conversation's other followers, in order.

    While one thing is on its way, deltas that follow each other become one. Bounded: what is too
    much is dropped, and followers notice.
    """

    def __init__(self, origin: str) -> None:
        """``origin`` names the socket that tells."""
        self._origin = origin
        self._waiting: deque[tuple[str, Told]] = deque()
        self._wake = asyncio.Event()
        self._told = asyncio.Event()
        self._told.set()

    def put(self, conversation: str, what: Told) -> None:
        """Tell it soon."""
        if self._waiting and isinstance(what, Delta):
            _, last = self._waiting[-1]
            longer = join_deltas(last, what) if isinstance(last, Delta) else None
            if longer is not None:
                self._waiting[-1] = conversation, longer
                return
        if len(self._waiting) < WAITING:
            self._waiting.append((conversation, what))
            self._told.clear()
            self._wake.set()

    async def work(self) -> None:
        """Tell what waits, until cancelled."""
        while True:
            await self._wake.wait()
            while self._waiting:
                conversation, what = self._waiting.popleft()
                await share(conversation, self._origin, what)
            self._wake.clear()
            self._told.set()

    async def drain(self) -> None:
        """Wait until all is told."""
        await self._told.wait()


def topic(conversation: str) -> str:
    return f"conversation.{conversation}"


async def share(conversation: str, origin: str, what: Told) -> bool:
    """Tell the conversation's other followers. ``origin`` names the socket that tells.

    Returns whether the channel layer took it.
    """
    event: dict[str, Any]
    match what:
        case do.ShareVoice(voice, to):
            told = msgspec.to_builtins(voice)
            event = {"do": "voice", "kind": type(voice).__name__, "voice": told, "to": to}
        case InterruptAsked():
            event = {"do": "interrupt"}
        case ReplyTaken(reply):
            event = {"do": "taken", "reply": reply}
        case ev.StaffFollows():
            event = {"do": "watch"}
        case ev.Input(values, ask, by):
            event = {"do": "input", "values": values, "ask": ask, "by": by}
        case do.ShareInput(by, taken):
            event = {"do": "input taken", "by": by, "taken": taken}
        case message:
            event = {"do": "tell", "message": msgspec.to_builtins(message)}
    return await hub().publish(topic(conversation), event | {"origin": origin})


def read(event: dict[str, Any], own: str) -> Heard | None:
    """What another socket told; None for one's own events, and what is for others.

    While instances are replaced, those of another version may tell what nobody here understands. That
    is left out like an event that was lost: who misses something notices by the next one's ``rev``.
    """
    if event["origin"] == own or event.get("to", "") not in {"", own}:
        return None
    try:
        return _READERS[event["do"]](event)
    except (LookupError, TypeError, msgspec.ValidationError) as error:
        log.warning("an event of another version is left out: %s", where(error))
        return None


def _read_voice(event: dict[str, Any]) -> VoiceEvent:
    voice = msgspec.convert(event["voice"], _VOICES[event["kind"]])
    # Who wants it is who says so.
    return replace(voice, by=event["origin"]) if isinstance(voice, ev.VoiceWanted) else voice


def _read_message(event: dict[str, Any]) -> Message:
    message: Message = msgspec.convert(event["message"], _Shared)
    return message


_READERS: dict[str, Callable[[dict[str, Any]], Heard]] = {
    "voice": _read_voice,
    "interrupt": lambda _: InterruptAsked(),
    "deleted": lambda _: ConversationDeleted(),
    "taken": lambda event: ReplyTaken(event["reply"]),
    "watch": lambda event: ev.StaffFollows(event["origin"]),
    "input": lambda event: ev.Input(event["values"], event["ask"], event["by"]),
    "input taken": lambda event: do.ShareInput(event["by"], event["taken"]),
    "tell": _read_message,
}
