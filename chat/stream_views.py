"""Beside a FastRTC stream: ``GET /outputs`` and ``POST /input_hook``, on whichever instance.

Whose a stream is, and what was said in it, is read from the database; the feed only says when to look
again, and carries what was filled in to the instance that holds the socket, which answers.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import time
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from typing import Any

import msgspec
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

from accounts.programs import Credential, ProgramRefused, credential_in
from conversations import streams
from conversations.database import in_database
from conversations.streams import Found, Output
from feed.hub import Lost, hub

from . import effects as do
from . import events as ev
from .key_admission import admit_with_key
from .limits.limiter import OverLimit
from .process import process
from .protocols.fastrtc import StreamId
from .sharing import read, share, topic
from .stream_owner import owner_of_key, owners_asking
from .streams import topic_of

# A proxy closes what is silent for a minute; and so often the database is asked besides.
BEAT_S = 15.0
# How long a stream is waited for that has not begun; a browser then asks again.
START_S = 300.0
DRAIN_LOOK_S = 1.0
CANCEL_AGAIN_S = 0.2
RETRY_MS = 1_000
MOST_SUBSCRIBERS = 1_000
"""Of one process."""
BODY_BYTES = 65_536
# How long the instance that holds the socket may take, and how often it is told.
ANSWER_S, TRIES = 1.0, 3

_subscribers = 0


class _Refusal(Exception):
    def __init__(self, status: int, code: str, message: str, retry_s: float = 2.0) -> None:
        super().__init__(message)
        self.status, self.code, self.retry_s = status, code, retry_s

    @property
    def answer(self) -> HttpResponse:
        told = {"status": "failed", "error": self.code, "message": str(self)}
        retry = {"Retry-After": str(math.ceil(self.retry_s))} if self.status in {429, 503} else None
        return JsonResponse(told, status=self.status, headers=retry)


NOT_YOURS = _Refusal(403, "not_yours", "This stream is another session's or token's.")
NOT_ASKED = _Refusal(409, "not_asked", "Nothing is asked just now.")
UNKNOWN = _Refusal(404, "unknown_stream", "There is no such stream.")


# --- what was said --------------------------------------------------------------------------------


@require_GET
@never_cache
async def outputs(request: HttpRequest) -> HttpResponseBase:
    """Each turn of a stream as a Server-Sent Event, from its first one or from ``Last-Event-ID`` on."""
    try:
        id = _stream_id(request.GET.get("webrtc_id"))
        owners = await _owners(request)
        found = await _own_or_none(id, owners)
    except _Refusal as refusal:
        return refusal.answer
    last = request.headers.get("Last-Event-ID", "")
    if found is not None and not found.is_live and not await _unseen(found, last):
        # This, and nothing else, keeps a browser from asking again.
        return HttpResponse(status=204)
    return StreamingHttpResponse(
        _counted(_events(id, owners, last)),
        content_type="text/event-stream; charset=utf-8",
        headers={"X-Accel-Buffering": "no"},
    )


async def _own_or_none(id: str, owners: set[str]) -> Found | None:
    """The stream, if it has begun. Raises ``_Refusal``."""
    if _subscribers >= MOST_SUBSCRIBERS:
        raise _Refusal(503, "full", "Too many listen here. Try again in a moment.")
    found = await in_database(streams.find, id)
    if found is None or found.owner in owners:
        return found
    if found.is_live:
        raise NOT_YOURS
    return None  # somebody had it who is through


def _stream_id(asked: object) -> str:
    try:
        id: str = msgspec.convert(asked, StreamId)
    except msgspec.ValidationError:
        text = "webrtc_id has to be the websocket_id of a stream."
        raise _Refusal(400, "bad_request", text) from None
    return id


async def _owners(request: HttpRequest) -> set[str]:
    """As whom they may ask. Raises ``_Refusal`` if as nobody."""
    scope = getattr(request, "scope", None) or {"headers": [], "client": None}
    credential = credential_in(scope["headers"], request.GET.get("token", ""))
    if credential is not None:
        return {await _owner_with(credential, scope)}
    owners = owners_asking(request, scope, request.GET.get("token", ""))
    if not owners:
        raise NOT_YOURS
    return owners


async def _owner_with(credential: Credential, scope: Mapping[str, Any]) -> str:
    try:
        visitor = await admit_with_key(credential, scope)
    except ProgramRefused as error:
        status = 403 if error.close == 4403 else 401
        raise _Refusal(status, "not_admitted", str(error)) from error
    except OverLimit as over:
        raise _Refusal(429, "busy", over.message, over.retry_s) from over
    assert visitor.key is not None
    return owner_of_key(visitor.key)


async def _counted(events: AsyncGenerator[str, None]) -> AsyncIterator[str]:
    global _subscribers  # noqa: PLW0603 (one number for the process)
    _subscribers += 1
    try:
        async with contextlib.aclosing(events):
            async for event in events:
                yield event
    finally:
        _subscribers -= 1


async def _events(id: str, owners: set[str], last: str) -> AsyncGenerator[str, None]:
    yield f"retry: {RETRY_MS}\n\n"
    look = asyncio.Event()
    tasks = [asyncio.create_task(_wake(topic_of(id), look), name="stream")]
    gives_up_at = time.monotonic() + START_S
    followed: uuid.UUID | None = None
    try:
        while True:
            look.clear()
            found = await in_database(streams.find, id)
            if found is not None and found.owner not in owners:
                return
            if found is not None and found.conversation is not None:
                if followed != found.conversation:
                    followed = found.conversation
                    tasks.append(asyncio.create_task(_wake(topic(str(followed)), look)))
                    await asyncio.sleep(0)
                for output in await _unseen(found, last):
                    last = f"{found.conversation}/{output.seq}"
                    yield _event(last, output)
            elif time.monotonic() > gives_up_at:
                return
            if found is not None and not found.is_live and (followed or last):
                yield "event: end\ndata: {}\n\n"
                return
            beat_at = time.monotonic() + BEAT_S
            while not look.is_set() and time.monotonic() < beat_at:
                if process().draining.is_on:
                    return  # a browser goes on at another instance
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(DRAIN_LOOK_S):
                        await look.wait()
            if not look.is_set():
                yield ": still here\n\n"
    finally:
        await _cancel(tasks)


async def _cancel(tasks: list[asyncio.Task[None]]) -> None:
    """channels-redis can swallow a cancellation that meets an arriving message: ask again."""
    running = set(tasks)
    while running:
        for task in running:
            task.cancel()
        _, running = await asyncio.wait(running, timeout=CANCEL_AGAIN_S)


async def _wake(topic: str, look: asyncio.Event) -> None:
    """Set ``look`` whenever something may have changed, until cancelled."""
    async with hub().follow(topic) as follower:
        # What happened before the group was joined was told to nobody here.
        look.set()
        while True:
            with contextlib.suppress(Lost):
                async for event in follower:
                    if event.get("do") in {None, "deleted"} or _ends_turn(event):
                        look.set()
            look.set()


def _ends_turn(event: dict[str, Any]) -> bool:
    return event["do"] == "tell" and event["message"]["type"] in {"turn", "reply_end"}


async def _unseen(found: Found, last: str) -> list[Output]:
    """What was said after ``last``, the id of an event; all, if that is another stream's."""
    if found.conversation is None:
        return []
    conversation, _, seq = last.partition("/")
    known = conversation == str(found.conversation) and seq.isascii() and seq.isdigit()
    after = int(seq) if known and len(seq) < 10 else -1
    return await in_database(streams.outputs_after, found.conversation, after)


