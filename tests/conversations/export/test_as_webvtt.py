"""A call as WebVTT, read again by webvtt-py."""

from __future__ import annotations

import html
import re
from datetime import timedelta

import pytest
import webvtt
from hypothesis import example, given
from hypothesis import strategies as st

from conversations.export import as_webvtt
from conversations.models import Turn
from conversations.visible_text import visible

from .values import HOSTILE, ZERO, segment, turn

BOT = {"role": Turn.Role.ASSISTANT}


def written(*turns) -> str:
    return b"".join(as_webvtt.webvtt(turns, ZERO)).decode()


def read(*turns):
    return list(webvtt.from_string(written(*turns)))


def times(*turns):
    return [(cue.start, cue.end) for cue in read(*turns)]


def said(cue) -> str:
    """The text of a cue without its tags."""
    return html.unescape(re.sub(r"<[^>]*>", "", cue.raw_text))


def lines_of(text: str) -> str:
    return "\n".join(line.strip() for line in visible(text).split("\n") if line.strip())


def test_each_voice_is_named_and_each_cue_is_the_turn_of_its_id():
    question = turn("Two rooms?", segment("person", 1500, 2250))
    answer = turn("Three.", segment("bot", 4000, 900), seq=1, **BOT)
    cues = read(question, answer)
    assert [(cue.start, cue.end, cue.raw_text) for cue in cues] == [
        ("00:00:01.500", "00:00:03.750", "<v Person>Two rooms?</v>"),
        ("00:00:04.000", "00:00:04.900", "<v Bot>Three.</v>"),
    ]
    assert [cue.identifier for cue in cues] == [str(question.turn.pk), str(answer.turn.pk)]
    assert [cue.voice for cue in cues] == ["Person", "Bot"]


def test_what_was_not_heard_is_told_apart():
    cut = turn("There are three houses.", heard_text="There are", heard_ms=700, **BOT)
    unheard = turn("Never mind.", heard_text="", heard_ms=0, seq=1, **BOT)
    in_word = turn("Houses", heard_text="Hou", heard_ms=300, seq=2, **BOT)
    assert [cue.raw_text for cue in read(cut, unheard, in_word)] == [
        "<v Bot>There are <c.unheard>three houses.</c></v>",
        "<v Bot><c.unheard>Never mind.</c></v>",
        "<v Bot>Hou<c.unheard>ses</c></v>",
    ]
    assert "::cue(.unheard) { text-decoration: line-through; }" in written(cut)


def test_a_turn_of_several_parts_lasts_from_the_first_to_the_end_of_the_last():
    parts = turn("One. Two.", segment("bot", 2000, 500), segment("bot", 4000, 750), **BOT)
    assert times(parts) == [("00:00:02.000", "00:00:04.750")]


def test_without_sound_a_turn_lasts_as_long_as_it_was_listened_to():
    assert times(turn("Hello there", start_ms=3000, heard_ms=1250, **BOT)) == [
        ("00:00:03.000", "00:00:04.250")
    ]


@pytest.mark.parametrize(("characters", "lasts_ms"), [(1, 1000), (50, 3000), (10_000, 10_000)])
def test_what_was_typed_lasts_as_long_as_it_takes_to_read(characters, lasts_ms):
    cue = as_webvtt.cue_of(turn("x" * characters, start_ms=500), ZERO)
    assert (cue.start_ms, cue.end_ms) == (500, 500 + lasts_ms)


def test_what_is_only_read_makes_room_for_the_next():
    typed, next_one = turn("x" * 100, start_ms=0), turn("y", start_ms=2000, seq=1)
    assert times(typed, next_one)[0] == ("00:00:00.000", "00:00:02.000")


def test_speech_that_overlaps_keeps_its_times():
    reply = turn("Long", segment("bot", 0, 5000), **BOT)
    barge_in = turn("Stop", segment("person", 3000, 500), seq=1)
    assert times(reply, barge_in) == [
        ("00:00:00.000", "00:00:05.000"),
        ("00:00:03.000", "00:00:03.500"),
    ]


def test_cues_are_in_the_order_of_their_start():
    late = turn("Late", segment("bot", 9000, 500), **BOT)
    early = turn("Early", segment("person", 8000, 500), seq=1)
    assert [said(cue) for cue in read(late, early)] == ["Early", "Late"]


def test_a_turn_without_a_start_starts_when_it_was_stored():
    stored = turn("Hi", created_at=ZERO + timedelta(seconds=90))
    before = turn("Earlier than the call", created_at=ZERO - timedelta(days=1), seq=1)
    assert [start for start, _ in times(stored, before)] == ["00:00:00.000", "00:01:30.000"]


def test_a_turn_that_says_nothing_has_no_cue():
    assert read(turn(""), turn(" \n\u2003")) == []


def test_a_call_of_days_keeps_counting_hours():
    assert as_webvtt.timestamp(123 * 3_600_000 + 62_003) == "123:01:02.003"


@given(st.text(), st.text())
@example("", "\x0c")
@example("a\r", "\n\x85b")
def test_whatever_was_said_comes_back(heard, unheard):
    text = heard + unheard
    cues = read(turn(text, heard_text=heard, heard_ms=1, **BOT))
    expected = "".join(visible(text).split())
    assert "".join("".join(map(said, cues)).split()) == expected
    assert len(cues) == bool(expected)


@given(st.lists(st.text(min_size=1).filter(lines_of), min_size=1, max_size=4))
def test_nothing_said_ends_a_cue_or_starts_one(texts):
    cues = read(*(turn(text, seq=seq, start_ms=seq * 1000) for seq, text in enumerate(texts)))
    assert [said(cue) for cue in cues] == [lines_of(text) for text in texts]
    assert {cue.voice for cue in cues} == {"Person"}


def test_hostile_text_is_text():
    hostile = written(turn(HOSTILE))
    assert "<script" not in hostile
    assert hostile.count("-->") == 1
    assert hostile.count("<v ") == 1
    assert "\u202e" not in hostile
