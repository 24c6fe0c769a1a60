"""``manage.py purge``."""

from __future__ import annotations

import os
import signal
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from conversations import media
from conversations.management.commands import purge as command
from conversations.retention import scrubbing
from conversations.retention.purging import purge

from .aged import aged_conversation, segments_of, turns_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def scrubbed(monkeypatch) -> list[str]:
    """Scrubbing is not for the inside of a transaction, in which tests are: ``test_scan.py`` does it."""
    done: list[str] = []
    monkeypatch.setattr(scrubbing, "scrub", lambda: done.append("scrub"))
    monkeypatch.setattr(scrubbing, "rewrite", lambda: done.append("rewrite"))
    return done


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("purge", *arguments, stdout=out, stderr=StringIO())
    return out.getvalue()


def test_where_everything_is_kept_for_ever_it_says_so(scrubbed):
    aged_conversation(9999)
    with pytest.raises(CommandError, match="kept for ever"):
        run()
    assert scrubbed == []


def test_it_goes_by_the_settings(settings, scrubbed, django_capture_on_commit_callbacks):
    settings.VOICECHAT_KEEP_SOUND_DAYS, settings.VOICECHAT_KEEP_TEXT_DAYS = 30, 90
    old, older = aged_conversation(31), aged_conversation(91)
    keys = [segment.key for one in (old, older) for segment in segments_of(one)]
    with django_capture_on_commit_callbacks(execute=True):
        told = run()
    assert told.splitlines() == [
        "Deleted the sound of 2 conversations (4 turns, 4 segments, 40 bytes) after 30 days.",
        "Deleted the text of 1 conversation (2 turns) after 90 days.",
    ]
    assert not any(media.storage().exists(key) for key in keys)
    assert (bool(turns_of(old)[0].text), bool(turns_of(older)[0].text)) == (True, False)
    assert scrubbed == ["scrub"]


def test_days_that_are_given_win_over_the_settings(settings):
    settings.VOICECHAT_KEEP_SOUND_DAYS = 30
    conversation = aged_conversation(31)
    assert "sound of 0 conversations" in run("--sound-days", "60")
    assert "text of 1 conversation " in run("--sound-days", "60", "--text-days", "1")
    assert len(segments_of(conversation)) == 2


def test_a_dry_run_tells_the_same_and_deletes_nothing(scrubbed):
    conversation = aged_conversation(31)
    held = aged_conversation(31, legal_hold=True)
    arguments = ("--sound-days", "30", "--text-days", "30")
    would = run(*arguments, "--dry-run")
    assert "Would delete the sound of 1 conversation (2 turns, 2 segments, 20 bytes)" in would
    assert "1 conversation on legal hold: kept." in would
    assert len(segments_of(conversation)) == 2
    assert turns_of(conversation)[0].text
    assert scrubbed == []
    assert run(*arguments) == would.replace("Would delete", "Deleted")
    assert len(segments_of(held)) == 2


@pytest.mark.parametrize(
    "wrong",
    [
        ("--sound-days", "0"),
        ("--sound-days", "-1"),
        ("--text-days", "1.5"),
        ("--text-days", "soon"),
        ("--text-days", "99999999999999999999"),
        ("--text-days", "٣"),
        ("--batch", "0"),
        ("--batch", "1001"),
    ],
)
def test_nonsense_is_refused(wrong):
    with pytest.raises(CommandError, match="is no number of"):
        run(*wrong)


def test_ctrl_c_stops_between_two_batches_and_the_command_goes_on_later(monkeypatch, scrubbed):
    kept = [aged_conversation(days) for days in (40, 41, 42)]

    def purge_and_press(*args: Any, **how: Any):
        for batch in purge(*args, **how):
            os.kill(os.getpid(), signal.SIGINT)
            yield batch

    monkeypatch.setattr(command, "purge", purge_and_press)
    with pytest.raises(CommandError, match="Give the command again") as stopped:
        run("--text-days", "30", "--sound-days", "30", "--batch", "1", "--vacuum")
    assert stopped.value.returncode == 130
    assert scrubbed == ["scrub"]
    assert [len(segments_of(one)) for one in kept] == [2, 2, 0]
    assert all(turns_of(one)[0].text for one in kept)
    monkeypatch.setattr(command, "purge", purge)
    assert "sound of 2 conversations" in run("--text-days", "30", "--sound-days", "30")
    assert not any(segments_of(one) or turns_of(one)[0].text for one in kept)


def test_the_usual_ctrl_c_is_back_afterwards():
    before = signal.getsignal(signal.SIGINT)
    run("--text-days", "30")
    assert signal.getsignal(signal.SIGINT) is before


def test_vacuum_writes_everything_anew(scrubbed):
    run("--text-days", "30", "--vacuum")
    assert scrubbed == ["rewrite"]