def _event(id: str, output: Output) -> str:
    data: dict[str, Any] = {"role": output.role, "content": output.content}
    if output.cards:
        data["cards"] = output.cards
    return f"id: {id}\nevent: output\ndata: {json.dumps(data)}\n\n"


# --- what is filled in ----------------------------------------------------------------------------


@csrf_exempt
@require_POST
@never_cache
async def input_hook(request: HttpRequest) -> HttpResponseBase:
    """What the person filled in. Other sites are kept out by the Origin, since there is no form."""
    try:
        body = _body(request)
        id = _stream_id(body.get("webrtc_id"))
        owners = await _owners(request)
        found = await in_database(streams.find, id)
        if found is None:
            raise UNKNOWN
        if found.owner not in owners:
            raise NOT_YOURS
        if found.conversation is None or not found.is_live:
            raise UNKNOWN
        values = body.get("inputs", {key: body[key] for key in body if key != "webrtc_id"})
        taken = await _bring(str(found.conversation), values)
    except _Refusal as refusal:
        return refusal.answer
    return JsonResponse({"status": "ok"}) if taken else NOT_ASKED.answer


def _body(request: HttpRequest) -> dict[str, Any]:
    if len(request.body) > BODY_BYTES:
        raise _Refusal(413, "too_big", f"An input has at most {BODY_BYTES} bytes.")
    try:
        return msgspec.json.decode(request.body, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        text = "Send a JSON object with webrtc_id and inputs."
        raise _Refusal(400, "bad_request", text) from None


async def _bring(conversation: str, values: object) -> bool:
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
    raise _Refusal(503, "unavailable", "The stream could not be reached. Try again in a moment.")
