"""Beside a FastRTC stream: ``GET /outputs`` and ``POST /input_hook``, on whichever instance."""

from __future__ import annotations

import asyncio
import contextlib
import math
import uuid
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from typing import Any

import msgspec
from django.core.exceptions import RequestDataTooBig
from django.db import Error as DatabaseError
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    JsonResponse,
    StreamingHttpResponse,
)
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from accounts.programs import ProgramRefused, credential_in
from conversations import streams
from conversations.database import in_database
from conversations.streams import Found
from dialogue.asking import as_texts
from feed.hub import Lost, hub

from . import effects as do
from . import events as ev
from .key_admission import admit_with_key
from .limits.limiter import TRY_LATER, OverLimit, Place
from .process import process
from .protocols.fastrtc import StreamId
from .sharing import read, share, topic
from .stream_outputs import outputs_of, unseen
from .stream_owner import Asker, asker, asker_with_key, counted_by, scope_of

BODY_BYTES = 65_536
# How long the instance that holds the socket may take, and how often it is told.
ANSWER_S, TRIES = 1.0, 3
RETRY_S = 2.0


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why something is not done: an HTTP ``status``, a ``code`` for programs, a sentence for people."""

    status: int
    code: str
    message: str
    retry_s: float | None = None

    @property
    def answer(self) -> HttpResponse:
        told = {"status": "failed", "error": self.code, "message": self.message}
        retry = None if self.retry_s is None else {"Retry-After": str(math.ceil(self.retry_s))}
        return JsonResponse(told, status=self.status, headers=retry)


class Refused(Exception):
    """Made anew each time: one that is raised again keeps all that raised it before."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.code)
        self.refusal = refusal


NOT_YOURS = Refusal(403, "not_yours", "This stream is another session's or token's.")
NOT_ASKED = Refusal(409, "not_asked", "Nothing is asked just now.")
UNKNOWN = Refusal(404, "unknown_stream", "There is no such stream.")
TOO_BIG = Refusal(413, "too_big", f"An input has at most {BODY_BYTES} bytes.")
UNAVAILABLE = Refusal(
    503, "unavailable", "The stream could not be reached. Try again in a moment.", RETRY_S
)


def _over(limit: OverLimit) -> Refusal:
    if limit.close == TRY_LATER:
        return Refusal(503, "full", limit.message, limit.retry_s)
    return Refusal(429, "busy", limit.message, limit.retry_s)


# --- what was said --------------------------------------------------------------------------------


@require_GET
@never_cache
async def outputs(request: HttpRequest) -> HttpResponseBase:
    """Each turn of a stream as a Server-Sent Event, from its first one or from ``Last-Event-ID`` on."""
    events = _listen(request)
    try:
        # From now on it ends what it has begun, even if nobody takes the rest.
        first = await anext(events, None)
    except Refused as refused:
        return refused.refusal.answer
    except OverLimit as limit:
        return _over(limit).answer
    except DatabaseError:
        return UNAVAILABLE.answer
    if first is None:
        # This, and nothing else, keeps a browser from asking again.
        return HttpResponse(status=204)
    return StreamingHttpResponse(
        _with_first(first, events),
        content_type="text/event-stream; charset=utf-8",
        headers={"X-Accel-Buffering": "no"},
    )


async def _with_first(first: str, events: AsyncGenerator[str, None]) -> AsyncIterator[str]:
    yield first
    async with contextlib.aclosing(events):
        async for event in events:
            yield event


async def _listen(request: HttpRequest) -> AsyncGenerator[str, None]:
    """No event at all: it is over, and all was told. Raises ``Refused`` and ``OverLimit`` at first."""
    place = Place(counted_by(request))
    try:
        id = _stream_id(request.GET.get("webrtc_id"))
        # Who listens holds a connection, like a socket.
        await process().limiter.knock(place)
        asking = await _asker(request)
        await process().limiter.enter(
            place, asking.person, vouched=asking.is_vouched, key=asking.key
        )
        found = await _own_or_none(id, asking)
        last = request.headers.get("Last-Event-ID", "")
        if found is not None and not found.is_live and not await unseen(found, last):
            return
        async with contextlib.aclosing(outputs_of(id, asking.owners, last)) as events:
            async for event in events:
                yield event
    finally:
        await process().limiter.leave(place)


