"""FastRTC's WebSocket mode on the wire: docs/protocol.md row by row."""

from __future__ import annotations

import base64
import json
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat import events as ev
from chat import messages as msg
from chat.protocols import fastrtc
from chat.protocols.base import ProtocolError
from chat.protocols.fastrtc import Address, FastRtc, FirstWord, first_word
from dialogue.asking import Field
from speech import g711

START = {"event": "start", "websocket_id": "abc123"}
DEEP = '{"event":"media","media":' + '{"a":' * 20_000 + "1" + "}" * 20_001
NO_MESSAGE = pytest.mark.parametrize(
    "frame",
    ["", "no", "[]", "1", '"media"', "{}", '{"event":1}', '{"event":"media","media":1}', DEEP,
     b"\0\1\2", b'{"event":"ping"}'],
)  # fmt: skip


def started(address: Address | None = None) -> FastRtc:
    """A stream that has begun."""
    stream = FastRtc(address or Address())
    stream.decode(json.dumps(START))
    return stream


def hear(stream: FastRtc, message: object) -> list[object]:
    return list(stream.decode(json.dumps(message)))


def tell(stream: FastRtc, message: msg.Message) -> list[Any]:
    return [json.loads(frame) for frame in stream.encode(message)]


def media(payload: str) -> object:
    return {"event": "media", "media": {"payload": payload}}


def refusal(stream: FastRtc, frame: str | bytes) -> str:
    with pytest.raises(ProtocolError) as error:
        stream.decode(frame)
    return error.value.code


class TestAddress:
    def test_rates_are_fastrtcs_own_where_nothing_is_asked_for(self) -> None:
        assert Address.of(b"") == Address(48000, 24000)

    @pytest.mark.parametrize("rate", [8000, 16000, 24000, 44100, 48000])
    def test_the_voice_comes_at_the_rate_that_is_asked_for(self, rate: int) -> None:
        assert Address.of(b"input_rate=%d" % rate).rate_in == rate

    @pytest.mark.parametrize("rate", [8000, 16000, 24000])
    def test_the_bot_speaks_at_the_rate_that_is_asked_for(self, rate: int) -> None:
        assert Address.of(b"output_rate=%d" % rate).rate_out == rate

    @pytest.mark.parametrize(
        "query",
        [b"input_rate=11025", b"input_rate=x", b"output_rate=48000", b"output_rate=-1"],
    )
    def test_other_rates_are_refused(self, query: bytes) -> None:
        with pytest.raises(ProtocolError, match=r"put_rate can be 8000, 16000, 24000") as error:
            Address.of(query)
        assert error.value.code == "bad_audio"

    def test_a_bot_a_language_a_voice_and_a_token_can_be_named(self) -> None:
        address = Address.of(b"bot=estate&language=pt-BR&voice=en%2Bf2&token=t")
        assert address == Address(48000, 24000, "estate", "pt-BR", "en+f2", "t")

    @pytest.mark.parametrize("query", [b"bot=a%20b", b"language=%C3%A4", b"voice=%00"])
    def test_what_can_be_no_name_is_refused(self, query: bytes) -> None:
        with pytest.raises(ProtocolError) as error:
            Address.of(query)
        assert error.value.code == "bad_message"


class TestFirstWord:
    def test_a_start_has_an_id(self) -> None:
        assert first_word(json.dumps(START)) == FirstWord("start", "abc123")

    @pytest.mark.parametrize("event", ["media", "ping", "stop", "new"])
    def test_what_comes_before_it_is_told_by_its_name(self, event: str) -> None:
        assert first_word(json.dumps({"event": event})) == FirstWord(event)

    @pytest.mark.parametrize("id", [None, 1, "", " ", "a b", "ä", "x" * 101, "a\n", [], {}])
    def test_a_start_without_an_id_is_refused(self, id: object) -> None:
        with pytest.raises(ProtocolError, match="start needs a websocket_id") as error:
            first_word(json.dumps({"event": "start", "websocket_id": id}))
        assert error.value.code == "bad_message"

    def test_a_start_with_no_word_of_an_id_is_refused(self) -> None:
        with pytest.raises(ProtocolError, match="start needs a websocket_id"):
            first_word('{"event":"start"}')

    @NO_MESSAGE
    def test_what_is_no_message_is_refused(self, frame: str | bytes) -> None:
        with pytest.raises(ProtocolError) as error:
            first_word(frame)
        assert error.value.code == "bad_message"


