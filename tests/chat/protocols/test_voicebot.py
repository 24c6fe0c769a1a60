"""VoiceBot, Exotel and Twilio on the wire: docs/protocol.md row by row."""

from __future__ import annotations

import base64
import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat import events as ev
from chat import messages as msg
from chat.protocols.base import Protocol, ProtocolError
from chat.protocols.marks import REMEMBERED
from chat.protocols.voicebot import choose

from .voicebot_starts import CONNECTED, EXOTEL, TWILIO, VOICEBOT, exotel, twilio

DEEP = '{"event":"media","media":' + '{"a":' * 20_000 + "1" + "}" * 20_001
ALL = pytest.mark.parametrize(
    "start", [VOICEBOT, EXOTEL, TWILIO], ids=["voicebot", "exotel", "twilio"]
)


def started(start: object) -> Protocol:
    """The protocol of a call that has begun."""
    frame = json.dumps(start)
    protocol = choose(frame)
    assert protocol is not None
    protocol.decode(frame)
    return protocol


def hear(protocol: Protocol, message: object) -> list[object]:
    return list(protocol.decode(json.dumps(message)))


def tell(protocol: Protocol, message: msg.Message) -> list[Any]:
    return [json.loads(frame) for frame in protocol.encode(message)]


def refusal(protocol: Protocol, message: object) -> tuple[str, str]:
    with pytest.raises(ProtocolError) as error:
        hear(protocol, message)
    return error.value.code, error.value.message


def audio(payload: bytes, *, position: int = 0, reply: str = "r") -> msg.Audio:
    return msg.Audio(reply, 0, 0, position, False, False, payload)


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def mark_of(message: dict[str, Any]) -> str:
    mark = message["mark"]
    name: str = mark["value"] if "value" in mark else mark["name"]
    return name


class TestHearing:
    @ALL
    @pytest.mark.parametrize(
        "more",
        [
            {"chunk": "inbound", "timestamp": 1721047849.123},
            {"chunk": "1", "timestamp": "20"},
            {"chunk": 1, "timestamp": 20, "track": "inbound"},
            {},
        ],
    )
    def test_media_is_the_voice_however_it_is_numbered(self, start: object, more: Any) -> None:
        message = {"event": "media", "media": {"payload": b64(b"\1\2\3\4"), **more}}
        assert hear(started(start), message) == [ev.VoiceArrived(b"\1\2\3\4")]
        message |= {"sequenceNumber": "3", "streamSid": "MZ"}
        assert hear(started(start), message) == [ev.VoiceArrived(b"\1\2\3\4")]

    def test_the_bots_own_track_is_not_the_persons_voice(self) -> None:
        message = {"event": "media", "media": {"payload": b64(b"\1"), "track": "outbound"}}
        assert hear(started(TWILIO), message) == []

    @ALL
    def test_no_audio_is_no_event(self, start: object) -> None:
        assert hear(started(start), {"event": "media", "media": {"payload": ""}}) == []

    @pytest.mark.parametrize("start", [VOICEBOT, EXOTEL], ids=["voicebot", "exotel"])
    def test_half_a_sample_is_refused(self, start: object) -> None:
        message = {"event": "media", "media": {"payload": b64(b"\1\2\3")}}
        assert refusal(started(start), message) == (
            "bad_audio",
            "a sample of pcm_s16le has two bytes; half of one came",
        )

    def test_a_sample_of_mulaw_is_one_byte(self) -> None:
        message = {"event": "media", "media": {"payload": b64(b"\1\2\3")}}
        assert hear(started(TWILIO), message) == [ev.VoiceArrived(b"\1\2\3")]

    @ALL
    @pytest.mark.parametrize("payload", ["AQI", "A QI=", "AQI*", "ä", "=AQI", "AQI\n"])
    def test_what_is_no_base64_is_refused(self, start: object, payload: str) -> None:
        code, text = refusal(started(start), {"event": "media", "media": {"payload": payload}})
        assert code == "bad_audio"
        assert text.startswith("audio is not base64: ")

    @ALL
    @pytest.mark.parametrize("event", ["media", "mark", "dtmf"])
    def test_an_event_without_its_object_is_refused(self, start: object, event: str) -> None:
        assert refusal(started(start), {"event": event}) == (
            "bad_message",
            f"{event} needs an object named {event}",
        )

    @ALL
    @pytest.mark.parametrize(
        "frame",
        ["", "no", "[]", "1", '"media"', "{}", '{"event":1}', '{"event":"media","media":1}', DEEP,
         '{"event":"media","media":{"payload":' + "9" * 10_000 + "}}", b"\0\1\2"],
    )  # fmt: skip
    def test_what_is_no_message_is_refused(self, start: object, frame: str | bytes) -> None:
        protocol = started(start)
        with pytest.raises(ProtocolError) as error:
            protocol.decode(frame)
        assert error.value.code == "bad_message"

    @ALL
    def test_a_second_start_is_refused_and_the_call_goes_on(self, start: object) -> None:
        protocol = started(start)
        assert refusal(protocol, start) == ("bad_message", "start was sent before")
        assert hear(protocol, {"event": "stop"}) == [ev.HungUp()]

    @ALL
    @pytest.mark.parametrize("event", [CONNECTED, {"event": "clear"}, {"event": "new", "new": 1}])
    def test_what_means_nothing_to_us_is_ignored(self, start: object, event: object) -> None:
        assert hear(started(start), event) == []

    @ALL
    def test_stop_hangs_up(self, start: object) -> None:
        message = {"event": "stop", "stop": {"call_sid": "c", "reason": "callended"}}
        assert hear(started(start), message) == [ev.HungUp()]


