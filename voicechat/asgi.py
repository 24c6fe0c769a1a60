"""Where the server hands over: pages to Django, sockets to the chat, its own life to the process."""

from __future__ import annotations

import os
from typing import Any

from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application
from django.urls import re_path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "voicechat.settings")
pages = get_asgi_application()

from chat.process import process  # noqa: E402 (models are only there once Django is set up)
from chat.sockets import urlpatterns  # noqa: E402
from speech_api.service import provide, service  # noqa: E402
from speech_api.sockets import urlpatterns as speech_urlpatterns  # noqa: E402

# One set of voices, ears and counters for calls and for the speech service.
provide(process)

from .watching import watched  # noqa: E402


async def life(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """ASGI lifespan: start what runs in the background before the first visitor, stop it after the
    last. Servers without lifespan (daphne) start it with the first socket.
    """
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            process().draining.server_has_lifespan = True
            await process().start()
            await send({"type": "lifespan.startup.complete"})
        else:
            service().stop()
            await process().stop()
            await send({"type": "lifespan.shutdown.complete"})
            return


async def nowhere(_scope: dict[str, Any], receive: Any, send: Any) -> None:
    """A socket at an address that leads nowhere is refused (HTTP 403), which is no fault of ours."""
    await receive()
    await send({"type": "websocket.close"})


# Django's types know views alone; Channels routes to any ASGI application.
to_nowhere = re_path("", nowhere)  # type: ignore[arg-type]

routes = ProtocolTypeRouter(
    {
        "http": watched(pages),
        # Whose session it is, consumers find out: a middleware would read it in the one thread of all
        # pages, before there is a socket that can be told that the database is away.
        "websocket": URLRouter([*speech_urlpatterns, *urlpatterns, to_nowhere]),
        "lifespan": life,
    }
)


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """What the server calls. By then it is up, and has handlers of signals that ours go before."""
    process().draining.listen()
    await routes(scope, receive, send)
