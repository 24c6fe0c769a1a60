"""``make run`` on a machine of one's own: the first time, the next time, and when it cannot be."""

from __future__ import annotations

import re
import socket
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from urllib.request import urlopen

import pytest
import websockets
import websockets.sync.client
from django.contrib.auth.hashers import Argon2PasswordHasher

from accounts.models import User
from voicechat.first_start import make_administrator

from .services import (
    ROOT,
    VoicechatServer,
    environment_without_settings,
    free_port,
    voicechat_server,
)

StartServer = Callable[..., VoicechatServer]


def rows(server: VoicechatServer, query: str) -> list[tuple]:
    with closing(sqlite3.connect(server.data_dir / "db.sqlite3")) as database:
        found = database.execute(query).fetchall()
        database.commit()
    return found


def run(data_dir: Path, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """One command with the data in ``data_dir``, and what it says, both streams together."""
    return subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env={**environment_without_settings(), "VOICECHAT_DATA_DIR": str(data_dir), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def start(data_dir: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """A start that is to fail."""
    return run(data_dir, "-m", "voicechat.start", "--port", str(free_port()), **environment)


def test_the_first_start_makes_settings_demo_and_administrator(start_server: StartServer):
    server = start_server()
    settings = server.data_dir / ".env"
    assert "DJANGO_DEBUG=1" in settings.read_text()
    assert len(re.search(r"DJANGO_SECRET_KEY=(.+)", settings.read_text())[1]) >= 50
    assert rows(server, "select username, is_superuser from accounts_user") == [("admin", 1)]
    assert rows(server, "select count(*) > 0 from listings_listing") == [(1,)]


def test_nobody_else_on_the_machine_may_read_the_data(start_server: StartServer):
    server = start_server()
    assert stat.S_IMODE(server.data_dir.stat().st_mode) == 0o700
    for name in (".env", "db.sqlite3"):
        assert stat.S_IMODE((server.data_dir / name).stat().st_mode) == 0o600


def test_a_password_is_made_and_shown_once(tmp_path):
    environment = {"DJANGO_SUPERUSER_PASSWORD": ""}
    with voicechat_server(tmp_path, environment) as server:
        shown = re.search(r"as admin, password (\S+) \(shown only now\)", server.log.read_text())
        assert shown is not None
        ((kept,),) = rows(server, "select password from accounts_user")
        assert Argon2PasswordHasher().verify(shown[1], kept)
    with voicechat_server(tmp_path, environment) as server:
        assert "shown only now" not in server.log.read_text()
        assert "changepassword admin" in server.log.read_text()


def test_a_chosen_password_is_not_shown(start_server: StartServer):
    server = start_server(DJANGO_SUPERUSER_PASSWORD="correct horse")
    ((kept,),) = rows(server, "select password from accounts_user")
    assert Argon2PasswordHasher().verify("correct horse", kept)
    assert "correct horse" not in server.log.read_text()


def test_the_second_start_is_quick_and_leaves_all_as_it_is(tmp_path):
    with voicechat_server(tmp_path) as server:
        settings = (server.data_dir / ".env").read_text()
        rows(server, "delete from listings_listing")
    began = time.monotonic()
    with voicechat_server(tmp_path) as server:
        assert time.monotonic() - began < 5
        assert (server.data_dir / ".env").read_text() == settings
        assert rows(server, "select count(*) from listings_listing") == [(0,)]
        assert rows(server, "select count(*) from accounts_user") == [(1,)]


@pytest.mark.parametrize("done", [[], ["migrate accounts"], ["migrate"], ["migrate", "load_demo"]])
def test_a_first_start_that_was_cut_off_is_finished_by_the_next(tmp_path, done):
    data_dir = tmp_path / "data"
    data_dir.mkdir()
    (data_dir / ".env").write_text(f"DJANGO_DEBUG=1\nDJANGO_SECRET_KEY={'k' * 50}\n")
    for step in done:
        assert not run(data_dir, "manage.py", *step.split()).returncode
    with voicechat_server(tmp_path) as server:
        assert rows(server, "select username from accounts_user") == [("admin",)]
        assert rows(server, "select count(*) > 0 from listings_listing") == [(1,)]


@pytest.mark.django_db
def test_whoever_has_signed_up_as_admin_does_not_become_one(monkeypatch):
    monkeypatch.delenv("DJANGO_SUPERUSER_PASSWORD", raising=False)
    visitor = User.objects.create_user("admin")

    login = make_administrator()

    visitor.refresh_from_db()
    assert not visitor.is_superuser
    assert re.fullmatch("admin-[0-9a-f]{4}", login.username)
    assert User.objects.get(username=login.username).check_password(login.password)


def test_a_port_in_use_is_told_before_anything_is_made(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = run(tmp_path / "data", "-m", "voicechat.start", "--port", str(port))
    assert done.returncode == 1
    assert done.stdout == (
        f"Port {port} is in use by another program, perhaps another voicechat. "
        f"Choose another: make run PORT={port + 1}\n"
    )
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("port", ["0", "65536", "http"])
def test_what_is_no_port_is_told(tmp_path, port):
    done = run(tmp_path, "-m", "voicechat.start", "--port", port)
    assert done.returncode == 2
    assert "--port" in done.stdout
    assert "Traceback" not in done.stdout


def test_a_data_directory_that_cannot_be_used_is_told(tmp_path):
    (tmp_path / "file").touch()
    done = start(tmp_path / "file" / "data")
    assert done.returncode == 1
    assert done.stdout == (
        f"The data directory {tmp_path}/file/data cannot be used: Not a directory.\n"
    )


def test_a_wrong_setting_is_told(tmp_path):
    done = start(tmp_path, VOICECHAT_AUDIO_LEAD_MS="1")
    assert done.returncode == 1
    assert done.stdout.startswith("A setting is wrong: ")
    assert "VOICECHAT_AUDIO_LEAD_MS" in done.stdout
    assert "Traceback" not in done.stdout


def test_a_database_that_does_not_answer_is_told(tmp_path):
    done = start(tmp_path, DATABASE_URL=f"postgres://127.0.0.1:{free_port()}/nothing")
    assert done.returncode == 1
    assert done.stdout.startswith("The database cannot be used: ")
    assert "Traceback" not in done.stdout


def test_a_start_that_fails_is_not_served(tmp_path):
    data_dir = tmp_path / "data"
    data_dir.mkdir()
    (data_dir / "spool").touch()  # where a directory is to be
    done = start(data_dir)
    assert done.returncode
    assert "FileExistsError" in done.stdout


async def test_the_server_cuts_off_what_is_far_too_large(live_server_process: VoicechatServer):
    async with websockets.connect(live_server_process.socket_url) as person:
        await person.send(b"0" * (1024 * 1024 + 1))
        await person.wait_closed()
        assert person.close_code == 1009


def test_addresses_with_their_tokens_are_not_logged(live_server_process: VoicechatServer):
    with websockets.sync.client.connect(live_server_process.socket_url + "?token=secret"):
        pass
    with urlopen(live_server_process.url + "/?token=secret"):
        pass
    assert "secret" not in live_server_process.log.read_text()
