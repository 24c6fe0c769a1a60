"""What is erased is not in the store any more: every byte of it is looked at.

SQLite's database with its log, the recordings, the spool; of PostgreSQL all rows of all tables.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from tests.services import ROOT, environment_without_settings

pytestmark = pytest.mark.timeout(180)


def scenario(way: str, data_dir: Any, **environment: str) -> dict[str, Any]:
    """Where things are found before and after; see ``scenario.py``."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.conversations.retention.scenario", way],
        cwd=ROOT,
        env={
            **environment_without_settings(),
            "DJANGO_SETTINGS_MODULE": "voicechat.settings",
            "DJANGO_SECRET_KEY": "only-for-tests",
            "DJANGO_ALLOWED_HOSTS": "testserver",
            "DJANGO_DEBUG": "1",
            "VOICECHAT_DATA_DIR": str(data_dir),
            "VOICECHAT_TTS": "espeak",
            **environment,
        },
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert not done.returncode, done.stderr[-3000:]
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


@pytest.mark.parametrize("way", ["command", "vacuum", "themselves"])
def test_on_sqlite_nothing_is_left_of_who_is_erased(way, tmp_path):
    told = scenario(way, tmp_path)
    before = told["before"]
    assert any(name.startswith("db.sqlite3") for name in before["word"])
    assert {name.partition("/")[0] for name in before["sound"]} == {"media", "spool"}
    assert any(name.startswith("media/") for name in before["ids"])
    assert told["after"] == {}
    assert told["stays"] == {"conversations": 38, "own": 0, "sounds": 380}


def test_on_sqlite_staff_who_delete_leave_the_id_in_their_log_and_no_word(tmp_path):
    told = scenario("staff", tmp_path)
    assert told["after"].keys() == {"ids"}
    assert told["stays"] == {"conversations": 38, "own": 0, "sounds": 380}


def test_on_sqlite_age_takes_words_and_sound_and_leaves_rows(tmp_path):
    told = scenario("age", tmp_path)
    assert told["after"].keys() == {"ids"}
    assert told["stays"] == {"conversations": 38, "own": 2, "sounds": 380}


@pytest.mark.parametrize("way", ["vacuum", "themselves"])
def test_on_postgresql_no_row_is_left_of_who_is_erased(way, tmp_path, postgres_database):
    told = scenario(way, tmp_path, DATABASE_URL=postgres_database)
    assert {"conversations_turn", "conversations_turnwords"} <= set(told["before"]["word"])
    assert "conversations_audiosegment" in told["before"]["ids"]
    assert told["after"] == {}
    assert told["stays"] == {"conversations": 38, "own": 0, "sounds": 380}


def test_on_postgresql_age_takes_words_and_sound_and_leaves_rows(tmp_path, postgres_database):
    told = scenario("age", tmp_path, DATABASE_URL=postgres_database)
    assert told["after"].keys() == {"ids"}
    assert not any("/" in name for name in told["after"]["ids"])
    assert told["stays"] == {"conversations": 38, "own": 2, "sounds": 380}
