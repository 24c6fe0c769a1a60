"""``/ws/watch/<conversation>/``: members of the staff read along while a conversation goes on.

What the person's own sockets tell each other is heard here too. It is not relied on: turns are read
from the database, when something is told and every few seconds besides. The person is told, before
anything is read, and again as long as it lasts; while they cannot be told, nobody reads along.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import uuid
from urllib.parse import parse_qs

from django.db import Error as DatabaseError

from accounts.address import client_address
from accounts.admission import NotAdmitted, Visitor, admit, still_admitted
from accounts.models import User
from conversations import access_log, watched
from conversations.access import may_hear_all, may_label, may_watch
from conversations.database import in_database
from conversations.models import Access, Conversation
from conversations.visible_text import visible
from feed.hub import Follower, Lost, hub

from .direct_consumer import DirectConsumer
from .events import StaffFollows
from .limits.limiter import OverLimit, Place
from .line import RESTARTS
from .messages import Delta, ReplyEnd, ReplyStart, TextEnd, TurnChanged
from .outbox import GONE
from .process import process
from .protocols.base import Frame
from .sharing import ConversationDeleted, read, share, topic
from .watchers import SAY_EVERY_S
from .where import where

log = logging.getLogger(__name__)


class _Refused(Exception):
    def __init__(self, code: str, message: str, close: int) -> None:
        super().__init__(message)
        self.code = code
        self.close = close


NOT_YOURS = ("not_admitted", "You may not watch this conversation.", 4403)
UNKNOWN = ("unknown_conversation", "There is no such conversation.", 4403)
UNTOLD = ("unavailable", "The person cannot be told that you read along. Try again soon.", 1013)
UNAVAILABLE = ("unavailable", "What is said cannot be read now. Try again soon.", 1013)
GOING_AWAY = ("going_away", "The server restarts. Come back in a moment.", RESTARTS)


class WatchConsumer(DirectConsumer):
    """One reviewer's page. The query says up to which revision it shows the conversation: ``?rev=``."""

    _work: asyncio.Task[None] | None = None
    _place: Place | None = None

    async def connect(self) -> None:
        if await process().draining.sends_elsewhere(self.scope, self.base_send):
            return
        # Accept first: a browser sees a refusal before that only as 1006.
        await self.accept()
        self._id = uuid.uuid4().hex
        self._conversation: uuid.UUID = self.scope["url_route"]["kwargs"]["conversation"]
        self._rev = _rev_in(self.scope["query_string"])
        self._is_live: bool | None = None
        # What is being said, by the id of its turn; at most one.
        self._texts: dict[str, str] = {}
        # A page is not changed by two at once.
        self._sending = asyncio.Lock()
        self._work = asyncio.create_task(self._watch(), name="watch")

    async def take(self, frame: Frame) -> None:
        """Who watches has nothing to say."""

    async def left(self) -> None:
        if self._work is not None:
            self._work.cancel()
            await asyncio.gather(self._work, return_exceptions=True)
        if self._place is not None:
            await process().limiter.leave(self._place)

    async def _watch(self) -> None:
        try:
            await process().start()
            self._place = Place(client_address(self.scope))
            await process().limiter.knock(self._place)
            visitor = await in_database(_begin, self.scope, self._conversation)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._follow(visitor))
                tasks.create_task(self._look_again(visitor))
                tasks.create_task(_leave_with_the_process())
        except* _Refused as refused:
            why = refused.exceptions[0]
            assert isinstance(why, _Refused)
            await self._refuse(why.code, str(why), why.close)
        except* OverLimit as over:
            limit = over.exceptions[0]
            assert isinstance(limit, OverLimit)
            await self._refuse("busy", limit.message, limit.close)
        except* GONE:
            pass
        except* DatabaseError as failed:
            for database_error in failed.exceptions:
                log.warning("a watching page has to wait: %s", where(database_error))
            await self._refuse(*UNAVAILABLE)
        except* Exception as failed:
            for error in failed.exceptions:
                log.error("a watching page failed: %s", where(error))
            await self._refuse("internal", "Something went wrong on our side.", 1011)

    async def _refuse(self, code: str, text: str, close: int) -> None:
        # Here, since what is raised while a group is handled is in a group itself.
        with contextlib.suppress(*GONE):
            await self._send({"type": "error", "code": code, "message": text})
            await self.close_socket(close)

    async def _send(self, message: object) -> None:
        await self.send(text_data=json.dumps(message))

    # --- what is told -------------------------------------------------------------------------

    async def _follow(self, visitor: Visitor) -> None:
        while True:
            async with hub().follow(topic(str(self._conversation))) as follower:
                await self._tell_person()
                await self._look(visitor)
                with contextlib.suppress(Lost):
                    await self._hear(follower, visitor)

    async def _hear(self, follower: Follower, visitor: Visitor) -> None:
        async for event in follower:
            match read(event, self._id):
                case ConversationDeleted():
                    raise _Refused(*UNKNOWN)
                case Delta(reply, offset, text):
                    await self._append(reply, offset, text)
                case TextEnd(reply, text):
                    await self._append(reply, 0, text)
                case TurnChanged(rev=rev) | ReplyEnd(rev=rev) if rev > self._rev:
                    await self._look(visitor)
                case ReplyStart(reply) if reply not in self._texts:
                    await self._look(visitor)

    async def _tell_person(self) -> None:
        if not await share(str(self._conversation), self._id, StaffFollows(self._id)):
            raise _Refused(*UNTOLD)

    async def _append(self, reply: str, offset: int, text: str) -> None:
        async with self._sending:
            known = self._texts.get(reply)
            # Of what is not shown, or lies behind a gap, the next look knows more.
            if known is None or offset > len(known):
                return
            new = text[len(known) - offset :]
            if new:
                self._texts[reply] = known + new
                await self._send({"type": "text", "turn": reply, "text": visible(new)})

    # --- what is read -------------------------------------------------------------------------

    async def _look_again(self, visitor: Visitor) -> None:
        while True:
            await asyncio.sleep(SAY_EVERY_S)
            await self._tell_person()
            await self._look(visitor)

    async def _look(self, visitor: Visitor) -> None:
        """Show what has changed since the last look."""
        async with self._sending:
            seen = await in_database(_look, visitor, self._conversation, self._rev)
            texts = {
                turn: max(text, self._texts.get(turn, ""), key=len)
                for turn, text in seen.streaming.items()
            }
            shown = (seen.conversation.rev, seen.is_live, texts)
            if shown == (self._rev, self._is_live, self._texts):
                return
            self._rev, self._is_live, self._texts = shown
            facts, turns = await asyncio.to_thread(watched.render, seen, texts)
            told = {"rev": self._rev, "live": seen.is_live, "all": seen.has_all}
            await self._send({"type": "turns", "facts": facts, "turns": turns} | told)