class TestKeys:
    @pytest.mark.parametrize(
        ("digit", "key"), [("5", "5"), (0, "0"), ("*", "*"), ("#", "#"), ("a", "A")]
    )
    def test_a_key_is_a_digit(self, digit: object, key: str) -> None:
        message = {"event": "dtmf", "dtmf": {"digit": digit, "duration": "200"}}
        assert hear(started(EXOTEL), message) == [ev.Digit(key)]

    @pytest.mark.parametrize("digit", ["", "10", "e", -1, "٣"])
    def test_no_other_key_is_on_a_telephone(self, digit: object) -> None:
        code, _ = refusal(started(TWILIO), {"event": "dtmf", "dtmf": {"digit": digit}})
        assert code == "bad_message"


class TestSpeaking:
    def test_voicebot_needs_no_ids(self) -> None:
        media, mark = tell(started(VOICEBOT), audio(b"\1\2"))
        assert media == {"event": "media", "media": {"payload": "AQI="}}
        assert mark == {"event": "mark", "mark": {"type": "played", "value": "1"}}

    def test_twilio_needs_the_stream(self) -> None:
        media, mark = tell(started(TWILIO), audio(b"\1\2"))
        assert media == {"event": "media", "streamSid": "MZ1", "media": {"payload": "AQI="}}
        assert mark == {"event": "mark", "streamSid": "MZ1", "mark": {"name": "1"}}

    def test_exotel_numbers_everything(self) -> None:
        protocol = started(EXOTEL)
        sound = bytes(range(200)) * 16
        media, mark = tell(protocol, audio(sound))
        place = {"chunk": 1, "timestamp": "0"}
        stream = {"stream_sid": "stream-1"}
        payload = {"payload": b64(sound)}
        assert media == {"event": "media", "sequence_number": 1, "media": place | payload, **stream}
        assert mark == {"event": "mark", "sequence_number": 2, "mark": {"name": "1"}, **stream}
        media, _ = tell(protocol, audio(sound, position=1600))
        assert (media["sequence_number"], media["media"]["chunk"]) == (3, 2)
        assert media["media"]["timestamp"] == "200"
        assert tell(protocol, msg.Clear(1)) == [{"event": "clear", "sequence_number": 5, **stream}]

    @pytest.mark.parametrize(
        ("encoding", "silence"), [("audio/x-raw", b"\0"), ("audio/x-mulaw", b"\xff")]
    )
    @pytest.mark.parametrize(
        ("length", "whole"), [(2, 3200), (3200, 3200), (3202, 3520), (6400, 6400), (96_002, 96_320)]
    )
    def test_exotel_gets_whole_steps_filled_up_with_silence(
        self, encoding: str, silence: bytes, length: int, whole: int
    ) -> None:
        protocol = started(exotel(media_format={"encoding": encoding}))
        media, _ = tell(protocol, audio(b"\1" * length))
        payload = base64.b64decode(media["media"]["payload"])
        assert payload == b"\1" * length + silence * (whole - length)

    @ALL
    def test_the_end_of_a_sentence_without_audio_is_not_told(self, start: object) -> None:
        assert tell(started(start), audio(b"")) == []

    def test_clear(self) -> None:
        assert tell(started(VOICEBOT), msg.Clear(1)) == [{"event": "clear"}]
        assert tell(started(TWILIO), msg.Clear(1)) == [{"event": "clear", "streamSid": "MZ1"}]

    def test_errors_are_told_where_there_are_words_for_them(self) -> None:
        error = msg.Error("bad_audio", "half a sample")
        assert tell(started(VOICEBOT), error) == [
            {"event": "error", "error": {"code": "bad_audio", "message": "half a sample"}}
        ]
        assert tell(started(TWILIO), error) == tell(started(EXOTEL), error) == []

    @ALL
    @pytest.mark.parametrize(
        "message",
        [
            msg.Ready("c", 0, {}, (), msg.AgreedAudio(None, None), False),
            msg.State("silent", "thinking"),
            msg.Transcript("u", "text", True),
            msg.ReplyStart("r", None, "generic", 0, None),
            msg.Sentence("r", 0, "text", 0, 0),
            msg.TextEnd("r", "text"),
            msg.Pong(),
        ],
    )
    def test_text_is_not_told(self, start: object, message: msg.Message) -> None:
        assert tell(started(start), message) == []


