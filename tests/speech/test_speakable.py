# ruff: noqa: RUF001
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speech.speakable import speakable


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("Hello there.", "Hello there."),
        ("**Bold**, *thin* and __both__ ~~gone~~ `code`", "Bold, thin and both gone code"),
        ("# Title\n\n- one\n* two\n> three", "Title\none\ntwo\nthree"),
        ("1. first", "1. first"),
        ("```py\nprint(1)\n```", "print(1)"),
        ("[the label](https://x.org/a) here", "the label here"),
        ("![a cat](cat.png)", "a cat"),
        ("Go to https://www.example.com/a/b?c=d.", "Go to example.com."),
        ("<https://example.com/x>", "example.com"),
        ("2 * 3 * 4, snake_case", "2 * 3 * 4, snake_case"),
        ("Great 🎉👍🏽 news 👨‍👩‍👧!", "Great news !"),
        ("a\ud800b\0c\u202e", "ab c"),
        ("one\n---\ntwo", "one\ntwo"),
        ("<speak>hi</speak>", "<speak>hi</speak>"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("20 °C", "20 °C"),
        ("http://[ x", "x"),
    ],
)
def test_it_says_the_words_and_not_the_markup(written: str, spoken: str) -> None:
    assert speakable(written) == spoken


@pytest.mark.parametrize("written", ["", "  \n", "***", "🎉", "---", "\0\ud800", "!?", "```\n```"])
def test_it_is_empty_when_nothing_can_be_said(written: str) -> None:
    assert speakable(written) == ""


@given(st.text())
@settings(max_examples=300, deadline=None)
def test_any_text_gives_text_that_can_be_encoded(text: str) -> None:
    speakable(text).encode()


@pytest.mark.parametrize("unit", ["[", "*", "_a", "http://", "`", "[a](", "> ", "-*_ "])
def test_a_hundred_kilobytes_of_markup_go_through(unit: str) -> None:
    speakable(unit * (100_000 // len(unit)))
