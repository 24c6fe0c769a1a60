"""Database work has few threads, and connections only while there is something to do."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from concurrent.futures import Future, wait

import pytest

from conversations.database_threads import DatabaseThreads
from tests.services import ROOT, environment_without_settings

DEADLINE_S = 10


def nothing() -> None:
    """To rest is to do so."""


def test_a_job_gives_its_result_or_its_error() -> None:
    threads = DatabaseThreads(2, None, nothing)
    assert threads.submit(pow, 2, 5).result(DEADLINE_S) == 32
    with pytest.raises(ZeroDivisionError):
        threads.submit(divmod, 1, 0).result(DEADLINE_S)
    assert threads.submit(pow, 2, 6).result(DEADLINE_S) == 64


def test_there_are_no_more_than_were_asked_for_and_the_others_wait_in_order() -> None:
    threads = DatabaseThreads(2, None, nothing)
    together = threading.Barrier(3)
    done: list[int] = []

    def meet() -> str:
        together.wait(DEADLINE_S)
        return threading.current_thread().name

    busy = [threads.submit(meet) for _ in range(2)]
    later = [threads.submit(done.append, number) for number in range(10)]
    assert not any(job.done() for job in later)
    together.wait(DEADLINE_S)
    assert len({job.result(DEADLINE_S) for job in busy}) == 2
    wait(later, DEADLINE_S)
    assert sorted(done) == list(range(10))


def test_the_one_that_worked_last_works_next() -> None:
    threads = DatabaseThreads(4, None, nothing)
    together = threading.Barrier(4)
    wait([threads.submit(together.wait, DEADLINE_S) for _ in range(4)], DEADLINE_S)
    until_all_are_idle(threads)
    names = set()
    for _ in range(20):
        job: Future[str] = threads.submit(lambda: threading.current_thread().name)
        names.add(job.result(DEADLINE_S))
        until_all_are_idle(threads)
    assert len(names) == 1


def until_all_are_idle(threads: DatabaseThreads) -> None:
    """A result is there a moment before its thread is free."""
    with threads._changed:
        assert threads._changed.wait_for(lambda: len(threads._idle) == threads._started, DEADLINE_S)


def test_who_has_nothing_to_do_rests_once_in_its_own_thread() -> None:
    rested: list[int] = []
    is_resting = threading.Event()

    def rest() -> None:
        rested.append(threading.get_ident())
        is_resting.set()

    threads = DatabaseThreads(1, 0.05, rest)
    worked = threads.submit(threading.get_ident).result(DEADLINE_S)
    assert is_resting.wait(DEADLINE_S)
    time.sleep(0.2)
    assert rested == [worked]
    assert threads.submit(threading.get_ident).result(DEADLINE_S) == worked


def test_a_job_that_was_given_up_before_its_turn_is_not_done() -> None:
    threads = DatabaseThreads(1, None, nothing)
    go_on = threading.Event()
    busy = threads.submit(go_on.wait, DEADLINE_S)
    done: list[int] = []
    given_up, wanted = threads.submit(done.append, 1), threads.submit(done.append, 2)
    assert given_up.cancel()
    go_on.set()
    wait([busy, wanted], DEADLINE_S)
    assert done == [2]


ON_POSTGRESQL = """
import asyncio, os, signal, time
import django; django.setup()
import psycopg
from django.db import connection
from conversations.database import KEEP_S, POOL, in_database

def backend():
    with connection.cursor() as cursor:
        cursor.execute("select pg_backend_pid()")
        return cursor.fetchone()[0]

def held():
    with psycopg.connect(os.environ["DATABASE_URL"]) as own:
        query = "select pid from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
        return {pid for [pid] in own.execute(query)}

async def main():
    used = set()
    for _ in range(20):
        used.add(await in_database(backend))
        await asyncio.sleep(0.01)
    assert len(used) == 1, used
    assert held() == used
    # As after a restart of the server: whoever comes next does not notice.
    with psycopg.connect(os.environ["DATABASE_URL"]) as own:
        own.execute("select pg_terminate_backend(%s)", list(used))
    assert await in_database(backend) not in used
    give_up = time.monotonic() + 20 * KEEP_S
    while held():
        assert time.monotonic() < give_up
        await asyncio.sleep(0.05)
    print("kept, and let go")

asyncio.run(main())
"""


def test_on_postgresql_a_connection_is_kept_under_load_and_none_when_all_is_quiet(
    postgres_database: str,
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", ON_POSTGRESQL],
        cwd=ROOT,
        env={
            **environment_without_settings(),
            "DATABASE_URL": postgres_database,
            "DJANGO_SETTINGS_MODULE": "tests.settings",
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout == "kept, and let go\n", done.stderr
