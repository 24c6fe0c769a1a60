"""The bars of the latency waterfall."""

from __future__ import annotations

import math

import pytest

from conversations.waterfall import SCALE, Waterfall, waterfall

SPOKEN = {
    "endpoint": 400.0,
    "transcript": 120.0,
    "stored": 420.0,
    "first_text": 500.0,
    "first_sentence": 600.0,
    "first_sound": 700.0,
    "first_audio": 800.0,
    "text_end": 900.0,
    "ended": 9000.0,
}


def drawn(timings: object) -> Waterfall:
    fall = waterfall(timings)
    assert fall is not None
    return fall


def spans(timings: object) -> dict[str, tuple[int, int]]:
    return {bar.stage: (bar.start_ms, bar.end_ms) for bar in drawn(timings).bars}


def test_each_stage_starts_where_the_one_it_waited_for_ended():
    assert spans(SPOKEN) == {
        "endpoint": (0, 400),
        "transcript": (0, 120),
        "stored": (400, 420),
        "first_text": (420, 500),
        "first_sentence": (500, 600),
        "first_sound": (600, 700),
        "first_audio": (700, 800),
        "ended": (800, 9000),
    }


def test_an_answer_that_was_thought_of_beforehand_starts_at_the_transcript():
    ahead = {**SPOKEN, "first_text": 200.0, "first_sentence": 210.0, "first_sound": 260.0}
    found = spans(ahead)
    assert found["first_text"] == (120, 200)
    assert found["first_sound"] == (210, 260)
    assert found["first_audio"] == (420, 800)  # it was held until the turn was stored


@pytest.mark.parametrize("huge", [2.0**53, 1e308, math.inf, 86_400_001])
def test_what_took_longer_than_a_day_is_no_timing(huge):
    assert "ended" not in spans({**SPOKEN, "ended": huge})


def test_the_answer_is_its_first_sound_or_else_its_first_words():
    assert drawn(SPOKEN).answer_ms == 800
    assert not drawn(SPOKEN).is_text
    written = {"stored": 10.0, "first_text": 90.4, "ended": 300.0}
    assert drawn(written).answer_ms == 90
    assert drawn(written).is_text
    heard = {"transcript": 50.0, "endpoint": 210.0}
    assert drawn(heard).answer_ms is None


def test_bars_fill_the_scale_up_to_the_answer_and_the_delivery_goes_on_beyond():
    bars = {bar.stage: bar for bar in drawn(SPOKEN).bars}
    assert bars["endpoint"].x == 0
    assert bars["endpoint"].width == pytest.approx(400 / 960 * SCALE, abs=0.01)
    assert bars["ended"].is_cut
    assert bars["ended"].x + bars["ended"].width == pytest.approx(SCALE, abs=0.01)
    assert not any(bar.is_cut for stage, bar in bars.items() if stage != "ended")
    assert min(bar.x for bar in bars.values()) == 0
    assert max(bar.x + bar.width for bar in bars.values()) <= SCALE + 0.01


def test_a_stage_that_came_after_the_answer_is_in_the_scale():
    late = {"first_text": 10.0, "first_sound": 5000.0}
    assert not any(bar.is_cut for bar in drawn(late).bars)


def test_all_at_once_has_bars_without_width():
    assert [bar.width for bar in drawn({"stored": 0, "first_text": 0.0}).bars] == [0, 0]


@pytest.mark.parametrize(
    "timings",
    [None, {}, [], "text", 5, {"other": 5}, {"endpoint": None}, {"first_text": "<b>5</b>"}]
    + [{"first_text": bad} for bad in (math.nan, math.inf, -5, True, [1], {})],
)
def test_what_is_no_time_is_not_drawn(timings):
    assert waterfall(timings) is None
