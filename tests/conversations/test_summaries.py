"""What a conversation's row says of its calls and answers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from conversations.summaries import lasted_ms, p95, p95_to_answer_ms, to_answer_ms

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("timings", "ms"),
    [
        ({"first_text": 80.5, "first_audio": 310.2}, 310.2),
        ({"first_text": 80.5, "ended": 900}, 80.5),
        ({"first_audio": 0}, 0.0),
        ({"first_audio": -3.0}, 0.0),
        ({"endpoint": 300, "stored": 310}, None),
        ({"first_audio": "soon", "first_text": 5}, 5.0),
        ({"first_audio": float("nan")}, None),
        ({"first_audio": float("inf"), "first_text": 7}, 7.0),
        ({"first_audio": None}, None),
        ({}, None),
        (None, None),
        ([], None),
        ("first_audio", None),
    ],
)
def test_an_answer_begins_with_its_sound_or_else_with_its_text(timings, ms):
    assert to_answer_ms(timings) == ms


@pytest.mark.parametrize(
    ("values", "slow"),
    [
        ([], None),
        ([7.0], 7.0),
        ([9.0, 1.0], 9.0),
        (range(1, 20), 19),  # 95 % of 19 is 18.05: the next rank
        (range(1, 21), 19),
        (range(1, 101), 95),
        (range(100, 0, -1), 95),
    ],
)
def test_p95_is_one_of_the_values_by_its_rank(values, slow):
    assert p95(list(values)) == slow


def test_replies_that_were_never_begun_are_not_counted():
    assert p95_to_answer_ms([{"first_text": 100.4}, {}, None, {"ended": 9000}]) == 100
    assert p95_to_answer_ms([{}]) is None


def test_a_call_does_not_last_less_than_nothing():
    assert lasted_ms(NOON, NOON + timedelta(seconds=1.5)) == 1500
    assert lasted_ms(NOON, NOON - timedelta(seconds=1)) == 0
