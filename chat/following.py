"""What the other sockets of a conversation tell, brought to the session of one of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from feed.hub import Lost, hub

from . import effects as do
from . import events as ev
from .keeper import DELETED
from .sharing import ConversationDeleted, Heard, InterruptAsked, ReplyTaken, read, topic

Tell = Callable[[ev.Event], Awaitable[None]]


async def follow(conversation: str, own: str, *, tell: Tell, catch_up: Callable[[], None]) -> None:
    """Follow until cancelled. ``own`` names the socket; ``catch_up`` reads what it has missed."""
    async with hub().follow(topic(conversation)) as follower:
        while True:
            # What changed before the group was joined was told to nobody here.
            catch_up()
            await tell(ev.Following())
            try:
                async for event in follower:
                    heard = _as_event(read(event, own))
                    if heard is not None:
                        await tell(heard)
            except Lost:
                continue


def _as_event(heard: Heard | None) -> ev.Event | None:
    match heard:
        case None | do.ShareInput():
            return None
        case InterruptAsked():
            return ev.Interrupted()
        case ReplyTaken(reply):
            return ev.TakenOver(reply)
        case ConversationDeleted():
            return DELETED
        case (
            ev.StaffFollows()
            | ev.Input()
            | ev.VoiceWanted()
            | ev.VoiceHeld()
            | ev.VoiceGiven()
            | ev.VoiceHeard()
        ):
            return heard
        case message:
            return ev.Followed(message)
