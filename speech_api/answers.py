"""HTTP answers of the speech service that are not audio, and the way in and out of its views.

Only keys and tokens open these views, never cookies: so they need no CSRF token, and pages of any
site may call them, given one.
"""

from __future__ import annotations

import functools
import json
import logging
import math
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from .errors import SpeechError
from .faults import where

log = logging.getLogger(__name__)

MAX_BODY: Final = 256 * 1024
View = Callable[..., Coroutine[Any, Any, HttpResponseBase]]
ErrorShape = Callable[[SpeechError], dict[str, Any]]

_FOR_ANYBODY: Final = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, POST, OPTIONS",
    # A star does not mean Authorization (Fetch standard). OpenAI's package sends many of its own.
    "Access-Control-Allow-Headers": "authorization, *",
    "Access-Control-Expose-Headers": "x-voice, x-sample-rate, retry-after",
    "Access-Control-Max-Age": "86400",
    "Cache-Control": "no-store",
}


def plain_error(error: SpeechError) -> dict[str, Any]:
    """As the socket tells it: for readers of ``error`` and of ``message`` alike."""
    return {
        "status": error.status,
        "code": error.code,
        "error": error.message,
        "message": error.message,
    }


def openai_error(error: SpeechError) -> dict[str, Any]:
    """As OpenAI tells it."""
    kind = "server_error" if error.status >= 500 else "invalid_request_error"
    return {
        "error": {
            "message": error.message,
            "type": {401: "authentication_error", 429: "rate_limit_error"}.get(error.status, kind),
            "param": error.param,
            "code": error.code,
        }
    }


def for_programs(*methods: str, shape: ErrorShape = plain_error) -> Callable[[View], View]:
    """A view for programs: its methods, its errors in their shape, and who may call it."""

    def decorate(view: View) -> View:
        @functools.wraps(view)
        async def answered(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            response: HttpResponseBase
            try:
                if request.method == "OPTIONS":
                    response = HttpResponse(status=204)
                elif request.method not in methods:
                    message = f"Use {' or '.join(methods)} here."
                    raise SpeechError(405, "wrong_method", message)  # noqa: TRY301
                else:
                    response = await view(request, *args, **kwargs)
            except SpeechError as error:
                response = _refusal(error, shape)
            except Exception as error:
                log.error("%s failed: %s", view.__name__, where(error))
                failure = SpeechError(500, "internal", "Something went wrong on our side.")
                response = _refusal(failure, shape)
            if response.status_code == 405:
                response.headers["Allow"] = ", ".join([*methods, "OPTIONS"])
            for name, value in _FOR_ANYBODY.items():
                response.headers.setdefault(name, value)
            return response

        return csrf_exempt(answered)

    return decorate


def body_of(request: HttpRequest) -> bytes:
    """What was posted. Raises ``SpeechError`` for too much of it."""
    # One byte more tells, however the client has counted; some send no length at all.
    body: bytes = request.read(MAX_BODY + 1)
    if len(body) > MAX_BODY:
        message = f"A request has {MAX_BODY} bytes at most."
        raise SpeechError(413, "request_too_big", message)
    return body


def headers_of(request: HttpRequest) -> dict[str, str]:
    """By their names in lower case."""
    return {name.lower(): value for name, value in request.headers.items()}


def scope_of(request: HttpRequest) -> Mapping[str, Any]:
    """The ASGI scope that it came in."""
    return getattr(request, "scope", None) or {"headers": [], "client": None}


def _refusal(error: SpeechError, shape: ErrorShape) -> HttpResponse:
    response = JsonResponse(shape(error), status=error.status)
    if error.status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    if error.retry_s is not None:
        response.headers["Retry-After"] = str(max(1, math.ceil(error.retry_s)))
    return response


def event(**message: Any) -> bytes:
    """One message of a stream of server-sent events."""
    return f"data: {json.dumps(message)}\n\n".encode()
