"""What Docker runs to know whether an instance answers."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from .services import ROOT, free_port


class Answering(BaseHTTPRequestHandler):
    """Answers with the status that the path names."""

    def do_GET(self) -> None:
        self.send_response(int(self.path[1:]))
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Silent."""


@pytest.fixture
def instance() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def check(address: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "voicechat.healthcheck", address]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(("status", "is_well"), [(200, True), (204, True), (503, False)])
def test_it_is_well_when_it_says_so(instance: str, status: int, is_well: bool) -> None:
    assert (check(f"{instance}/{status}").returncode == 0) is is_well


def test_nobody_there_is_told() -> None:
    done = check(f"http://127.0.0.1:{free_port()}/")
    assert done.returncode == 1
    assert done.stderr.startswith("It does not answer: ")