class TestHearing:
    def test_the_start_says_hello_with_both_rates(self) -> None:
        stream = FastRtc(Address(44100, 16000, "estate", "en", "f2"))
        assert hear(stream, START) == [
            ev.Hello(
                audio=msg.AudioFormat("mulaw", 16000, "base64"),
                voice_in=msg.VoiceFormat("mulaw", 44100),
                bot="estate",
                language="en",
                voice="f2",
                label="abc123",
            )
        ]

    def test_media_is_the_voice(self) -> None:
        assert hear(started(), media("AQID")) == [ev.VoiceArrived(b"\1\2\3")]

    def test_no_audio_is_no_event(self) -> None:
        assert hear(started(), media("")) == []

    @given(st.binary(min_size=1, max_size=4_096))
    def test_any_sound_arrives_as_it_was_sent(self, sound: bytes) -> None:
        message = media(base64.b64encode(sound).decode())
        assert hear(started(), message) == [ev.VoiceArrived(sound)]

    @pytest.mark.parametrize("payload", ["AQI", "A QI=", "AQI*", "ä", "=AQI", "AQI\n"])
    def test_what_is_no_base64_is_refused(self, payload: str) -> None:
        assert refusal(started(), json.dumps(media(payload))) == "bad_audio"

    @NO_MESSAGE
    def test_what_is_no_message_is_refused(self, frame: str | bytes) -> None:
        assert refusal(started(), frame) == "bad_message"

    def test_media_without_its_object_is_refused(self) -> None:
        assert refusal(started(), '{"event":"media"}') == "bad_message"

    def test_a_second_start_is_refused_and_the_stream_goes_on(self) -> None:
        stream = started()
        assert refusal(stream, json.dumps(START)) == "bad_message"
        assert hear(stream, {"event": "stop"}) == [ev.HungUp()]

    def test_a_ping_asks_for_a_pong(self) -> None:
        assert hear(started(), {"event": "ping"}) == [ev.Ping()]

    @pytest.mark.parametrize("message", [{"event": "new"}, {"event": "mark", "mark": 1}])
    def test_what_means_nothing_to_us_is_ignored(self, message: object) -> None:
        assert hear(started(), message) == []

    @given(st.text() | st.binary())
    def test_nothing_but_a_refusal_comes_of_anything(self, frame: str | bytes) -> None:
        for read in (started().decode, FastRtc(Address()).decode):
            with suppress(ProtocolError):
                assert read(frame) == []


class TestTelling:
    @given(st.binary(min_size=1, max_size=4_096))
    def test_sound_is_media(self, sound: bytes) -> None:
        audio = msg.Audio("r", 0, 0, 0, True, False, sound)
        assert tell(started(), audio) == [media(base64.b64encode(sound).decode())]

    def test_the_end_of_a_sentence_has_no_sound(self) -> None:
        assert tell(started(), msg.Audio("r", 0, 0, 0, False, True, b"")) == []

    def test_nothing_tells_a_client_to_stop_playing(self) -> None:
        assert tell(started(), msg.Clear(1)) == []
        assert not FastRtc.manners.clears

    def test_who_begins_to_speak_and_who_has_ended(self) -> None:
        stream = started()
        heard = [
            tell(stream, msg.State(person, "silent"))
            for person in ("silent", "hearing", "endpointing", "hearing", "endpointing", "silent")
        ]
        assert heard == [
            [],
            [{"type": "log", "data": "started_talking"}],
            [],
            [],
            [],
            [{"type": "log", "data": "pause_detected"}],
        ]

    def test_each_reply_is_told_of_once(self) -> None:
        stream = started()
        start = msg.ReplyStart("r", "t", "generic", 0, "v")
        told = [start, msg.Delta("r", 0, "Hi"), msg.Sentence("r", 0, "Hi", 0, 0)]
        assert [tell(stream, message) for message in told] == [
            [{"type": "log", "data": "response_starting"}],
            [],
            [],
        ]

    def test_what_is_asked_is_send_input_with_its_fields(self) -> None:
        ask = msg.Ask("r", "q", (Field("name", "Your name", required=True), Field("age")))
        assert tell(started(), ask) == [
            {
                "type": "send_input",
                "data": [{"name": "name", "label": "Your name", "required": True}, {"name": "age"}],
            }
        ]

    def test_a_pong(self) -> None:
        assert tell(started(), msg.Pong()) == [{"event": "pong"}]

    def test_an_error_has_its_text_in_message_and_in_data(self) -> None:
        assert tell(started(), msg.Error("bad_audio", "No.")) == [
            {"type": "error", "message": "No.", "data": "No.", "code": "bad_audio"}
        ]

    @pytest.mark.parametrize(
        "message",
        [
            msg.Error("audio_too_fast", "Slower."),
            msg.Watched(True, "We read along."),
            msg.GoingAway(1.0),
        ],
    )
    def test_what_does_not_end_anything_is_a_warning(self, message: msg.Message) -> None:
        [told] = tell(started(), message)
        assert told["type"] == "warning"
        assert told["message"] == told["data"] != ""

    def test_nobody_reads_along_any_more(self) -> None:
        assert tell(started(), msg.Watched(False, "")) == []

    def test_no_more_can_be_taken(self) -> None:
        assert json.loads(fastrtc.limit_reached(3)) == {
            "status": "failed",
            "meta": {"error": "concurrency_limit_reached", "limit": 3},
        }

    def test_the_end(self) -> None:
        assert json.loads(fastrtc.end_stream("Over.")) == {"type": "end_stream", "data": "Over."}


@pytest.mark.parametrize("rate", [24000, 48000])
def test_the_seeds_own_coding_of_sound_is_ours(rate: int) -> None:
    """16 bit samples, as the seed's page makes them, survive mu-law both ways but for its steps."""
    samples = (np.sin(np.arange(rate // 10) * 2 * np.pi * 440 / rate) * 20_000).astype("<i2")
    [heard] = hear(started(), media(base64.b64encode(g711.encode_ulaw(samples.tobytes())).decode()))
    assert isinstance(heard, ev.VoiceArrived)
    back = np.frombuffer(g711.decode_ulaw(heard.audio), "<i2").astype(int)
    # Half of the largest step of G.711 at this loudness.
    assert np.abs(back - samples).max() <= 512
