"""When sound leaves, what of it was heard, and what is taken back. Times in seconds, lengths ms."""

from __future__ import annotations

import math

import pytest

from chat.events import Sound
from chat.playback import Playback

from .driven import RATE, sound

LAST = Sound(b"", 0.0, 0)


def pop_all(playback: Playback, now: float) -> list[Sound]:
    popped = []
    while (due := playback.pop(now)) is not None:
        popped.append(due[1])
    return popped


def played(*lengths_ms: float, marks: bool = False, lead_ms: float = 400.0) -> Playback:
    """Sounds of one sentence, of which what may leave has left at 0 s."""
    playback = Playback(lead_ms, marks=marks)
    for ms in lengths_ms:
        playback.push(0, sound(ms))
    pop_all(playback, 0.0)
    return playback


class TestByTheClock:
    def test_what_has_left_is_heard_as_time_goes_by(self) -> None:
        playback = played(200, 200)
        assert [playback.heard_ms(now) for now in (0.0, 0.1, 0.4, 9.0)] == pytest.approx(
            [0, 100, 400, 400]
        )

    def test_stands_still_when_it_has_run_dry(self) -> None:
        playback = played(200)
        playback.push(0, sound(200))
        assert pop_all(playback, 1.0)
        assert playback.heard_ms(1.1) == pytest.approx(300)

    def test_a_sound_longer_than_the_lead_leaves_within_it(self) -> None:
        playback = played(1_000, 1_000)
        assert playback.sent_ms == 1_000
        assert playback.leaves_at(0.0) == pytest.approx(0.6)

    def test_nothing_that_was_sent_has_ended_at_once(self) -> None:
        playback = Playback(400.0, starts_at=9.0)
        assert playback.ends_at(1.0) == 1.0

    def test_what_waits_has_no_end_yet(self) -> None:
        assert played(300, 300).ends_at(0.0) == math.inf


class TestWithoutClear:
    """What was sent to a client that cannot be told to stop is played to its end."""

    def test_what_was_sent_counts_as_heard_and_does_not_leave_again(self) -> None:
        playback = Playback(400.0, clears=False)
        for _ in range(4):
            playback.push(0, sound(200))
        assert len(pop_all(playback, 0.0)) == 2
        playback.hold(0.1)
        assert playback.heard_ms(0.1) == 400
        assert playback.pop(5.0) is None
        playback.release(0.2)
        # The next one follows what still sounds until 0.4 s.
        assert playback.leaves_at(0.2) == pytest.approx(0.2)
        assert playback.pop(0.2) is not None
        assert playback.plays_until == pytest.approx(0.6)

    def test_once_stopped_no_more_is_heard_than_until_then(self) -> None:
        playback = Playback(400.0, clears=False)
        playback.push(0, sound(200))
        pop_all(playback, 0.0)
        playback.stop(0.1)
        playback.hold(0.1)
        assert playback.heard_ms(9.0) == pytest.approx(100)


class TestMarks:
    def test_between_two_marks_the_clock_counts(self) -> None:
        playback = played(200, 200, marks=True)
        playback.report(100, 0.2)
        assert playback.heard_ms(0.25) == pytest.approx(150)
        assert playback.heard_ms(9.0) == pytest.approx(400)

    def test_none_for_a_whole_sentence_holds_no_sound_back(self) -> None:
        playback = played(*[100] * 100, marks=True)
        playback.report(0, 0.1)
        sent = sum(sound.ms for tenths in range(1, 61) for sound in pop_all(playback, tenths / 10))
        assert sent >= 6_000
        assert playback.gives_up_at is None

    def test_the_last_one_is_waited_for_a_little(self) -> None:
        playback = played(200, marks=True)
        playback.report(100, 0.1)
        assert playback.ends_at(0.2) == pytest.approx(3.2)
        playback.report(200, 0.3)
        assert playback.ends_at(0.3) == 0.3


class TestReports:
    def test_never_go_back_and_never_beyond_what_was_sent(self) -> None:
        playback = played(200, 200)
        for ms, heard in [(100, 100), (50, 100), (900, 400)]:
            playback.report(ms, 0.1)
            assert playback.heard_ms(9.0) == heard

    def test_of_the_end_forgive_what_rounding_takes(self) -> None:
        playback = played(200, 200)
        playback.report(160, 0.5, done=True)
        assert playback.heard_ms(0.5) == 400

    def test_of_an_end_that_is_far_off_are_taken_as_they_are(self) -> None:
        playback = played(200, 200)
        playback.report(100, 0.5, done=True)
        assert playback.heard_ms(0.5) == 100


