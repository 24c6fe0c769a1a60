"""A transcript in OpenAI's forms."""

from __future__ import annotations

import io

import webvtt
from hypothesis import given
from hypothesis import strategies as st

from speech_api.transcript import (
    Segment,
    Transcript,
    as_json,
    as_srt,
    as_text,
    as_verbose_json,
    as_vtt,
)

TWO = Transcript(
    [Segment(0, 1200, "ten of clubs"), Segment(3_600_500, 3_661_001, "a & b")], 3_700_000, "en"
)


def test_json_has_the_text_and_how_long_it_was():
    assert as_json(TWO) == {
        "text": "ten of clubs a & b",
        "usage": {"type": "duration", "seconds": 3700.0},
    }


def test_verbose_json_has_the_passages_and_no_invented_figures():
    told = as_verbose_json(TWO)
    assert (told["duration"], told["language"], told["text"]) == (3700.0, "en", TWO.text)
    first, second = told["segments"]
    assert (first["id"], first["start"], first["end"]) == (0, 0.0, 1.2)
    assert (second["id"], second["start"], second["text"]) == (1, 3600.5, "a & b")
    assert second["avg_logprob"] is None


def test_text_is_a_line():
    assert as_text(TWO) == "ten of clubs a & b\n"


def test_subrip():
    assert as_srt(TWO) == (
        "1\n00:00:00,000 --> 00:00:01,200\nten of clubs\n\n"
        "2\n01:00:00,500 --> 01:01:01,001\na & b\n\n"
    )


def test_of_nothing_there_is_an_empty_one():
    nothing = Transcript([], 0, "en")
    assert as_text(nothing) == "\n"
    assert as_srt(nothing) == ""
    assert as_vtt(nothing) == "WEBVTT\n\n"


@given(
    st.lists(
        st.tuples(
            st.integers(0, 10**8),
            st.integers(1, 10**6),
            st.from_regex(r"[a-z<>&][a-z<>& ]*[a-z<>&]", fullmatch=True),
        ),
        max_size=5,
    )
)
def test_webvtt_is_read_again(parts):
    segments = [Segment(start, start + length, text) for start, length, text in parts]
    captions = webvtt.from_buffer(io.StringIO(as_vtt(Transcript(segments, 0, "en"))))
    assert len(captions) == len(segments)
    for caption, segment in zip(captions, segments, strict=True):
        assert round(caption.start_in_seconds * 1000) // 1000 == segment.start_ms // 1000
        assert "<" not in caption.raw_text
