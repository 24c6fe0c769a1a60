"""How long things are kept, as the operator sets it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from conversations.retention.ages import Kind, days_kept, is_anything_purged
from conversations.retention.checks import text_outlives_sound
from tests.services import ROOT, environment_without_settings

PRINT = """
from voicechat import settings
print(settings.VOICECHAT_KEEP_SOUND_DAYS, settings.VOICECHAT_KEEP_TEXT_DAYS)
"""


def settings_with(tmp_path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PRINT],
        cwd=ROOT,
        env={
            **environment_without_settings(),
            "DJANGO_SECRET_KEY": "only-for-tests",
            "DJANGO_DEBUG": "1",
            "VOICECHAT_DATA_DIR": str(tmp_path),
            **environment,
        },
        capture_output=True,
        text=True,
        check=False,
    )


def test_days_are_read_from_the_environment(tmp_path):
    done = settings_with(tmp_path, VOICECHAT_KEEP_SOUND_DAYS="30")
    assert done.stdout == "30 None\n"


@pytest.mark.parametrize("nonsense", ["0", "-5", "1.5", "month", "36501"])
def test_nonsense_stops_the_start_with_the_name_of_the_setting(tmp_path, nonsense):
    done = settings_with(tmp_path, VOICECHAT_KEEP_TEXT_DAYS=nonsense)
    assert done.returncode
    assert "VOICECHAT_KEEP_TEXT_DAYS" in done.stderr.splitlines()[-1]


def test_unset_is_for_ever():
    assert [days_kept(kind) for kind in Kind] == [None, None]
    assert not is_anything_purged()


@pytest.mark.parametrize(
    ("sound", "text", "warns"),
    [
        (None, None, False),
        (30, None, False),
        (30, 30, False),
        (30, 90, False),
        (90, 30, True),
        (None, 30, True),
    ],
)
def test_text_that_goes_before_its_sound_is_warned_of(settings, sound, text, warns):
    settings.VOICECHAT_KEEP_SOUND_DAYS, settings.VOICECHAT_KEEP_TEXT_DAYS = sound, text
    assert [found.id for found in text_outlives_sound()] == ["conversations.W001"] * warns
