"""What a deployment runs once, before its instances: ``python -m voicechat.prepare``."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import boto3

from .services import ROOT, environment_without_settings, free_port

MEDIA = "s3://prepared/sound?endpoint="


def prepare(data_dir: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "voicechat.prepare"],
        cwd=ROOT,
        env={
            **environment_without_settings(),
            "DJANGO_SECRET_KEY": "only-for-tests",
            "DJANGO_ALLOWED_HOSTS": "localhost",
            "VOICECHAT_DATA_DIR": str(data_dir),
            **environment,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def keys() -> dict[str, str]:
    return {"VOICECHAT_MEDIA_ACCESS_KEY": "key", "VOICECHAT_MEDIA_SECRET_KEY": "secret"}


def test_it_makes_tables_administrator_and_bucket_and_can_be_run_again(
    tmp_path: Path, object_store: str
) -> None:
    (tmp_path / "password").write_text("from a file\n")
    told = {
        "DJANGO_SUPERUSER_PASSWORD_FILE": str(tmp_path / "password"),
        "VOICECHAT_MEDIA": MEDIA + object_store,
        **keys(),
    }
    for _ in range(2):
        done = prepare(tmp_path, **told)
        assert not done.returncode, done.stdout
        assert "from a file" not in done.stdout
    with closing(sqlite3.connect(tmp_path / "db.sqlite3")) as database:
        users = database.execute("select username, is_superuser from accounts_user").fetchall()
    assert users == [("admin", 1)]
    store = boto3.client(
        "s3",
        endpoint_url=object_store,
        aws_access_key_id="key",
        aws_secret_access_key="secret",
        region_name="us-east-1",
    )
    assert "prepared" in [bucket["Name"] for bucket in store.list_buckets()["Buckets"]]


def test_without_a_password_it_says_how_to_set_one_and_shows_none(tmp_path: Path) -> None:
    done = prepare(tmp_path)
    assert done.returncode == 1
    assert "manage.py changepassword" in done.stdout
    assert not prepare(tmp_path).returncode  # the administrator is there


def test_a_store_that_is_away_is_told(tmp_path: Path) -> None:
    away = f"{MEDIA}http://127.0.0.1:{free_port()}"
    done = prepare(tmp_path, VOICECHAT_MEDIA=away, DJANGO_SUPERUSER_PASSWORD="chosen", **keys())
    assert done.returncode == 1
    assert "The store of recordings cannot be used: " in done.stdout
    assert "Traceback" not in done.stdout


def test_a_database_that_is_away_is_told(tmp_path: Path) -> None:
    done = prepare(tmp_path, DATABASE_URL=f"postgres://u:hidden@127.0.0.1:{free_port()}/db")
    assert done.returncode == 1
    assert done.stdout.startswith("The database cannot be used: ")
    assert "hidden" not in done.stdout
    assert "Traceback" not in done.stdout


def test_a_secret_that_is_missing_is_told(tmp_path: Path) -> None:
    done = prepare(tmp_path, DATABASE_URL_FILE=str(tmp_path / "nothing"))
    assert done.returncode == 1
    assert done.stdout.startswith("A setting is wrong: DATABASE_URL_FILE: ")
    assert "Traceback" not in done.stdout


def test_settings_that_do_not_fit_together_are_refused_before_anything_is_made(
    tmp_path: Path,
) -> None:
    done = prepare(tmp_path, VOICECHAT_INSTANCES="2")
    assert done.returncode == 1
    assert done.stdout.startswith("A setting is wrong: ")
    assert "Set REDIS_URL" in done.stdout
    assert not (tmp_path / "db.sqlite3").exists()
