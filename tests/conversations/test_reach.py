"""A database that does not answer is waited for by nobody but a probe."""

from __future__ import annotations

import threading
import time

import pytest
from django.db import OperationalError
from psycopg.errors import ConnectionTimeout

from conversations import reach as reach_module
from conversations.postgresql.patience import Unanswered
from conversations.reach import Reach

DEADLINE_S = 10


class Database:
    """Stands for calls into the database; counts them. Its probe hangs until it is released."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.asked = 0
        self.probed = 0
        self.probe_errors: list[Exception] = []
        self.is_probed = threading.Semaphore(0)
        self.answers = threading.Event()

    def __call__(self) -> str:
        self.asked += 1
        if self.error is not None:
            raise OperationalError from self.error
        return "ok"

    def probe(self) -> None:
        self.probed += 1
        self.is_probed.release()
        if self.probe_errors:
            raise OperationalError from self.probe_errors.pop()
        assert self.answers.wait(DEADLINE_S)


@pytest.fixture(autouse=True)
def _in_haste(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reach_module, "AGAIN_S", 0.01)


def silent(database: Database, reach: Reach, error: Exception | None = None) -> None:
    """Somebody has met with its silence."""
    database.error = error or Unanswered()
    with pytest.raises(OperationalError):
        reach.run(database)
    database.error = None


def wait_until_back(database: Database, reach: Reach) -> None:
    give_up = time.monotonic() + DEADLINE_S
    while True:
        try:
            assert reach.run(database) == "ok"
        except OperationalError:
            assert time.monotonic() < give_up
            time.sleep(0.01)
        else:
            return


@pytest.mark.parametrize("error", [Unanswered(), ConnectionTimeout()])
def test_while_it_is_silent_all_fail_at_once_and_nothing_is_asked_of_it(error: Exception) -> None:
    database = Database()
    reach = Reach(database.probe)
    silent(database, reach, error)
    for _ in range(3):
        with pytest.raises(OperationalError, match="does not answer"):
            reach.run(database)
    assert database.asked == 1
    assert database.is_probed.acquire(timeout=DEADLINE_S)
    assert database.probed == 1
    database.answers.set()
    wait_until_back(database, reach)


def test_probes_that_are_not_answered_go_on() -> None:
    database = Database()
    reach = Reach(database.probe)
    database.probe_errors = [Unanswered(), Unanswered()]
    silent(database, reach)
    for _ in range(3):
        assert database.is_probed.acquire(timeout=DEADLINE_S)
    with pytest.raises(OperationalError, match="does not answer"):
        reach.run(database)
    database.answers.set()
    wait_until_back(database, reach)
    assert database.probed == 3


def test_one_that_refuses_the_probe_tells_whoever_asks() -> None:
    database = Database()
    reach = Reach(database.probe)
    database.probe_errors = [ConnectionRefusedError()]
    silent(database, reach)
    wait_until_back(database, reach)


def test_one_that_answers_others_is_asked_again_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who waits too long for a lock, say, is not answered, and nobody else is to blame."""
    monkeypatch.setattr(reach_module, "AGAIN_S", 10 * DEADLINE_S)
    database = Database()
    database.answers.set()
    reach = Reach(database.probe)
    silent(database, reach)
    wait_until_back(database, reach)
    assert database.probed == 1


def test_who_met_with_a_silence_that_is_over_does_not_begin_another() -> None:
    database = Database()
    database.answers.set()
    reach = Reach(database.probe)

    def long() -> None:
        silent(database, reach)
        wait_until_back(database, reach)
        raise OperationalError from Unanswered()

    with pytest.raises(OperationalError):
        reach.run(long)
    assert reach.run(database) == "ok"


def test_where_no_probe_can_be_started_everybody_waits_for_themselves(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def start(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)
    database = Database()
    reach = Reach(database.probe)
    database.error = Unanswered()
    with pytest.raises(RuntimeError):
        reach.run(database)
    database.error = None
    assert reach.run(database) == "ok"


def test_one_that_refuses_answers() -> None:
    database = Database()
    reach = Reach(database.probe)
    database.error = ConnectionRefusedError()
    for _ in range(2):
        with pytest.raises(OperationalError):
            reach.run(database)
    assert database.asked == 2
    assert database.probed == 0
