"""How far an export is: told to the one who began it, not too often."""

from __future__ import annotations

import json

import pytest
from django.core.cache import cache

from conversations.export.files import Problem, Report
from conversations.export.formats import TEXT
from conversations.export.progress import EVERY_S, Teller, progress_of
from conversations.export.streaming import End

TOKEN = "a" * 22


@pytest.fixture(autouse=True)
def _empty_cache():
    cache.clear()
    yield
    cache.clear()


def told(user=1, token=TOKEN):
    stored = progress_of(user, token)
    return None if stored is None else json.loads(stored)


def report(steps: int) -> Report:
    return Report(5, TEXT, steps=steps)


def test_steps_and_the_end_are_told():
    now = [100.0]
    teller = Teller(1, TOKEN, lambda: now[0])
    teller.step(report(0))
    assert told() == {"steps": 0, "all_steps": 10, "state": "running", "problems": 0}
    now[0] += EVERY_S
    teller.step(report(4))
    assert told()["steps"] == 4
    teller.end(End.FINISHED)
    assert told() == {"steps": 4, "all_steps": 10, "state": "finished", "problems": 0}


def test_many_steps_in_a_moment_are_told_once():
    teller = Teller(1, TOKEN, lambda: 100.0)
    for steps in range(5):
        teller.step(report(steps))
    assert told()["steps"] == 0
    teller.end(End.LEFT)
    assert told() == {"steps": 4, "all_steps": 10, "state": "left", "problems": 0}


def test_problems_are_counted(db):
    one = report(1)
    one.note(Problem("missing", None))
    one.unlisted_problems = 2
    Teller(1, TOKEN).step(one)
    assert told()["problems"] == 3


def test_a_cache_that_is_down_does_not_end_the_export(monkeypatch, caplog):
    def fail(*_args):
        raise ConnectionError("no Redis")

    monkeypatch.setattr(cache, "set", fail)
    teller = Teller(1, TOKEN)
    teller.step(report(0))
    teller.end(End.FINISHED)
    assert caplog.messages == ["the progress of an export cannot be told: ConnectionError"] * 2


def test_nobody_else_is_told():
    Teller(1, TOKEN).step(report(0))
    assert told(user=2) is None
    assert told(token="b" * 22) is None


@pytest.mark.parametrize("token", ["", "short", "x" * 65, "a b" * 8, "../" * 8, "é" * 22])
def test_a_token_that_no_page_makes_is_told_nothing(token):
    Teller(1, token).step(report(0))
    assert told(token=token) is None
