"""Which dialect a call is in, and what its start says."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chat import events as ev
from chat.messages import AudioFormat, VoiceFormat
from chat.protocols.base import ProtocolError
from chat.protocols.voicebot import choose
from chat.protocols.voicebot_start import Start, read_start

from .voicebot_starts import CONNECTED, EXOTEL, TWILIO, VOICEBOT, exotel, twilio

DEEP = '{"event":"start","start":' + '{"a":' * 20_000 + "1" + "}" * 20_001


def read(message: object, rate: str | None = None) -> Start:
    start = read_start(json.dumps(message), rate)
    assert start is not None
    return start


def hello(message: object, rate: str | None = None) -> ev.Hello:
    frame = json.dumps(message)
    protocol = choose(frame, rate)
    assert protocol is not None
    [event] = protocol.decode(frame)
    assert isinstance(event, ev.Hello)
    return event


def without(message: dict[str, Any], name: str) -> dict[str, Any]:
    start = {key: value for key, value in message["start"].items() if key != name}
    return message | {"start": start}


class TestBefore:
    @pytest.mark.parametrize(
        "message",
        [CONNECTED, {"event": "connected"}, {"event": "media", "media": {"payload": "*"}},
         {"event": "stop"}, {"event": "anything"}],
    )  # fmt: skip
    def test_nothing_else_begins_a_call(self, message: object) -> None:
        assert choose(json.dumps(message)) is None

    @pytest.mark.parametrize(
        "frame",
        ["", "no", "[]", "null", "{}", '{"event":null}', '{"event":"start"}', DEEP, b"\xff",
         '{"event":"start","start":null}', '{"event":"start","start":[]}',
         '{"event":"start","start":{}}', '{"event":"start","websocket_id":"fastrtc"}'],
    )  # fmt: skip
    def test_what_is_no_start_is_refused(self, frame: str | bytes) -> None:
        with pytest.raises(ProtocolError) as error:
            choose(frame)
        assert error.value.code == "bad_message"


class TestDialect:
    @pytest.mark.parametrize(
        ("message", "dialect"),
        [
            (VOICEBOT, "voicebot"),
            (EXOTEL, "exotel"),
            (TWILIO, "twilio"),
            # Exotel's own samples mix the spellings.
            (exotel() | {"streamSid": "x", "sequenceNumber": "1"}, "exotel"),
            (without(exotel(streamSid="stream-1"), "stream_sid"), "exotel"),
            (without(EXOTEL, "account_sid"), "exotel"),
            (without(EXOTEL, "stream_sid"), "exotel"),
            (without(TWILIO, "mediaFormat"), "twilio"),
        ],
    )
    def test_is_told_by_the_ids(self, message: object, dialect: str) -> None:
        assert read(message).dialect == dialect

    @pytest.mark.parametrize(
        ("message", "call", "stream"),
        [(VOICEBOT, "test", "test"), (EXOTEL, "call-1", "stream-1"), (TWILIO, "CA1", "MZ1")],
    )
    def test_ids(self, message: object, call: str, stream: str) -> None:
        start = read(message)
        assert (start.call, start.stream) == (call, stream)

    @pytest.mark.parametrize(
        "start",
        [
            {"call_sid": "c"},
            {"stream_sid": "s"},
            {"call_sid": "", "stream_sid": "s"},
            {"call_sid": "x" * 101, "stream_sid": "s"},
            {"call_sid": "line\n", "stream_sid": "s"},
            {"call_sid": "ü", "stream_sid": "s"},
            {"call_sid": 1, "stream_sid": "s"},
            {"call_sid": "c", "stream_sid": None},
        ],
    )
    def test_a_start_needs_both_ids_printable_and_not_long(self, start: object) -> None:
        with pytest.raises(ProtocolError) as error:
            read({"event": "start", "start": start})
        assert error.value.code == "bad_message"
        assert "sid" in error.value.message


class TestFormat:
    def test_voicebot_is_samples_at_8_khz(self) -> None:
        said = hello(VOICEBOT, rate="16000")
        assert said.audio == AudioFormat("pcm_s16le", 8000, "base64")
        assert said.voice_in == VoiceFormat("pcm_s16le", 8000)

    def test_twilio_is_mulaw_at_8_khz(self) -> None:
        said = hello(TWILIO)
        assert said.audio == AudioFormat("mulaw", 8000, "base64")
        assert said.voice_in == VoiceFormat("mulaw", 8000)

    @pytest.mark.parametrize(
        "format", [{"encoding": "audio/x-alaw"}, {"encoding": "audio/x-mulaw", "sampleRate": 16000}]
    )
    def test_twilio_is_nothing_else(self, format: object) -> None:
        with pytest.raises(ProtocolError, match="mu-law at 8000 Hz"):
            read(twilio(mediaFormat=format))

    @pytest.mark.parametrize(
        ("format", "url", "encoding", "rate"),
        [
            ({"encoding": "audio/x-raw", "sample_rate": "16000"}, None, "pcm_s16le", 16000),
            ({"encoding": "raw", "sample_rate": 24000}, None, "pcm_s16le", 24000),
            ({"encoding": "RAW", "sampleRate": "8000"}, "16000", "pcm_s16le", 8000),
            ({"encoding": "audio/x-mulaw", "sample_rate": 8000}, None, "mulaw", 8000),
            ({"encoding": "raw"}, "24000", "pcm_s16le", 24000),
            ({"encoding": "raw"}, None, "pcm_s16le", 8000),
            ({"encoding": "raw"}, "", "pcm_s16le", 8000),
            (None, "16000", "pcm_s16le", 16000),
            ({}, None, "pcm_s16le", 8000),
        ],
    )
    def test_exotel_is_what_start_says_else_what_the_address_says(
        self, format: object, url: str | None, encoding: str, rate: int
    ) -> None:
        start = read(exotel(media_format=format), url)
        assert (start.encoding, start.rate) == (encoding, rate)

    @pytest.mark.parametrize(
        ("format", "url"),
        [
            ({"sample_rate": "44100"}, None),
            ({"sample_rate": 0}, None),
            ({"sample_rate": "x"}, "8000"),
            ({}, "11025"),
            ({"encoding": "opus"}, None),
        ],
    )
    def test_what_we_do_not_speak_is_refused_with_what_we_do(
        self, format: object, url: str | None
    ) -> None:
        with pytest.raises(ProtocolError, match="can be") as error:
            read(exotel(media_format=format), url)
        assert error.value.code == "bad_audio"


class TestCustomParameters:
    @pytest.mark.parametrize(
        "message",
        [
            exotel(custom_parameters={"bot": "b", "language": "de", "voice": "v", "other": [1]}),
            twilio(customParameters={"bot": "b", "language": "de", "voice": "v", "token": "t"}),
        ],
    )
    def test_choose_the_bot_its_language_and_its_voice(self, message: object) -> None:
        said = hello(message)
        assert (said.bot, said.language, said.voice) == ("b", "de", "v")

    @pytest.mark.parametrize("custom", [None, {}, {"bot": "", "language": "", "voice": ""}])
    def test_may_be_absent_or_empty(self, custom: object) -> None:
        said = hello(exotel(custom_parameters=custom))
        assert (said.bot, said.language, said.voice) == (None, "", "")

    def test_the_call_is_the_label_of_the_client(self) -> None:
        assert hello(TWILIO).label == "CA1"

    def test_hold_the_token(self) -> None:
        assert read(twilio(customParameters={"token": "t"})).custom.token == "t"

    @pytest.mark.parametrize(
        "custom",
        [{"bot": 1}, {"bot": "x" * 101}, {"language": "d e"}, {"token": "x" * 501}, "?", []],
    )
    def test_of_another_form_are_refused(self, custom: object) -> None:
        with pytest.raises(ProtocolError) as error:
            read(exotel(custom_parameters=custom))
        assert error.value.code == "bad_message"