async def _leave_with_the_process() -> None:
    await process().draining.begun.wait()
    raise _Refused(*GOING_AWAY)


def _rev_in(query: bytes) -> int:
    """Up to which revision the page shows the conversation; 0 where it does not say."""
    asked = parse_qs(query.decode("latin-1")).get("rev", ["0"])[0]
    return int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 10 else 0


def _begin(scope: dict[str, object], conversation: uuid.UUID) -> Visitor:
    """Who may watch it; that they do is in the log before they see anything."""
    try:
        visitor = admit(scope)
    except NotAdmitted as error:
        raise _Refused("not_admitted", str(error), error.close) from None
    _check(visitor)
    if not Conversation.objects.filter(pk=conversation).exists():
        raise _Refused(*UNKNOWN)
    access_log.note(visitor.user, Access.What.WATCHED, conversation)
    return visitor


def _look(visitor: Visitor, conversation: uuid.UUID, rev: int) -> watched.Look:
    user = _check(visitor)
    seen = watched.look(conversation, rev, may_hear=may_hear_all(user), may_label=may_label(user))
    if seen is None:
        raise _Refused(*UNKNOWN)
    return seen


def _check(visitor: Visitor) -> User:
    """They may watch now; read anew, since permissions are taken away as well."""
    if isinstance(visitor.user, User) and still_admitted(visitor):
        user = User.objects.get(pk=visitor.user.pk)
        if may_watch(user):
            return user
    raise _Refused(*NOT_YOURS)
