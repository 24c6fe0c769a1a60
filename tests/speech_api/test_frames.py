"""Each command's answer, as every known reader of it wants it."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from speech_api import frames
from speech_api.errors import SpeechError

ERROR = SpeechError(400, "bad_speed", "speed has to be …", param="speed", retry_s=1.23456)


def test_start_and_end_have_their_key_even_when_it_is_null():
    assert json.loads(frames.start(None)) == {"type": "start", "request_id": None, "status": 200}
    assert json.loads(frames.end(None)) == {"type": "end", "request_id": None, "status": 200}


def test_start_tells_what_was_chosen():
    assert json.loads(frames.start("a", voice="espeak:de"))["voice"] == "espeak:de"


def test_a_refusal_is_a_start_an_error_and_an_end_with_its_status():
    start, error, end = map(json.loads, frames.refusal("a", ERROR))
    assert (start["type"], start["status"], start["message"]) == ("start", 400, ERROR.message)
    assert error == {
        "type": "error",
        "request_id": "a",
        "status": 400,
        "code": "bad_speed",
        "error": ERROR.message,
        "message": ERROR.message,
        "param": "speed",
        "retry": 1.235,
    }
    assert end == {"type": "end", "request_id": "a", "status": 400}


def test_what_breaks_off_has_no_second_start():
    kinds = [json.loads(frame)["type"] for frame in frames.broken_off("a", ERROR)]
    assert kinds == ["error", "end"]


def test_an_error_without_a_field_or_a_delay_names_none():
    plain = json.loads(frames.failure(None, SpeechError(500, "internal", "x")))
    assert not {"param", "retry"} & plain.keys()


@given(st.text() | st.integers() | st.none(), st.text())
def test_whatever_the_id_is_it_comes_back(request_id, message):
    for frame in (
        frames.start(request_id),
        *frames.refusal(request_id, SpeechError(400, "x", message)),
    ):
        assert frame.isascii()
        assert json.loads(frame)["request_id"] == request_id
