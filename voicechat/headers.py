"""Response headers that hold for every page: what it may load, run and ask for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import cast

from asgiref.sync import iscoroutinefunction
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.utils.decorators import sync_and_async_middleware

# No inline script or style anywhere, the admin included. The hash stands for the one style sheet
# that wavesurfer.js writes into its shadow root (at a height of 36 px, as ``waveform.js`` asks for),
# and for no other. Blob URLs are what pages play recorded and received sound from; where an object store
# sends recordings to browsers itself, its origin is the one other place.
MEDIA_SOURCES = " ".join(filter(None, ("'self'", "blob:", settings.VOICECHAT_MEDIA_ORIGIN)))
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'self'",
        "style-src 'self' 'sha256-U+wOyz6RyxfmjgGP/zCgeX2UqDaDGqr0JM2ok4ksXpY='",
        "img-src 'self' data: https:",
        f"media-src {MEDIA_SOURCES}",
        "connect-src 'self' ws: wss:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)


@sync_and_async_middleware
def SecurityHeadersMiddleware(  # noqa: N802 (a middleware is named like a class in settings)
    get_response: Callable[[HttpRequest], HttpResponseBase | Awaitable[HttpResponseBase]],
) -> Callable[[HttpRequest], HttpResponseBase | Awaitable[HttpResponseBase]]:
    def secured(response: HttpResponseBase) -> HttpResponseBase:
        response.headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        response.headers.setdefault("Permissions-Policy", "microphone=(self), camera=()")
        return response

    if iscoroutinefunction(get_response):

        async def middleware(request: HttpRequest) -> HttpResponseBase:
            return secured(await cast(Awaitable[HttpResponseBase], get_response(request)))

        return middleware

    def sync_middleware(request: HttpRequest) -> HttpResponseBase:
        return secured(cast(HttpResponseBase, get_response(request)))

    return sync_middleware
