"""How a call finds its conversation: an earlier one of the visitor's own, or a new one."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from accounts.admission import Visitor, still_admitted
from conversations.access import visible_to
from conversations.database import in_database
from conversations.models import Conversation
from conversations.reading import read_conversation
from conversations.recorder import LiveCall
from conversations.stored import StoredConversation
from dialogue.bots import bot_by_slug, bot_info
from dialogue.engine import BotInfo

from .events import CaughtUp, Hello, Opened, Refused
from .process import Process
from .protocols.base import Protocol


@dataclass(frozen=True, slots=True)
class Opening:
    call: LiveCall
    bot: BotInfo
    event: Opened


async def open_conversation(
    hello: Hello, visitor: Visitor, protocol: Protocol, process: Process
) -> Opening | Refused:
    """What the visitor asked for, if it is theirs."""
    return await in_database(_open, hello, visitor, protocol, process)


async def catch_up(call: LiveCall, since_rev: int) -> CaughtUp:
    """The turns of the call's conversation that changed since a revision."""
    own = Conversation.objects.filter(pk=call.conversation)
    stored = await in_database(read_conversation, own, call.conversation, since_rev)
    return (
        CaughtUp(since_rev, ())
        if stored is None
        else CaughtUp(stored.rev, tuple(sorted(stored.turns, key=lambda turn: turn.rev)))
    )


def _open(
    hello: Hello, visitor: Visitor, protocol: Protocol, process: Process
) -> Opening | Refused:
    if not still_admitted(visitor):
        return Refused("not_admitted", "You are logged out.", 4401)
    if hello.conversation is None:
        bot = bot_by_slug(hello.bot or "")
        if bot is None:
            return Refused("unknown_bot", "There is no bot of this name.", 4400)
        stored = StoredConversation(str(uuid.uuid4()), 0, ())
        person, greeting = visitor.person, bot.greeting
    else:
        visible = visible_to(visitor.user, visitor.session)
        try:
            found = read_conversation(visible, hello.conversation, hello.last_rev)
        except ValidationError:  # not even a UUID
            found = None
        if found is None:
            return Refused("unknown_conversation", "There is no such conversation of yours.", 4403)
        stored = found
        conversation = visible.select_related("bot").get(pk=stored.id)
        bot, person, greeting = conversation.bot, str(conversation.person_id), ""
    info = bot_info(bot)
    call = LiveCall(
        id=str(uuid.uuid4()),
        conversation=stored.id,
        person=person,
        bot_id=bot.pk,
        language=hello.language or bot.language,
        protocol=protocol.name,
        instance=process.instance,
        started_at=timezone.now(),
        client_label=hello.label.replace("\0", ""),
        is_new=hello.conversation is None,
        recorded=_is_recorded(hello),
    )
    told = {"slug": info.slug, "name": info.name, "language": info.language}
    event = Opened(
        stored.id,
        stored.rev,
        told,
        call.language,
        stored.turns,
        greeting=greeting,
        hears=hello.voice_in is not None and process.understands(call.language),
        recording=call.recorded,
        watched=_watched(call.language),
        apology=apology(call.language),
    )
    return Opening(call, info, on_the_telephone(event) if protocol.manners.telephone else event)


def _watched(language: str) -> str:
    with translation.override(language):
        return _("Our staff are reading along now.")


def apology(language: str) -> str:
    """What is said to somebody whose words cannot be kept now."""
    with translation.override(language):
        return _("I cannot take that in at the moment. Please say it again in a minute.")


def on_the_telephone(event: Opened) -> Opened:
    """With what is said to somebody who sees no page."""
    with translation.override(event.language):
        return replace(
            event,
            notice=_("This call is recorded.") if event.recording else "",
            reminder=_("Are you still there?"),
            goodbye=_("I cannot hear you. Goodbye."),
        )


def _is_recorded(hello: Hello) -> bool:
    """Whether this call is kept as sound: docs/security.md, Recording."""
    mode = settings.VOICECHAT_RECORD
    return mode == "always" or (mode == "ask" and hello.record is True)
