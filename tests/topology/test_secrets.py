"""The secrets that a deployment begins with."""

from __future__ import annotations

import ssl
import stat
from pathlib import Path

from deploy.make_secrets import make_certificate, make_secrets


def test_they_are_made_once_and_fit_together(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    made = make_secrets(folder)
    contents = {name: (folder / name).read_text() for name in made}
    assert contents["postgres_password"] in contents["database_url"]
    assert len(contents["secret_key"]) >= 50
    assert len(set(contents.values())) == len(contents)

    assert make_secrets(folder) == []
    assert {name: (folder / name).read_text() for name in made} == contents


def test_a_password_that_was_chosen_is_the_one_in_the_address(tmp_path: Path) -> None:
    (tmp_path / "postgres_password").write_text("chosen")
    make_secrets(tmp_path)
    assert ":chosen@postgres:5432/" in (tmp_path / "database_url").read_text()


def test_containers_can_read_them_and_nobody_else_gets_there(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    make_secrets(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert all(stat.S_IMODE(file.stat().st_mode) == 0o444 for file in folder.iterdir())


def test_the_first_certificate_can_be_served(tmp_path: Path) -> None:
    make_certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "tls_certificate", tmp_path / "tls_key")