class TestMarks:
    @ALL
    def test_a_mark_that_comes_back_tells_what_was_played(self, start: object) -> None:
        protocol = started(start)
        sample = 1 if start is TWILIO else 2
        _, one = tell(protocol, audio(bytes(1600 * sample)))
        _, two = tell(protocol, audio(bytes(800 * sample), position=1600))
        assert hear(protocol, one) == [ev.Played("r", 200.0)]
        assert hear(protocol, two) == [ev.Played("r", 300.0)]

    def test_the_position_counts_at_the_rate_of_the_call(self) -> None:
        protocol = started(exotel(media_format={"encoding": "raw", "sample_rate": "16000"}))
        _, mark = tell(protocol, audio(bytes(6400), position=16_000))
        assert hear(protocol, mark) == [ev.Played("r", 1200.0)]

    @ALL
    def test_each_mark_counts_once_and_passes_those_before_it(self, start: object) -> None:
        protocol = started(start)
        marks = [tell(protocol, audio(bytes(3200), position=n * 1600))[1] for n in range(3)]
        assert len({mark_of(mark) for mark in marks}) == 3
        assert hear(protocol, marks[1])
        assert hear(protocol, marks[1]) == hear(protocol, marks[0]) == []
        assert hear(protocol, marks[2])

    @ALL
    def test_after_clear_no_earlier_mark_counts(self, start: object) -> None:
        protocol = started(start)
        _, before = tell(protocol, audio(bytes(3200)))
        tell(protocol, msg.Clear(1))
        _, after = tell(protocol, audio(bytes(3200), reply="r2"))
        assert hear(protocol, before) == []
        assert [played.reply for played in hear(protocol, after)] == ["r2"]  # type: ignore[attr-defined]

    @ALL
    @pytest.mark.parametrize("mark", [{}, {"name": "x"}, {"type": "info", "value": "other"}])
    def test_marks_of_others_are_ignored(self, start: object, mark: object) -> None:
        assert hear(started(start), {"event": "mark", "mark": mark}) == []

    def test_a_client_that_sends_none_back_costs_no_more_memory_for_ever(self) -> None:
        protocol = started(VOICEBOT)
        marks = [tell(protocol, audio(b"\1\2"))[1] for _ in range(REMEMBERED + 1)]
        assert hear(protocol, marks[0]) == []
        assert hear(protocol, marks[1]) != []


