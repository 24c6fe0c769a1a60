"""Whose clock a lease goes by, and when what has lapsed may be ended."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.db.models.functions import Now

from conversations import recorder
from conversations.lease import LEASE, RENEW_S, SWEEP_S, Watch, database_clock
from conversations.models import Turn

from .live_call import a_call, begin

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def test_a_holder_that_died_is_noticed_within_five_seconds() -> None:
    assert LEASE.total_seconds() + SWEEP_S < 5
    assert LEASE.total_seconds() > 3 * RENEW_S


class TestWatch:
    def test_lets_the_first_sweep_end_what_has_lapsed(self) -> None:
        assert Watch().may_end(NOON, 0.0)

    def test_lets_every_sweep_end_it_that_follows_soon(self) -> None:
        watch = Watch()
        assert all(watch.may_end(after(n), float(n)) for n in range(10))

    def test_waits_for_as_long_as_a_lease_when_the_database_was_away(self) -> None:
        watch = Watch()
        watch.may_end(NOON, 0.0)
        assert [watch.may_end(after(30 + n), 30.0 + n) for n in range(5)] == [
            False, False, False, False, True,
        ]  # fmt: skip

    def test_does_not_wait_for_ever_where_every_sweep_is_late(self) -> None:
        watch = Watch()
        watch.may_end(NOON, 0.0)
        assert [watch.may_end(after(n), float(n)) for n in (4, 8, 12)] == [False, True, True]

    @pytest.mark.parametrize("step_s", [3600.0, -3600.0, 5.0])
    def test_waits_when_the_clock_of_the_database_was_set(self, step_s: float) -> None:
        watch = Watch()
        watch.may_end(NOON, 0.0)
        assert not watch.may_end(after(1 + step_s), 1.0)
        assert not watch.may_end(after(2 + step_s), 2.0)
        assert watch.may_end(after(5 + step_s), 5.0)


@pytest.mark.django_db(transaction=True)
class TestRenewing:
    def test_many_at_once_notes_the_text_of_each(self) -> None:
        one, two = begin(a_call()).reply, begin(a_call()).reply
        Turn.objects.update(lease_until=None)
        assert recorder.renew_leases("here", {one: "One", two: "Two"}) == {one, two}
        assert {str(turn.pk): turn.text for turn in Turn.objects.filter(status="streaming")} == {
            one: "One",
            two: "Two",
        }
        assert not Turn.objects.filter(status="streaming", lease_until=None).exists()

    def test_says_which_are_not_held_any_more_and_leaves_them_alone(self) -> None:
        call = a_call()
        ended = begin(call).reply
        begin(replace(call, is_new=False))
        of_another = begin(a_call(instance="there")).reply
        assert recorder.renew_leases("here", {ended: "x", of_another: "x"}) == set()
        assert not Turn.objects.filter(text="x").exists()


@pytest.mark.django_db(transaction=True)
class TestLapsed:
    def test_is_what_ended_a_moment_ago(self, tmp_path: Path) -> None:
        reply = begin(a_call()).reply
        assert not recorder.end_expired(tmp_path)
        Turn.objects.filter(pk=reply).update(lease_until=Now() - timedelta(seconds=1))
        [(_, turn)] = recorder.end_expired(tmp_path)
        assert (turn.id, turn.status, turn.error) == (reply, "interrupted", "instance_lost")

    def test_is_what_was_dated_before_the_clock_was_set_back(self, tmp_path: Path) -> None:
        reply = begin(a_call()).reply
        Turn.objects.filter(pk=reply).update(lease_until=Now() + timedelta(hours=1))
        assert recorder.end_expired(tmp_path)

    def test_is_never_what_is_surely_held(self, tmp_path: Path) -> None:
        reply = begin(a_call()).reply
        Turn.objects.filter(pk=reply).update(lease_until=Now() - timedelta(hours=1))
        assert not recorder.end_expired(tmp_path, [reply])
        assert recorder.end_expired(tmp_path, [])

    def test_the_clock_of_the_database_is_that_of_the_leases(self) -> None:
        reply = begin(a_call()).reply
        until = Turn.objects.get(pk=reply).lease_until
        assert until is not None
        left = until - database_clock()
        assert timedelta(0) < left <= LEASE
