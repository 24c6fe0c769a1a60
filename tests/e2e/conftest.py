from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import pytest

from tests.services import VoicechatServer, voicechat_server

from .moody import MOODY


@pytest.fixture(scope="package")
def moody(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VoicechatServer]:
    """A server whose bots do what they are told, badly."""
    with voicechat_server(tmp_path_factory.mktemp("moody"), MOODY) as server:
        with sqlite3.connect(server.data_dir / "db.sqlite3") as database:
            database.execute("update dialogue_bot set greeting = ''")
        yield server