async def _own_or_none(id: str, asking: Asker) -> Found | None:
    """The stream, if it has begun. Raises ``Refused``."""
    found = await in_database(streams.find, id)
    if found is None or found.owner in asking.owners:
        return found
    if found.is_live:
        raise Refused(NOT_YOURS)
    return None  # somebody had it who is through


def _stream_id(asked: object) -> str:
    try:
        id: str = msgspec.convert(asked, StreamId)
    except msgspec.ValidationError:
        text = "webrtc_id has to be the websocket_id of a stream."
        raise Refused(Refusal(400, "bad_request", text)) from None
    return id


async def _asker(request: HttpRequest) -> Asker:
    """Who asks. Raises ``Refused`` if that is nobody, ``OverLimit`` after too many wrong keys."""
    scope = scope_of(request)
    credential = credential_in(scope["headers"], request.GET.get("token", ""))
    if credential is not None:
        try:
            return asker_with_key(await admit_with_key(credential, scope))
        except ProgramRefused as error:
            status = 403 if error.close == 4403 else 401
            raise Refused(Refusal(status, "not_admitted", str(error))) from error
    asking = await in_database(asker, request)
    if not asking.owners:
        raise Refused(NOT_YOURS)
    return asking


# --- what is filled in ----------------------------------------------------------------------------


@csrf_exempt
@require_POST
@never_cache
async def input_hook(request: HttpRequest) -> HttpResponseBase:
    """What the person filled in. Other sites are kept out by the Origin, since there is no form.

    It is carried over the feed to the instance that holds the socket, which answers.
    """
    try:
        body = _body(request)
        id = _stream_id(body.get("webrtc_id"))
        asking = await _asker(request)
        await process().limiter.request(
            Place(counted_by(request), asking.person, asking.is_vouched, asking.key)
        )
        conversation = await _conversation(id, asking)
        values = body.get("inputs", {key: body[key] for key in body if key != "webrtc_id"})
        taken = await _bring(conversation, as_texts(values))
    except Refused as refused:
        return refused.refusal.answer
    except OverLimit as limit:
        return _over(limit).answer
    except DatabaseError:
        return UNAVAILABLE.answer
    return JsonResponse({"status": "ok"}) if taken else NOT_ASKED.answer


def _body(request: HttpRequest) -> dict[str, Any]:
    try:
        body = request.body
    except RequestDataTooBig:
        raise Refused(TOO_BIG) from None
    if len(body) > BODY_BYTES:
        raise Refused(TOO_BIG)
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        text = "Send a JSON object with webrtc_id and inputs."
        raise Refused(Refusal(400, "bad_request", text)) from None


async def _conversation(id: str, asking: Asker) -> str:
    """Of a stream of theirs that goes on. Raises ``Refused``."""
    found = await in_database(streams.find, id)
    if found is None:
        raise Refused(UNKNOWN)
    if found.owner not in asking.owners:
        raise Refused(NOT_YOURS)
    if found.conversation is None or not found.is_live:
        raise Refused(UNKNOWN)
    return str(found.conversation)


async def _bring(conversation: str, values: dict[str, str] | list[str]) -> bool:
    """Bring it to the instance that holds the socket; whether anything was asked there."""
    by = uuid.uuid4().hex
    async with hub().follow(topic(conversation)) as follower:
        for _ in range(TRIES):
            await share(conversation, by, ev.Input(values, None, by))
            with contextlib.suppress(TimeoutError, Lost):
                async with asyncio.timeout(ANSWER_S):
                    async for event in follower:
                        told = read(event, by)
                        if isinstance(told, do.ShareInput) and told.by == by:
                            return told.taken
    raise Refused(UNAVAILABLE)
