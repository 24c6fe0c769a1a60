"""What machines ask a server: ``/livez``, ``/readyz`` and ``/metrics``: docs/watching.md.

They are answered before Django's middleware: an orchestrator asks by an address that is in no
``ALLOWED_HOSTS``, and ``/livez`` must not wait for a thread.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any

import msgspec
from django.conf import settings
from django.utils.crypto import constant_time_compare
from prometheus_client import CONTENT_TYPE_LATEST

from accounts.address import is_this_machine
from chat.readiness import readiness
from chat.scrape import scrape

Scope = Mapping[str, Any]
Application = Callable[[Any, Any, Any], Awaitable[None]]

TEXT = "text/plain; charset=utf-8"


class Answer(msgspec.Struct, frozen=True):
    status: HTTPStatus
    type: str
    body: bytes


def watched(pages: Application) -> Application:
    """``pages`` (ASGI, http) behind what machines ask."""

    async def application(scope: Any, receive: Any, send: Any) -> None:
        answer = _ANSWERS.get(scope["path"])
        if answer is None:
            await pages(scope, receive, send)
        elif scope["method"] not in {"GET", "HEAD"}:
            text = b"Only GET and HEAD.\n"
            await _send(send, Answer(HTTPStatus.METHOD_NOT_ALLOWED, TEXT, text), scope)
        else:
            await _send(send, await answer(scope), scope)

    return application


async def _live(_: Scope) -> Answer:
    """The event loop turns. Nothing else is asked: a restart would not mend a database."""
    return Answer(HTTPStatus.OK, TEXT, b"alive\n")


async def _ready(_: Scope) -> Answer:
    report = await readiness().report()
    status = HTTPStatus.OK if report.ready else HTTPStatus.SERVICE_UNAVAILABLE
    told = {"ready": report.ready, "draining": report.draining, "parts": report.parts}
    return Answer(status, "application/json", msgspec.json.encode(told))


async def _metrics(scope: Scope) -> Answer:
    if not _may_see_metrics(scope):
        text = b"Metrics are for whoever has VOICECHAT_METRICS_TOKEN: docs/watching.md.\n"
        return Answer(HTTPStatus.FORBIDDEN, TEXT, text)
    return Answer(HTTPStatus.OK, CONTENT_TYPE_LATEST, await scrape())


def _may_see_metrics(scope: Scope) -> bool:
    """By the operator's token; without one, from this machine alone."""
    token = settings.VOICECHAT_METRICS_TOKEN
    if not token:
        return is_this_machine(scope)
    given = dict(scope["headers"]).get(b"authorization", b"").decode("latin-1")
    return constant_time_compare(given, f"Bearer {token}")


_ANSWERS: dict[str, Callable[[Scope], Awaitable[Answer]]] = {
    "/livez": _live,
    "/readyz": _ready,
    "/metrics": _metrics,
}


async def _send(send: Any, answer: Answer, scope: Scope) -> None:
    headers = [
        (b"content-type", answer.type.encode()),
        (b"content-length", str(len(answer.body)).encode()),
        (b"cache-control", b"no-store"),
    ]
    await send({"type": "http.response.start", "status": int(answer.status), "headers": headers})
    body = b"" if scope["method"] == "HEAD" else answer.body
    await send({"type": "http.response.body", "body": body})
