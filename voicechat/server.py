"""The server, with its limits: what ``make run`` and a deployment start.

A deployment: ``python -m voicechat.server --host 0.0.0.0 --port 8000``, after ``voicechat.prepare``.
"""

from __future__ import annotations

import argparse

import uvicorn

# A frame over 256 kB is answered with 4413 (docs/protocol.md); it has to get in to be answered.
# What is larger than this is cut off with 1009. daphne has the same limit.
WS_FRAME_BYTES = 1024 * 1024
# Finds a peer that has vanished within 40 s; browsers answer by themselves.
WS_PING_S = 20
# Longer than chat.process gives replies to write their end.
SHUTDOWN_S = 10


def serve(host: str, port: int) -> None:
    """Serve until a signal ends it."""
    uvicorn.run(
        "voicechat.asgi:application",
        host=host,
        port=port,
        # What fails in the start of the process ends the server: half of it would be served otherwise.
        lifespan="on",
        ws_max_size=WS_FRAME_BYTES,
        ws_ping_interval=WS_PING_S,
        ws_ping_timeout=WS_PING_S,
        # Sound does not get smaller, and each socket would hold some 300 kB of compression windows.
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=SHUTDOWN_S,
        # Only a proxy that the operator has named is believed; Django reads its header itself.
        proxy_headers=False,
        server_header=False,
        # Addresses hold tokens of telephone services, and uvicorn logs those of sockets as "info".
        access_log=False,
        log_level="warning",
        # Django's LOGGING is in force.
        log_config=None,
    )


def main() -> None:
    arguments = argparse.ArgumentParser(description="Serve voicechat; all is prepared.")
    arguments.add_argument("--host", default="127.0.0.1")
    arguments.add_argument("--port", type=int, default=8000)
    address = arguments.parse_args()
    serve(address.host, address.port)


if __name__ == "__main__":
    main()
