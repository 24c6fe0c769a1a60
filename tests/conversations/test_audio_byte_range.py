"""Which bytes a Range header asks for."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations.byte_range import RangeNotSatisfiableError, parse_range

SIZES = st.integers(0, 10**9)


@pytest.mark.parametrize(
    ("header", "start", "stop"),
    [
        ("bytes=0-", 0, 1000),
        ("bytes=0-0", 0, 1),
        ("bytes=0-999", 0, 1000),
        ("bytes=10-19", 10, 20),
        ("bytes=990-5000", 990, 1000),
        ("bytes=999-", 999, 1000),
        ("bytes=-1", 999, 1000),
        ("bytes=-2000", 0, 1000),
        ("BYTES = 1 - 2 ", 1, 3),
        ("bytes=0-" + "9" * 5000, 0, 1000),
        ("bytes=-" + "9" * 5000, 0, 1000),
        ("bytes=00000000000000000000000000000005-7", 5, 8),
    ],
)
def test_a_range_is_cut_to_the_file(header, start, stop):
    part = parse_range(header, 1000)
    assert (part.start, part.stop, part.length) == (start, stop, stop - start)
    assert part.content_range == f"bytes {start}-{stop - 1}/1000"


@pytest.mark.parametrize(
    "header",
    [
        "",
        "bytes",
        "bytes=",
        "bytes=-",
        "bytes=5-4",
        "bytes=a-b",
        "bytes=1",
        "items=0-1",
        "bytes=0-1,5-6",
        "bytes=0-1,",
        "bytes=+1-2",
        "bytes=\u0661-\u0662",
        "bytes=--1",
        "bytes=0-1\n0",
    ],
)
def test_what_is_no_single_range_asks_for_the_whole(header):
    assert parse_range(header, 1000) is None


@pytest.mark.parametrize(
    "header", ["bytes=1000-", "bytes=1000-2000", "bytes=-0", "bytes=" + "9" * 5000 + "-"]
)
def test_a_range_behind_the_end_cannot_be_satisfied(header):
    with pytest.raises(RangeNotSatisfiableError):
        parse_range(header, 1000)


@pytest.mark.parametrize("header", ["bytes=0-", "bytes=0-0", "bytes=-5"])
def test_an_empty_file_has_no_range(header):
    with pytest.raises(RangeNotSatisfiableError):
        parse_range(header, 0)


@given(SIZES, st.integers(0, 10**10), st.integers(0, 10**10))
def test_first_and_last_mean_those_bytes_that_exist(size, first, last):
    try:
        part = parse_range(f"bytes={first}-{last}", size)
    except RangeNotSatisfiableError:
        assert first >= size
        assert first <= last
    else:
        if part is None:
            assert last < first
        else:
            assert (part.start, part.stop) == (first, min(last, size - 1) + 1)


@given(st.binary(max_size=50), st.integers(0, 60))
def test_a_suffix_means_what_a_slice_means(content, length):
    try:
        part = parse_range(f"bytes=-{length}", len(content))
    except RangeNotSatisfiableError:
        assert not content or not length
    else:
        assert content[part.start : part.stop] == content[-length:]


@given(st.binary(min_size=1, max_size=50), st.lists(st.integers(0, 60), max_size=6))
def test_ranges_that_follow_each_other_give_the_file_again(content, cuts):
    edges = sorted({0, *(cut for cut in cuts if cut < len(content)), len(content)})
    again = b""
    for first, following in pairwise(edges):
        part = parse_range(f"bytes={first}-{following - 1}", len(content))
        again += content[part.start : part.stop]
    assert again == content


@given(st.text(max_size=40), SIZES)
def test_no_header_is_worth_an_exception_other_than_ours(header, size):
    try:
        part = parse_range(header, size)
    except RangeNotSatisfiableError:
        return
    assert part is None or 0 <= part.start < part.stop <= size
