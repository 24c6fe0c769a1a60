"""voicechat as it is deployed, on loopback: ``python -m benchmarks.quiet_server PORT``.

With ``BENCH_TRANSCODING=0`` recordings stay WAVs, so that making them small can be measured apart.
Imports little at the top: the transcoder's process loads the program's main module again.
"""

from __future__ import annotations

import os
import sys


class NoTranscoder:
    """Leaves everything as it is."""

    async def start(self) -> None:
        """Nothing begins."""

    async def stop(self) -> None:
        """Nothing ends."""

    def wake(self) -> None:
        """Nothing is woken."""


def main() -> None:
    import voicechat.asgi  # noqa: F401, PLC0415 (sets Django up)
    from chat.process import process  # noqa: PLC0415
    from voicechat.server import serve  # noqa: PLC0415

    if os.environ.get("BENCH_TRANSCODING") == "0":
        process().transcoder = NoTranscoder()  # type: ignore[assignment]
    serve("127.0.0.1", int(sys.argv[1]))


if __name__ == "__main__":
    main()
