"""What the operator sets, as the settings then have it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from .services import ROOT, environment_without_settings

PRINT = "import json; from voicechat import settings; print(json.dumps(settings.{name}))"
PRINT_MEDIA = """
import django; django.setup()
from conversations import media
print(media.storage().base_location)
"""
STATEMENT_TIMEOUT = """
import django; django.setup()
from django.db import connection
with connection.cursor() as cursor:
    cursor.execute("show statement_timeout")
    print(cursor.fetchone()[0])
connection.close()
"""


# When the machine of PostgreSQL is taken for gone (libpq).
VANISHES = {
    "tcp_user_timeout": 20_000,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 2,
}


def python(script: str, data_dir: Path, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env={
            **environment_without_settings(),
            "DJANGO_SETTINGS_MODULE": "voicechat.settings",
            "DJANGO_SECRET_KEY": "only-for-tests",
            "DJANGO_DEBUG": "1",
            "VOICECHAT_DATA_DIR": str(data_dir),
            **environment,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert not done.returncode, done.stderr
    return done.stdout.strip()


def setting(name: str, data_dir: Path, **environment: str) -> Any:
    return json.loads(python(PRINT.format(name=name), data_dir, **environment))


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("", []),
        (" , ", []),
        ("https://A.com/,", ["https://a.com"]),
        ("https://a.com, https://b.com", ["https://a.com", "https://b.com"]),
    ],
)
def test_origins_are_a_list_without_empty_ones(tmp_path, written, read):
    found = setting("VOICECHAT_ALLOWED_ORIGINS", tmp_path, VOICECHAT_ALLOWED_ORIGINS=written)
    assert found == read


@pytest.mark.parametrize(
    ("written", "read"),
    [({}, "always")] + [({"VOICECHAT_RECORD": mode}, mode) for mode in ("always", "ask", "never")],
)
def test_whether_sound_is_kept_is_one_of_three(tmp_path, written, read):
    assert setting("VOICECHAT_RECORD", tmp_path, **written) == read


@pytest.mark.parametrize("written", ["", "Never", "no", "0"])
def test_anything_else_about_sound_stops_the_start(tmp_path, written):
    with pytest.raises(AssertionError, match=r"VOICECHAT_RECORD.*always, ask, never"):
        setting("VOICECHAT_RECORD", tmp_path, VOICECHAT_RECORD=written)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("", []),
        (" , ", []),
        ("0123456789abcdef, other_tokens-too1", ["0123456789abcdef", "other_tokens-too1"]),
    ],
)
def test_tokens_of_telephone_services_are_a_list(tmp_path, written, read):
    name = "VOICECHAT_TELEPHONE_TOKENS"
    assert setting(name, tmp_path, **{name: written}) == read


@pytest.mark.parametrize(
    "written", ["short", "0123456789abcde/", "0123456789abcdef,x", "0123456789 abcdef"]
)
def test_a_token_that_is_easy_to_guess_or_no_part_of_an_address_stops_the_start(tmp_path, written):
    with pytest.raises(AssertionError, match="VOICECHAT_TELEPHONE_TOKENS: each token") as error:
        setting("VOICECHAT_TELEPHONE_TOKENS", tmp_path, VOICECHAT_TELEPHONE_TOKENS=written)
    assert written not in str(error.value)


def test_a_postgresql_that_hangs_is_given_up(tmp_path):
    database = setting("DATABASES", tmp_path, DATABASE_URL="postgres://h/db")["default"]
    assert database["ENGINE"] == "conversations.postgresql"
    assert database["OPTIONS"] == VANISHES | {
        "connect_timeout": 5,
        "options": "-c statement_timeout=15000",
    }


def test_what_the_address_of_the_database_says_is_kept(tmp_path):
    url = "postgres://h/db?sslmode=require&connect_timeout=9&options=-c%20search_path%3Dx"
    database = setting("DATABASES", tmp_path, DATABASE_URL=url)["default"]
    assert database["OPTIONS"] == VANISHES | {
        "sslmode": "require",
        "connect_timeout": 9,
        "options": "-c statement_timeout=15000 -c search_path=x",
    }


@pytest.mark.parametrize(
    ("more", "timeout"), [("", "15s"), ("?options=-c%20statement_timeout%3D60000", "1min")]
)
def test_postgresql_takes_the_limit_of_a_statement(tmp_path, postgres_database, more, timeout):
    assert python(STATEMENT_TIMEOUT, tmp_path, DATABASE_URL=postgres_database + more) == timeout


def test_sound_lies_beside_the_data_or_where_it_is_said(tmp_path):
    assert python(PRINT_MEDIA, tmp_path) == f"{tmp_path}/media"
    assert python(PRINT_MEDIA, tmp_path, VOICECHAT_MEDIA=f"{tmp_path}/s") == f"{tmp_path}/s"


SIGNED = """
import django; django.setup()
from django.conf import settings
from conversations import media
from voicechat.headers import CONTENT_SECURITY_POLICY
print(media.storage().url("ab/x.mp3", expire=60, http_method="GET").partition("?")[0])
print(next(part for part in CONTENT_SECURITY_POLICY.split("; ") if part.startswith("media-src")))
"""
BUCKET = {
    "VOICECHAT_MEDIA": "s3://recordings/sound?endpoint=http://store:7070",
    "VOICECHAT_MEDIA_ACCESS_KEY": "k",
    "VOICECHAT_MEDIA_SECRET_KEY": "s",
}


@pytest.mark.parametrize(
    ("more", "origin", "sources"),
    [
        ({}, "http://store:7070", "'self' blob: http://store:7070"),
        (
            {"VOICECHAT_MEDIA": "s3://recordings/sound?region=eu-west-2"},
            "https://s3.eu-west-2.amazonaws.com",
            "'self' blob: https://s3.eu-west-2.amazonaws.com",
        ),
        (
            {"VOICECHAT_MEDIA": BUCKET["VOICECHAT_MEDIA"] + "&public=https://sound.example.com"},
            "https://sound.example.com",
            "'self' blob: https://sound.example.com",
        ),
        # nginx fetches it: pages know of no store.
        ({"VOICECHAT_X_ACCEL_REDIRECT": "/recordings/"}, "http://store:7070", "'self' blob:"),
    ],
)
def test_pages_may_play_from_where_sound_is_signed_for_and_nowhere_else(
    tmp_path, more, origin, sources
):
    address, policy = python(SIGNED, tmp_path, **BUCKET | more).splitlines()
    assert address == f"{origin}/recordings/sound/ab/x.mp3"
    assert policy == f"media-src {sources}"


def test_half_a_key_of_the_store_stops_the_start(tmp_path):
    with pytest.raises(AssertionError, match="belong together"):
        setting("DEBUG", tmp_path, **BUCKET | {"VOICECHAT_MEDIA_SECRET_KEY": ""})


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("DATABASE_URL", "DATABASE_URL is no address of a database"),
        ("REDIS_URL", "REDIS_URL is no URL of a Redis"),
        ("EMAIL_URL", "EMAIL_URL is no address of a mail server"),
    ],
)
def test_an_address_that_is_none_stops_the_start_without_its_password(tmp_path, name, why):
    (tmp_path / "address").write_text("nonsense://u:hidden@h")
    with pytest.raises(AssertionError, match=why) as error:
        setting("DEBUG", tmp_path, **{f"{name}_FILE": str(tmp_path / "address")})
    assert "hidden" not in str(error.value)


def test_secrets_come_from_files(tmp_path):
    (tmp_path / "database").write_text("postgres://u:p@h:5/db\n")
    database = setting("DATABASES", tmp_path, DATABASE_URL_FILE=str(tmp_path / "database"))
    assert database["default"]["HOST"] == "h"
    (tmp_path / "tokens").write_text("0123456789abcdef,0123456789abcdeg\n")
    tokens = {"VOICECHAT_TELEPHONE_TOKENS_FILE": str(tmp_path / "tokens")}
    found = setting("VOICECHAT_TELEPHONE_TOKENS", tmp_path, **tokens)
    assert found == ["0123456789abcdef", "0123456789abcdeg"]


def test_the_recogniser_gets_what_the_operator_wrote(tmp_path):
    options = setting(
        "VOICECHAT_STT_OPTIONS",
        tmp_path,
        VOICECHAT_STT_PROCESSES="3",
        VOICECHAT_WHISPER_MODEL="tiny.en",
        VOICECHAT_STT_URL="http://localhost:8001/v1",
        VOICECHAT_STT_KEY="k",
    )
    assert options["pocketsphinx"] == {"processes": 3}
    assert options["faster-whisper"]["model"] == "tiny.en"
    assert (options["openai"]["base_url"], options["openai"]["api_key"]) == (
        "http://localhost:8001/v1",
        "k",
    )


@pytest.mark.parametrize("command", [["migrate", "--help"], ["check"]])
def test_the_command_line_says_what_is_wrong_in_a_sentence(tmp_path, command):
    done = subprocess.run(
        [sys.executable, "manage.py", *command],
        cwd=ROOT,
        env=environment_without_settings() | {"VOICECHAT_DATA_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("DJANGO_SECRET_KEY is not set.")
    assert "Traceback" not in done.stderr


LIMITS = """
import json
from voicechat import settings
print(json.dumps({
    "turns": str(settings.VOICECHAT_RATE_LIMITS["turns", "person"]),
    "sockets": settings.VOICECHAT_SOCKET_LIMITS["process"],
    "replies": settings.VOICECHAT_REPLY_LIMIT,
}))
"""


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ({}, {"turns": "240 per 1 minute", "sockets": 5000, "replies": 500}),
        (
            {
                "VOICECHAT_LIMIT_TURNS_PER_PERSON": "10 per 5 minutes",
                "VOICECHAT_LIMIT_SOCKETS_PER_PROCESS": "7",
                "VOICECHAT_LIMIT_REPLIES_PER_PROCESS": "None",
            },
            {"turns": "10 per 5 minute", "sockets": 7, "replies": None},
        ),
        (
            {
                "VOICECHAT_LIMIT_TURNS_PER_PERSON": "none",
                "VOICECHAT_LIMIT_SOCKETS_PER_PROCESS": "none",
            },
            {"turns": "None", "sockets": None, "replies": 500},
        ),
    ],
)
def test_limits_are_rates_and_numbers_or_none(tmp_path, written, read):
    assert json.loads(python(LIMITS, tmp_path, **written)) == read


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("VOICECHAT_LIMIT_TURNS_PER_PERSON", "often"),
        ("VOICECHAT_LIMIT_BYTES_PER_ADDRESS", "10"),
        ("VOICECHAT_LIMIT_SOCKETS_PER_PERSON", "0"),
        ("VOICECHAT_LIMIT_SOCKETS_PER_PROCESS", "10/minute"),
        ("VOICECHAT_LIMIT_REPLIES_PER_PROCESS", "-1"),
        ("VOICECHAT_METRICS_TOKEN", "short"),
        ("VOICECHAT_LOG_FORMAT", "xml"),
        ("VOICECHAT_TRUSTED_PROXIES", "10.0.0.0/8,nginx"),
        ("VOICECHAT_INSTANCES", "0"),
    ],
)
def test_what_is_no_value_stops_the_start_by_its_name(tmp_path, name, written):
    with pytest.raises(AssertionError, match=name):
        setting("VOICECHAT_LOG_LEVEL", tmp_path, **{name: written})
