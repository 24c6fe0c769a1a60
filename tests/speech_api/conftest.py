from __future__ import annotations

import pytest

from tests.services import VoicechatServer

from .client import key_by_command


@pytest.fixture(scope="session")
def key(live_server_process: VoicechatServer) -> str:
    """A key of the live server, for all that is to be had, with limits that no test reaches."""
    plenty = ("--commands-per-minute", "100000", "--characters-per-minute", "100000000")
    return key_by_command(
        live_server_process, "--scopes", "tts,voice,realtime", "--sockets", "500", *plenty
    )
