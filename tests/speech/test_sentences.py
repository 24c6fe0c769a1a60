# ruff: noqa: RUF001
import itertools
import time
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speech.sentences import SentenceSplitter

# What may change sides when a sentence was cut the moment it was known.
LEFTOVER = " \t\n\r\v\f\x1c\x1d\x1e\x1f\x85\u00a0\u3000。！？｡.!?…‼⁇⁈⁉؟۔।॥။።։៕」』）】》〉〕”’"


def split(text: str, language: str = "en", max_chars: int = 280) -> list[str]:
    splitter = SentenceSplitter(language, max_chars)
    return splitter.feed(text) + splitter.finish()


def split_in_deltas(deltas: list[str], language: str = "en", max_chars: int = 280) -> list[str]:
    splitter = SentenceSplitter(language, max_chars)
    return [s for delta in deltas for s in splitter.feed(delta)] + splitter.finish()


def cores(sentences: list[str]) -> list[str]:
    """The sentences without leftovers around them, and without those that are nothing else."""
    return [core for core in (sentence.strip(LEFTOVER) for sentence in sentences) if core]


@pytest.mark.parametrize(
    ("language", "sentences"),
    [
        ("en", ["Hello there. ", "How are you? ", "Fine!"]),
        ("en", ["Dr. Smith paid $3.14, i.e. 2.5 million. ", "Next."]),
        ("en", ["No. 5 is alive. ", "The U.S. Army knows, e.g. from him. ", "Yes."]),
        ("en", ["See www.example.com/a.b?c=d. for more. ", "OK."]),
        ("en", ["Visit example.com. ", "Then https://x.org/?q=1.5 too. ", "OK."]),
        ("en", ["Hello... are you there? ", "Well... ", "No!"]),
        ("en", ["Come at 5 p.m. ", "Then leave. ", "At 6 p.m. we close. ", "J. K. Rowling."]),
        ("en", ["**Hello.** ", "*How are you?* ", "(Fine.) ", 'He said "Go." ', "Then left."]),
        ("en", ["1. Wash the rice.\n", "2. Boil it.\n", "Done"]),
        ("en", ["A title\n\n", "- one\n", "- two"]),
        ("en-GB", ["Mr. Bean is in. ", "Good."]),
        ("de", ["Am 3. Mai kommt Dr. Meier, z. B. mit dem Zug. ", "Hr. Maier auch. ", "Gut."]),
        ("fr", ["M. Dupont est là. ", "Mme. Curie aussi ! ", "Ça va ?"]),
        ("es", ["El Sr. García vive aquí. ", "¿Cómo está? ", "¡Bien!"]),
        ("pt", ["O Sr. Silva chegou. ", "Tudo bem? ", "Sim."]),
        ("zh", ["你好。", "你好吗？", "「好！」", "价格是3.14元。"]),
        ("ja", ["こんにちは。", "「元気ですか？」", "はい！"]),
        ("hi", ["नमस्ते। ", "डॉ. शर्मा कैसे हैं? ", "मैं ठीक हूँ।"]),
        ("ar", ["مرحبا. ", "كيف حالك؟ ", "نعم."]),
        ("th", ["สวัสดีครับ ผมชื่อสมชาย"]),
        ("ru", ["Привет! ", "Он живёт на ул. Ленина. ", "Всё."]),
        ("x-klingon", ["Hello there. ", "Good."]),
    ],
)
def test_it_finds_the_sentences_of_many_languages(language: str, sentences: list[str]) -> None:
    assert split("".join(sentences), language) == sentences
    assert cores(split_in_deltas(list("".join(sentences)), language)) == cores(sentences)


@pytest.mark.parametrize(
    ("deltas", "known"),
    [
        (["Hello there", "."], []),  # it might become "there.com"
        (["Hello there", ".", " "], ["Hello there. "]),
        (["It costs 3", ". "], []),  # it might become "3. Mai"
        (["It is on. ", "Th", "en "], ["It is on. "]),
        (["你好。"], ["你好。"]),
        (["A title\n"], ["A title\n"]),
    ],
)
def test_a_sentence_comes_as_soon_as_it_is_known(deltas: list[str], known: list[str]) -> None:
    splitter = SentenceSplitter()
    assert [s for delta in deltas for s in splitter.feed(delta)] == known


def test_whitespace_stays_with_the_sentence_before_it() -> None:
    assert split("  Hello there. \n\n How?\t") == ["  Hello there. \n\n ", "How?\t"]


def test_a_sentence_without_a_word_is_glued_to_the_next() -> None:
    assert split("***\n\nHello there. 🎉 Bye now.") == ["***\n\nHello there. ", "🎉 Bye now."]


