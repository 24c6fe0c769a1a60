"""The project's own configuration of nginx: TLS, and what goes on to the instances."""

from __future__ import annotations

import re
import shutil
import ssl
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import httpx
import pytest

from deploy.make_secrets import make_certificate
from scripts import programs
from tests.part import Part
from tests.services import ROOT, answers, free_port, unprivileged_user

from . import compose

SERVICES = compose.read()["services"]
NGINX = SERVICES["nginx"]
VARIABLES = NGINX["environment"]


class Instance(ThreadingHTTPServer):
    """Notes what it is asked; answers with ``status``."""

    def __init__(self, status: int = 200) -> None:
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.status = status
        super().__init__(("127.0.0.1", 0), Asked)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_port}"


class Asked(BaseHTTPRequestHandler):
    server: Instance

    def do_GET(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.asked.append((self.path, headers))
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        if self.path.startswith("/hear"):
            self.send_header("X-Accel-Redirect", "/recordings/bucket/key?X-Amz-Signature=abc")
        self.end_headers()

    do_POST = do_GET  # noqa: N815 (the same)

    def log_message(self, *_: object) -> None:
        """Silent."""


@dataclass
class Served:
    url: str
    instances: tuple[Instance, Instance]
    store: Instance
    log: Path
    certificate: Path

    @property
    def asked(self) -> list[tuple[str, dict[str, str]]]:
        return [one for instance in self.instances for one in instance.asked]


@pytest.fixture
def nginx() -> Iterator[Served]:
    instances, store = (Instance(), Instance()), Instance()
    for server in (*instances, store):
        Thread(target=server.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory(prefix="voicechat-nginx-") as name:
        folder, port = Path(name), free_port()
        make_certificate(folder)
        (folder / "tls").mkdir()
        tls = (ROOT / "deploy" / "nginx-tls.conf").read_text().replace("/run/secrets", name)
        (folder / "tls" / "tls.conf").write_text(tls)
        given = {
            "VOICECHAT_LISTEN": f"127.0.0.1:{port} ssl",
            "VOICECHAT_TLS": f"{folder}/tls",
            "VOICECHAT_WEB_SERVERS": compose.servers_of_nginx(
                SERVICES, (one.address for one in instances)
            ),
            "VOICECHAT_STORE_SERVERS": f"server {store.address};",
        }
        text = (ROOT / "deploy" / "nginx.conf").read_text()
        text = compose.filled_in(text, VARIABLES | given)
        text = text.replace("127.0.0.1:8081", f"127.0.0.1:{free_port()}")
        (folder / "nginx.conf").write_text(text)
        user = unprivileged_user()
        for path in (folder, *folder.rglob("*")):
            if user is not None:
                shutil.chown(path, user)
        command = [name if part == "/tmp" else part for part in NGINX["command"][1:]]
        log = folder / "log"
        part = Part(
            "nginx",
            [programs.find("nginx"), *command],
            log,
            lambda: answers(port),
            user=user,
            stop_signal=compose.stop_signal(NGINX),
        )
        with part:
            certificate = folder / "tls_certificate"
            yield Served(f"https://127.0.0.1:{port}", instances, store, log, certificate)
    for server in (*instances, store):
        server.shutdown()
        server.server_close()


def get(nginx: Served, path: str, **headers: str) -> httpx.Response:
    trusted = ssl.create_default_context(cafile=str(nginx.certificate))
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.get(nginx.url + path, headers=names, verify=trusted)


def test_what_a_client_says_of_itself_does_not_go_on(nginx: Served) -> None:
    get(
        nginx,
        "/",
        x_forwarded_for="1.2.3.4",
        x_forwarded_host="other.example",
        x_forwarded_proto="http",
        x_real_ip="1.2.3.4",
        forwarded="for=1.2.3.4",
    )
    [(_, headers)] = nginx.asked
    assert headers["x-forwarded-for"] == "127.0.0.1"
    assert headers["x-forwarded-proto"] == "https"
    assert headers["host"] == nginx.url.removeprefix("https://")
    assert not {"x-forwarded-host", "x-real-ip", "forwarded", "upgrade"} & set(headers)


def test_a_socket_is_asked_for_as_one(nginx: Served) -> None:
    get(nginx, "/ws/voice-chat/", connection="keep-alive, Upgrade", upgrade="websocket")
    [(_, headers)] = nginx.asked
    assert headers["upgrade"] == "websocket"
    assert headers["connection"] == "upgrade"


def test_who_comes_by_plain_http_is_sent_on(nginx: Served) -> None:
    plain = httpx.get(nginx.url.replace("https", "http") + "/c/1/?page=2")
    assert plain.status_code == 308
    assert plain.headers["Location"] == nginx.url + "/c/1/?page=2"


def test_a_file_of_the_other_version_is_found_on_the_other_instance(nginx: Served) -> None:
    nginx.instances[0].status = 404
    for _ in range(4):
        assert get(nginx, "/static/site.1234.css").status_code == 200


def test_an_instance_that_goes_is_left_out(nginx: Served) -> None:
    nginx.instances[1].status = 503
    for _ in range(4):
        assert get(nginx, "/").status_code == 200


def test_what_is_sent_once_is_not_sent_twice(nginx: Served) -> None:
    for instance in nginx.instances:
        instance.status = 503
    trusted = ssl.create_default_context(cafile=str(nginx.certificate))
    answer = httpx.post(nginx.url + "/conversations/", verify=trusted)
    assert answer.status_code == 503
    assert len(nginx.asked) == 1


def test_the_store_is_told_nothing_of_the_visitor(nginx: Served) -> None:
    get(nginx, "/hear", cookie="sessionid=secret", authorization="Bearer x", range="bytes=0-1")
    [(path, headers)] = nginx.store.asked
    assert path == "/bucket/key?X-Amz-Signature=abc"
    assert headers["host"] == VARIABLES["VOICECHAT_STORE_HOST"]
    assert headers["range"] == "bytes=0-1"
    assert not {"cookie", "authorization", "referer"} & set(headers)


def test_tokens_and_signatures_are_not_logged(nginx: Served) -> None:
    get(nginx, "/ws/voicebot/token-in-the-path/?token=in-the-query")
    get(nginx, "/voicebot/twiml?token=in-the-query")
    get(nginx, "/hear?token=in-the-query")
    log = nginx.log.read_text()
    assert '"uri":"/ws/voicebot/-"' in log
    assert not re.search("in-the-path|in-the-query|Signature", log)
