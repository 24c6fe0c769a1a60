"""A PostgreSQL that hangs: whoever waits for it gives up, and whoever comes later does not wait."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

import dj_database_url
import pytest
from django.db import OperationalError
from django.db.utils import ConnectionHandler
from psycopg import InterfaceError

from conversations.postgresql.patience import Unanswered, is_unanswered, patience

PATIENCE_S = 0.3


@pytest.fixture
def connection(postgres_database, django_db_blocker):
    found = dj_database_url.parse(postgres_database, engine="conversations.postgresql")
    made = ConnectionHandler({"default": found})["default"]
    with django_db_blocker.unblock():
        with made.cursor() as cursor:
            cursor.execute("create table said (words text)")
        yield made
        made.close()


@pytest.fixture
def impatient() -> Iterator[None]:
    patience.seconds = PATIENCE_S
    yield
    patience.seconds = None


@contextmanager
def hanging(connection) -> Iterator[None]:
    """The server's process of this connection is stopped, and goes on at the end."""
    pid = connection.connection.info.backend_pid
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def said(connection) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("select words from said")
        return [words for (words,) in cursor.fetchall()]


@pytest.mark.usefixtures("impatient")
def test_what_is_not_answered_in_time_fails(connection):
    with hanging(connection), pytest.raises(OperationalError) as failed:
        said(connection)
    assert is_unanswered(failed.value)


@pytest.mark.usefixtures("impatient")
def test_what_was_begun_is_undone_and_the_next_one_connects_anew(connection):
    began = time.monotonic()
    connection.set_autocommit(False)
    with connection.cursor() as cursor:
        cursor.execute("insert into said values ('one')")
        with hanging(connection), pytest.raises(OperationalError):
            cursor.execute("insert into said values ('two')")
    connection.close()
    assert time.monotonic() - began < 10 * PATIENCE_S
    assert said(connection) == []


@pytest.mark.usefixtures("impatient")
def test_a_kept_connection_that_is_silent_is_told_and_no_other_is_waited_for(connection):
    connection.health_check_enabled, connection.health_check_done = True, False
    with hanging(connection), pytest.raises(OperationalError) as failed:
        said(connection)
    assert is_unanswered(failed.value)


@pytest.mark.usefixtures("impatient")
def test_a_kept_connection_that_was_cut_is_replaced(connection):
    os.kill(connection.connection.info.backend_pid, signal.SIGTERM)
    connection.health_check_enabled, connection.health_check_done = True, False
    assert said(connection) == []


def test_whoever_has_the_time_waits(connection):
    with connection.cursor() as cursor:
        cursor.execute("select pg_sleep(%s)", [2 * PATIENCE_S])
        assert cursor.fetchone() is not None


@pytest.mark.usefixtures("impatient")
def test_an_answer_that_is_an_error_is_an_answer(connection):
    with pytest.raises(Exception, match="nowhere") as failed, connection.cursor() as cursor:
        cursor.execute("select * from nowhere")
    assert not is_unanswered(failed.value)


def test_what_failed_because_of_a_silence_comes_of_it_too():
    """As the end of a transaction, whose connection has been closed."""
    failed = OperationalError("the connection is closed")
    failed.__cause__, failed.__context__ = InterfaceError(), Unanswered()
    assert is_unanswered(failed)
    failed.__context__ = None
    assert not is_unanswered(failed)
    assert not is_unanswered(None)