def test_a_text_without_a_word_is_one_piece() -> None:
    assert split("\n\n***\n") == ["\n\n***\n"]


def test_nothing_fed_is_no_sentence() -> None:
    assert split("") == []


def test_it_can_be_used_again_after_finish() -> None:
    splitter = SentenceSplitter()
    assert splitter.feed("One") + splitter.finish() == ["One"]
    assert splitter.feed("Two") + splitter.finish() == ["Two"]


def test_a_long_sentence_is_cut_after_a_comma() -> None:
    assert split("one two three four, five six seven", max_chars=24) == [
        "one two three four, ",
        "five six seven",
    ]


def test_a_long_sentence_without_a_comma_is_cut_at_a_space() -> None:
    assert split("สวัสดีครับ ผมชื่อสมชาย", "th", max_chars=14) == ["สวัสดีครับ ", "ผมชื่อสมชาย"]


def test_a_long_word_is_cut_between_characters_with_their_marks() -> None:
    pieces = split("ก็" * 50, "th", max_chars=15)
    assert all(unicodedata.category(piece[0]) != "Mn" for piece in pieces)
    assert split("👍🏽" * 9, max_chars=5)[0] == "👍🏽👍🏽"
    assert split("👩‍👩‍👧x" * 9, max_chars=8)[0] == "👩‍👩‍👧x"


def test_lone_surrogates_and_nul_are_kept() -> None:
    text = "a\ud800b. A\0 very. \udc00 End. "
    assert "".join(split(text)) == text


def test_max_chars_must_be_positive() -> None:
    with pytest.raises(ValueError, match="max_chars"):
        SentenceSplitter(max_chars=0)


@pytest.mark.parametrize(
    "unit",
    [
        "This is a sentence. ",
        "a",
        " ",
        "a. ",
        "!",
        "***\n",
        "a.b. c",
        "ก็",
        "。",
        "5. ",
        '."',
        "\n.",
    ],
)
def test_a_hundred_kilobytes_at_once_take_linear_time(unit: str) -> None:
    text = unit * (100_000 // len(unit))
    started = time.process_time()
    assert "".join(split(text)) == text
    assert time.process_time() - started < 5  # some 0.1 s; quadratic time would be minutes


TEXT = st.text(
    alphabet=st.sampled_from(list("abA1I .!?…,\n\"')*。」！🎉\u0301\u200d\ud800ก็é5/@"))
) | (
    st.lists(
        st.sampled_from(
            [
                "Hello there. ",
                "Dr. ",
                "e.g. ",
                "U.S. ",
                "3.14 ",
                "No. 5",
                "etc. ",
                "well... ",
                "x. ",
                "你好。",
                "「好！」",
                " ",
                "\n",
                "\n\n",
                "***",
                "I. ",
                "z. B. ",
                "example.com. ",
                "www.a.b/c?d=e. ",
                "p.m. ",
                "Then ",
                "a, b",
                "! ",
                "?!",
            ]
        )
    ).map("".join)
)
LANGUAGE = st.sampled_from(["en", "de", "zh", "th", "hi", "ru", ""])


@given(TEXT, LANGUAGE, st.integers(1, 60), st.lists(st.integers(0, 80)))
@settings(max_examples=400, deadline=None)
def test_nothing_is_lost_and_where_the_deltas_end_changes_no_sentence(
    text: str, language: str, max_chars: int, ends: list[int]
) -> None:
    """The weaker law: equal but for whitespace and terminators *between* sentences.

    A sentence known at its newline, at its first space or at "。" is returned at once. Another
    newline, space or "」" that comes with a later delta can only lead the next sentence, while in
    the same delta it stays with its own. The words are parted alike whatever the deltas are, and
    what has no words is only leftovers.
    """
    cuts = [0, *sorted(min(end, len(text)) for end in ends), len(text)]
    deltas = [text[a:b] for a, b in itertools.pairwise(cuts)]
    whole, chopped = split(text, language, max_chars), split_in_deltas(deltas, language, max_chars)

    assert "".join(whole) == "".join(chopped) == text
    assert cores(whole) == cores(chopped)


@given(TEXT, LANGUAGE, st.integers(1, 60))
@settings(max_examples=200, deadline=None)
def test_a_sentence_is_bounded(text: str, language: str, max_chars: int) -> None:
    assert all(len(s.strip(LEFTOVER)) <= max_chars for s in split(text, language, max_chars))


@given(st.text(), st.text(max_size=8))
@settings(max_examples=200, deadline=None)
def test_any_text_and_language_go_through(text: str, language: str) -> None:
    assert "".join(split_in_deltas(list(text), language)) == text