class TestHold:
    def test_takes_back_to_the_sample_what_was_not_heard(self) -> None:
        playback = played(200, 200)
        playback.hold(0.25)
        assert [playback.heard_ms(0.25), playback.sent_ms] == pytest.approx([250, 250])
        assert playback.sent_samples == RATE // 4
        assert playback.waiting_ms == pytest.approx(150)
        assert playback.leaves_at(9.0) is None
        playback.release(9.0)
        assert [rest.samples for rest in pop_all(playback, 9.0)] == [RATE * 150 // 1000]
        assert playback.heard_ms(9.05) == pytest.approx(300)

    def test_keeps_the_order_of_what_waits(self) -> None:
        playback = Playback(400.0)
        parts = [sound(200, bytes([n, 0])) for n in range(1, 5)]
        for part in parts:
            playback.push(0, part)
        playback.push(0, LAST)
        pop_all(playback, 0.0)
        playback.hold(0.0)
        playback.release(0.0)
        again = [part for now in (0.0, 0.25, 0.45) for part in pop_all(playback, now)]
        assert again == [*parts, LAST]

    def test_after_all_was_heard_takes_nothing_back(self) -> None:
        playback = played(200, 200)
        playback.hold(5.0)
        assert (playback.sent_ms, playback.waiting_ms) == (400, 0)
        assert playback.ends_at(5.0) == 5.0

    def test_leaves_no_sound_of_less_than_a_sample(self) -> None:
        playback = played(200, 200)
        playback.hold(0.4 - 0.1 / RATE)
        assert playback.sent_samples == RATE * 400 // 1000
        playback.release(1.0)
        assert not pop_all(playback, 1.0)
        assert playback.waiting_ms == pytest.approx(0)

    def test_takes_a_clip_back_whole_and_remembers_what_was_heard(self) -> None:
        playback = Playback(400.0)
        clip = Sound(b"mp3", 1_000.0, RATE, b"", is_clip=True)
        playback.push(0, clip)
        pop_all(playback, 0.0)
        playback.hold(0.7)
        assert (playback.sent_ms, playback.sent_samples) == (0, 0)
        assert playback.heard_ms(5.0) == pytest.approx(700)
        playback.release(5.0)
        assert pop_all(playback, 5.0) == [clip]
        assert playback.heard_ms(5.1) == pytest.approx(100)

    def test_of_a_clip_forgets_what_was_reported_of_it(self) -> None:
        playback = Playback(400.0)
        playback.push(0, Sound(b"mp3", 1_000.0, RATE, b"", is_clip=True))
        pop_all(playback, 0.0)
        playback.report(700, 0.7)
        playback.hold(0.7)
        playback.release(5.0)
        pop_all(playback, 5.0)
        assert playback.heard_ms(5.1) == 0
        playback.report(100, 5.2)
        assert playback.heard_ms(5.2) == 100

    def test_counts_marks_from_where_it_goes_on(self) -> None:
        playback = played(200, 200, marks=True)
        playback.report(100, 0.1)
        playback.hold(0.25)
        playback.release(5.0)
        pop_all(playback, 5.0)
        assert playback.heard_ms(5.05) == pytest.approx(300)

    def test_goes_by_a_first_report_that_is_behind_the_clock(self) -> None:
        playback = Playback(400.0)
        for _ in range(10):
            playback.push(0, sound(100))
        for tenths in range(6):
            pop_all(playback, tenths / 10)
        playback.report(200, 0.5)
        playback.hold(0.5)
        assert playback.sent_ms == pytest.approx(200)

    def test_ignores_reports_of_what_was_taken_back(self) -> None:
        playback = played(200, 200)
        playback.report(100, 0.1)
        playback.hold(0.1)
        playback.report(300, 0.2)
        playback.release(0.3)
        assert playback.heard_ms(0.3) == pytest.approx(100)

    def test_changes_nothing_of_what_was_stopped(self) -> None:
        playback = played(200, 200)
        playback.stop(0.1)
        playback.hold(0.2)
        assert playback.heard_ms(0.2) == pytest.approx(100)
        playback.release(0.3)
        assert playback.heard_ms(9.0) == pytest.approx(100)
        assert not pop_all(playback, 9.0)

    def test_may_be_followed_by_a_stop(self) -> None:
        playback = played(200, 200)
        playback.hold(0.1)
        playback.stop(0.5)
        assert playback.heard_ms(0.5) == pytest.approx(100)
        assert playback.ends_at(0.5) == 0.5