class TestManners:
    @ALL
    def test_all_are_telephones_that_tell_by_marks(self, start: object) -> None:
        manners = started(start).manners
        assert (manners.marks, manners.telephone, manners.plays_at_once) == (True, True, False)
        # Who is silent is reminded and parted from; a media stream is never idle.
        assert manners.idle_s is None

    @pytest.mark.parametrize(
        ("start", "name", "chunk_ms", "fill"),
        [
            (VOICEBOT, "voicebot", 200, False),
            (TWILIO, "twilio", 200, False),
            (EXOTEL, "exotel", 200, True),
            (exotel(media_format={"sample_rate": 24_000}), "exotel", 200, True),
            (exotel(media_format={"encoding": "mulaw"}), "exotel", 400, True),
        ],
    )
    def test_pieces_are_as_long_as_each_wants_them(
        self, start: object, name: str, chunk_ms: int, fill: bool
    ) -> None:
        protocol = started(start)
        assert protocol.name == name
        assert (protocol.manners.chunk_ms, protocol.manners.fill_chunks) == (chunk_ms, fill)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
EVENTS = st.sampled_from(["start", "media", "mark", "dtmf", "stop", "clear", "connected", "?"])
PARTS = st.fixed_dictionaries(
    {},
    optional={
        "payload": JSON, "track": JSON, "digit": JSON, "name": JSON, "value": JSON,
        "call_sid": JSON, "stream_sid": JSON, "account_sid": JSON, "callSid": JSON,
        "streamSid": JSON, "media_format": JSON, "custom_parameters": JSON,
    },
)  # fmt: skip
MESSAGES = st.fixed_dictionaries(
    {"event": EVENTS | JSON},
    optional=dict.fromkeys(("start", "media", "mark", "dtmf", "streamSid"), PARTS | JSON),
)


class TestWhateverComes:
    @given(frame=st.text() | st.binary() | JSON.map(json.dumps) | MESSAGES.map(json.dumps))
    def test_nothing_but_a_protocol_error_is_raised_before_the_start(
        self, frame: str | bytes
    ) -> None:
        with suppress(ProtocolError):
            choose(frame)

    @given(
        start=st.sampled_from([VOICEBOT, EXOTEL, TWILIO]),
        frames=st.lists(st.text() | st.binary() | MESSAGES.map(json.dumps), max_size=5),
    )
    def test_nor_after_it(self, start: object, frames: list[str | bytes]) -> None:
        protocol = started(start)
        for frame in frames:
            with suppress(ProtocolError):
                for event in protocol.decode(frame):
                    assert isinstance(event, ev.VoiceArrived | ev.Played | ev.Digit | ev.HungUp)

    @given(
        start=st.sampled_from([VOICEBOT, TWILIO, exotel(), twilio()]),
        steps=st.lists(st.sampled_from(["audio", "clear", "echo", "echo old"]), max_size=30),
    )
    def test_what_was_played_never_goes_back_within_a_reply(
        self, start: object, steps: list[str]
    ) -> None:
        protocol = started(start)
        position, marks, played = 0, list[Any](), [0.0]
        for step in steps:
            if step == "audio":
                marks += tell(protocol, audio(bytes(3200), position=position))[1:]
                position += 3200 if start is TWILIO else 1600
            elif step == "clear":
                tell(protocol, msg.Clear(1))
            elif marks:
                events = hear(protocol, marks[-1 if step == "echo" else 0])
                played += [event.ms for event in events if isinstance(event, ev.Played)]
        assert played == sorted(played)
