"""Commands as clients write them: what is taken, what is refused, and how."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speech_api.command import (
    FORMATS,
    MAX_CHARS,
    Command,
    parse_frame,
    parse_object,
    read_command,
    read_speed,
    request_id_of,
    snake_case,
)
from speech_api.errors import SpeechError

HELLO = {"text": "Hello."}

# What pyht 0.1.14 sends, with its nulls.
PYHT: dict[str, Any] = {
    "text": ["Hello there.", "How are you?"],
    "voice": "s3://voice-cloning-zero-shot/x/manifest.json",
    "output_format": "mp3",
    "speed": 1.0,
    "sample_rate": None,
    "voice_engine": "PlayDialog",
    "language": None,
    "version": "ldm",
    "voice_2": None,
    "turn_prefix": None,
    "turn_prefix_2": None,
    "voice_conditioning_seconds": None,
    "voice_conditioning_seconds_2": None,
    "scene_description": None,
    "turn_clip_description": None,
    "num_candidates": None,
    "candidate_ranking_method": None,
}


def refused(call: Any, *arguments: Any) -> SpeechError:
    with pytest.raises(SpeechError) as error:
        call(*arguments)
    return error.value


class TestWhatRealClientsSend:
    def test_pyht(self):
        command = read_command(PYHT)
        assert command == Command(
            "Hello there.\nHow are you?", "s3://voice-cloning-zero-shot/x/manifest.json"
        )

    def test_the_showcase_sends_text_and_voice_alone(self):
        command = read_command({"text": "Hello.", "voice": "x"})
        assert (command.format, command.rate, command.speed) == ("mp3", 24_000, 1.0)

    def test_livekit_sends_a_sentence_with_its_space(self):
        assert read_command({"text": "Hello. "}).text == "Hello. "

    def test_null_is_the_same_as_absent(self):
        everything = {**dict.fromkeys(PYHT), "request_id": None, "seed": None, **HELLO}
        assert read_command(everything) == read_command(HELLO)

    def test_unknown_fields_and_those_without_a_use_are_ignored(self):
        odd = {"temperature": "hot", "top_p": [], "quality": {}, "emotion": 7, "voice_engine": 1}
        assert read_command({**HELLO, **odd}) == read_command(HELLO)

    def test_the_text_is_not_in_its_repr(self):
        assert "Hello" not in repr(read_command(HELLO))


class TestFormats:
    @pytest.mark.parametrize("name", FORMATS)
    def test_each_is_taken_in_any_case(self, name):
        assert read_command({**HELLO, "output_format": name.upper()}).format == FORMATS[name]

    def test_mulaw_is_of_telephones_unless_told_otherwise(self):
        assert read_command({**HELLO, "output_format": "mulaw"}).rate == 8000
        wide = read_command({**HELLO, "output_format": "mulaw", "sample_rate": 16000})
        assert wide.rate == 16000

    def test_an_endpoint_may_have_another_default(self):
        assert read_command(HELLO, default_format="wav").format == "wav"

    @pytest.mark.parametrize("value", ["mp4", "", 3, [], {}, True])
    def test_an_unknown_one_is_refused(self, value):
        error = refused(read_command, {**HELLO, "output_format": value})
        assert (error.status, error.code, error.param) == (400, "unknown_format", "output_format")
        assert "mulaw" in error.message


class TestRates:
    @pytest.mark.parametrize("value", [8000, 16000, 22050, 44100, 48000, 24000.0])
    def test_those_of_speech_are_taken(self, value):
        assert read_command({**HELLO, "sample_rate": value}).rate == value

    @pytest.mark.parametrize(
        "value", [7, 0, -8000, 7999, 48001, 8000.5, "8000", True, [], 1e999, 10**400]
    )
    def test_others_are_refused(self, value):
        error = refused(read_command, {**HELLO, "sample_rate": value})
        assert (error.status, error.code) == (400, "bad_sample_rate")


class TestSpeed:
    @pytest.mark.parametrize(
        ("value", "speed"), [(None, 1), (0.1, 0.5), (0.5, 0.5), (1, 1), (2.0, 2), (5, 2)]
    )
    def test_what_is_wider_than_engines_go_is_clamped(self, value, speed):
        assert read_command({**HELLO, "speed": value}).speed == speed

    @pytest.mark.parametrize("value", [0, 0.09, -1, 5.1, "1", False, [], 1e999])
    def test_what_is_no_speed_is_refused(self, value):
        error = refused(read_command, {**HELLO, "speed": value})
        assert (error.status, error.code) == (400, "bad_speed")

    @given(st.floats(0.1, 5))
    def test_it_is_always_one_that_engines_know(self, value):
        assert 0.5 <= read_speed(value, 0.1, 5) <= 2


class TestText:
    @pytest.mark.parametrize("value", ["", "  \n\t", [], [""], ["", " "], "\0\0", "\ud800"])
    def test_empty_is_refused(self, value):
        error = refused(read_command, {"text": value})
        assert (error.status, error.code, error.param) == (400, "no_text", "text")

    def test_absent_is_refused(self):
        assert refused(read_command, {}).code == "no_text"

    @pytest.mark.parametrize("value", [7, {}, [None], ["a", 1], True])
    def test_what_is_no_text_is_refused(self, value):
        assert refused(read_command, {"text": value}).code == "bad_text"

    def test_20_000_characters_are_taken_and_100_kb_are_not(self):
        assert len(read_command({"text": "a" * MAX_CHARS}).text) == 20_000
        error = refused(read_command, {"text": "a" * 100_000})
        assert (error.status, error.code) == (413, "text_too_long")
        assert refused(read_command, {"text": ["a" * 15_000] * 2}).status == 413

    def test_nulls_and_lone_surrogates_are_passed_over(self):
        fields = parse_object('{"text": "a\\u0000b\\ud800c\\ud83d\\ude00"}')
        assert read_command(fields).text == "a b c😀"

    def test_what_looks_like_ssml_is_text(self):
        assert read_command({"text": "<speak>Hi</speak>"}).text == "<speak>Hi</speak>"


class TestLanguages:
    @pytest.mark.parametrize(
        ("value", "tag"),
        [
            ("german", "de"),
            ("English", "en"),
            ("mandarin", "zh"),
            ("de", "de"),
            ("pt-BR", "pt-BR"),
            ("", ""),
            (None, ""),
        ],
    )
    def test_by_name_or_tag(self, value, tag):
        assert read_command({**HELLO, "language": value}).language == tag

    @pytest.mark.parametrize("value", ["klingonese", "d", "x" * 1000, "de de"])
    def test_an_unknown_one_is_refused(self, value):
        assert refused(read_command, {**HELLO, "language": value}).code == "unknown_language"

    def test_a_number_is_none(self):
        assert refused(read_command, {**HELLO, "language": 7}).code == "bad_language"


class TestSeed:
    @pytest.mark.parametrize("value", [0, 7, 2**64 - 1])
    def test_a_whole_number(self, value):
        assert read_command({**HELLO, "seed": value}).seed == value

    @pytest.mark.parametrize("value", [-1, 2**64, 1.5, "7", True])
    def test_anything_else_is_refused(self, value):
        assert refused(read_command, {**HELLO, "seed": value}).code == "bad_seed"


def test_a_voice_that_is_no_string_is_refused():
    assert refused(read_command, {**HELLO, "voice": 7}).code == "bad_voice"


class TestFrames:
    @pytest.mark.parametrize(
        ("frame", "code"),
        [
            (b"{}", "binary"),
            ("", "not_json"),
            ("hello", "not_json"),
            ("{", "not_json"),
            ('{"speed": NaN}', "not_json"),
            ('{"speed": Infinity}', "not_json"),
            ("[" * 100_000, "not_json"),
            ("1" * 10_000, "not_json"),
            ("[]", "not_an_object"),
            ("null", "not_an_object"),
            ('"text"', "not_an_object"),
        ],
    )
    def test_what_is_no_command(self, frame, code):
        error = refused(parse_frame, frame)
        assert (error.status, error.code) == (400, code)

    @pytest.mark.parametrize("value", ["a", "", 7, 1.5, None, "\ud800", "ü" * 256])
    def test_ids_come_back_as_they_are(self, value):
        assert request_id_of({"request_id": value}) == value

    @pytest.mark.parametrize("value", ["a" * 257, [], {}, True, 2**60, 1e999, float("nan")])
    def test_what_could_not_come_back_is_refused(self, value):
        assert refused(request_id_of, {"request_id": value}).code == "bad_request_id"

    @given(st.text() | st.binary())
    def test_any_frame_is_an_object_or_an_error(self, frame):
        status, fields = 400, {}
        try:
            fields, _id = parse_frame(frame)
        except SpeechError as error:
            status = error.status
        assert status == 400
        assert isinstance(fields, dict)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from([*PYHT, "seed", "request_id", "temperature"])


@given(st.dictionaries(NAMES, JSON))
def test_any_fields_are_a_command_or_an_error(fields):
    error = None
    try:
        command = read_command(fields)
    except SpeechError as raised:
        error = raised
    if error is not None:
        assert 400 <= error.status < 500
        assert json.dumps(error.message)
        return
    assert command.text.strip()
    command.text.encode()  # no lone surrogates
    assert 8000 <= command.rate <= 48000
    assert 0.5 <= command.speed <= 2


def test_camel_case_is_read_as_snake_case():
    fields = {"outputFormat": 1, "voiceConditioningSeconds2": 2, "text": 3, "sample_rate": 4}
    assert snake_case(fields) == {
        "output_format": 1,
        "voice_conditioning_seconds2": 2,
        "text": 3,
        "sample_rate": 4,
    }
