"""Version 1 on the wire: docs/protocol.md row by row."""

from __future__ import annotations

import json
import struct
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat import events as ev
from chat import messages as msg
from chat.protocols.base import ProtocolError
from chat.protocols.voice_chat_v1 import VoiceChatV1
from conversations.stored import StoredAudio, StoredTurn

DEEP = '{"type":"text","id":' + '{"a":' * 20_000 + "1" + "}" * 20_001
HELLO = {"type": "hello", "version": 1}
AGREED = msg.AgreedAudio(None, msg.VoiceFormat())
AUDIO = msg.Audio("r", 3, 70_000, 48_000, True, False, b"\1\2\3\4")


def decode(message: object) -> ev.ClientEvent | ev.VoiceEvent:
    [event] = VoiceChatV1().decode(json.dumps(message))
    return event


def encode(message: msg.Message) -> Any:
    [frame] = VoiceChatV1().encode(message)
    return json.loads(frame)


class TestDecoding:
    def test_hello_alone_asks_for_a_new_conversation_in_text(self) -> None:
        assert decode(HELLO) == ev.Hello()

    def test_hello_with_everything(self) -> None:
        out = {"encoding": "mp3", "rate": 16000, "framing": "base64"}
        message = HELLO | {
            "conversation": "c",
            "bot": "b",
            "last_rev": 7,
            "audio": {"out": out, "in": {"encoding": "alaw", "rate": 8000}},
            "record": True,
            "voice": "espeak:en",
            "speed": 1.5,
            "language": "pt-BR",
            "unknown": [1],
        }
        assert decode(message) == ev.Hello(
            conversation="c",
            bot="b",
            last_rev=7,
            audio=msg.AudioFormat("mp3", 16000, "base64"),
            voice_in=msg.VoiceFormat("alaw", 8000),
            record=True,
            voice="espeak:en",
            speed=1.5,
            language="pt-BR",
        )

    @pytest.mark.parametrize("audio", [None, {}, {"out": None}])
    def test_hello_without_audio_out_is_text_only(self, audio: object) -> None:
        event = decode(HELLO | {"audio": audio})
        assert isinstance(event, ev.Hello)
        assert event.audio is None

    @pytest.mark.parametrize(
        ("message", "event"),
        [
            ({"type": "text", "id": "1", "text": "hi"}, ev.Typed("1", "hi")),
            ({"type": "interrupt"}, ev.Interrupt()),
            ({"type": "played", "reply": "r", "ms": 12.5}, ev.Played("r", 12.5)),
            ({"type": "played", "reply": "r", "ms": 12, "done": True}, ev.Played("r", 12, True)),
            ({"type": "configure", "audio": False}, ev.Configure(audio=False)),
            ({"type": "configure", "voice": "v", "speed": 2}, ev.Configure("v", 2.0)),
            ({"type": "configure", "record": True}, ev.Configure(record=True)),
            ({"type": "speech_start"}, ev.TalkPressed()),
            ({"type": "speech_stop"}, ev.TalkReleased()),
            ({"type": "microphone", "on": True}, ev.MicrophoneSwitched(True)),
            (
                {"type": "microphone", "on": False, "mode": "push_to_talk"},
                ev.MicrophoneSwitched(False, push_to_talk=True),
            ),
            ({"type": "rate", "turn": "t", "value": -1}, ev.Rate("t", -1)),
            ({"type": "ping"}, ev.Ping()),
            ({"type": "ping", "id": "p"}, ev.Ping("p")),
        ],
    )
    def test_each_message_is_its_event(
        self, message: object, event: ev.ClientEvent | ev.VoiceEvent
    ) -> None:
        assert decode(message) == event

    @pytest.mark.parametrize(
        "message",
        [
            None,
            [],
            "text",
            1,
            {},
            {"type": "dance"},
            {"type": 1},
            {"type": "text", "id": "1"},
            {"type": "text", "id": "", "text": "x"},
            {"type": "text", "id": "x" * 65, "text": "x"},
            {"type": "text", "id": "a\u0000b", "text": "x"},
            {"type": "text", "id": 1, "text": "x"},
            {"type": "text", "id": "1", "text": ["x"]},
            {"type": "played", "reply": "r", "ms": -1},
            {"type": "rate", "turn": "t", "value": 2},
            {"type": "configure", "speed": 9},
            HELLO | {"version": 2},
            HELLO | {"last_rev": -1},
            HELLO | {"audio": {"out": {"encoding": "midi"}}},
            HELLO | {"audio": {"out": {"rate": 7}}},
            HELLO | {"audio": {"in": {"rate": 11_025}}},
            HELLO | {"record": "yes"},
            {"type": "microphone"},
            {"type": "microphone", "on": True, "mode": "loud"},
        ],
    )
    def test_what_is_not_a_message_is_refused(self, message: object) -> None:
        with pytest.raises(ProtocolError) as refused:
            decode(message)
        assert refused.value.code == "bad_message"

    @pytest.mark.parametrize("frame", ["", "{", "nul", '{"type":"text"', b"\0\1", b"{}", DEEP])
    def test_what_is_not_json_text_is_refused(self, frame: str | bytes) -> None:
        with pytest.raises(ProtocolError):
            VoiceChatV1().decode(frame)

    def test_a_refusal_names_the_message_at_fault(self) -> None:
        with pytest.raises(ProtocolError) as refused:
            decode({"type": "text", "id": "t-9", "text": 5})
        assert refused.value.id == "t-9"

    @given(st.text() | st.binary())
    def test_any_frame_is_an_event_or_a_refusal(self, frame: str | bytes) -> None:
        with suppress(ProtocolError):
            assert len(VoiceChatV1().decode(frame)) == 1

    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(st.text(max_size=5), inner, max_size=3)
            ),
            max_leaves=6,
        ),
        st.sampled_from(
            ["hello", "text", "audio", "microphone", "played", "configure", "rate", "ping"]
        ),
        st.sampled_from(
            ["id", "text", "ms", "reply", "turn", "value", "speed", "audio", "version", "on"]
        ),
    )
    def test_any_field_of_any_kind_is_an_event_or_a_refusal(
        self, value: object, type: str, field: str
    ) -> None:
        with suppress(ProtocolError):
            decode({"type": type, field: value})


def listening(**format: object) -> VoiceChatV1:
    """A protocol whose client has said how its voice comes."""
    protocol = VoiceChatV1()
    protocol.decode(json.dumps(HELLO | {"audio": {"in": format}}))
    return protocol


class TestVoice:
    def test_comes_in_binary_frames(self) -> None:
        frame = struct.pack(">BBHIQ", 2, 0, 0, 5, 320) + b"\1\2"
        assert listening().decode(frame) == [ev.VoiceArrived(b"\1\2")]

    def test_comes_as_base64(self) -> None:
        frame = json.dumps({"type": "audio", "audio": "AQI="})
        assert listening().decode(frame) == [ev.VoiceArrived(b"\1\2")]

    def test_has_one_byte_a_sample_on_the_telephone(self) -> None:
        frame = struct.pack(">BBHIQ", 2, 0, 0, 0, 0) + b"\1\2\3"
        [event] = listening(encoding="mulaw", rate=8000).decode(frame)
        assert event == ev.VoiceArrived(b"\1\2\3")

    @pytest.mark.parametrize(
        "frame",
        [
            b"",
            b"\2",
            struct.pack(">BBHIQ", 1, 0, 0, 0, 0) + b"\1\2",
            struct.pack(">BBHIQ", 2, 0, 0, 0, 0) + b"\1\2\3",
            json.dumps({"type": "audio", "audio": "AQI"}),
            json.dumps({"type": "audio", "audio": "A QI="}),
            json.dumps({"type": "audio", "audio": "AQ=="}),
        ],
    )
    def test_that_cannot_be_read_is_refused(self, frame: str | bytes) -> None:
        with pytest.raises(ProtocolError) as refused:
            listening().decode(frame)
        assert refused.value.code == "bad_audio"

    def test_of_no_agreed_format_is_refused(self) -> None:
        protocol = VoiceChatV1()
        protocol.decode(json.dumps(HELLO))
        with pytest.raises(ProtocolError, match="no format"):
            protocol.decode(struct.pack(">BBHIQ", 2, 0, 0, 0, 0) + b"\1\2")


class TestEncoding:
    def test_audio_is_a_binary_frame_with_the_documented_header(self) -> None:
        [frame] = VoiceChatV1().encode(AUDIO)
        assert frame == struct.pack(">BBHIQ", 1, 1, 3, 70_000, 48_000) + b"\1\2\3\4"
        assert len(frame) == 16 + 4

    def test_the_last_frame_of_a_sentence_is_marked_and_may_be_empty(self) -> None:
        [frame] = VoiceChatV1().encode(msg.Audio("r", 0, 1, 2, False, True, b""))
        assert frame == struct.pack(">BBHIQ", 1, 2, 0, 1, 2)

    def test_audio_is_base64_where_the_client_asked_for_it(self) -> None:
        protocol = VoiceChatV1()
        protocol.decode(json.dumps(HELLO | {"audio": {"out": {"framing": "base64"}}}))
        [frame] = protocol.encode(AUDIO)
        assert json.loads(frame) == {
            "type": "audio",
            "reply": "r",
            "generation": 3,
            "sequence": 70_000,
            "position": 48_000,
            "first": True,
            "last": False,
            "audio": "AQIDBA==",
        }

    def test_sentences_are_not_told_twice(self) -> None:
        assert VoiceChatV1().encode(msg.SentenceKnown("r", 0, "Hi.")) == []

    def test_ready_holds_the_turns_as_documented(self) -> None:
        sound = StoredAudio("/a", 5, 100)
        turn = StoredTurn(
            "t", 0, 1, "user", "", "done", "hi", None, None, (), "", None, "c", None, (sound,), "at"
        )
        ready = encode(msg.Ready("c", 1, {"name": "Bot"}, (turn,), AGREED, True))
        assert ready["type"] == "ready"
        assert ready["recording"] is True
        assert ready["audio"]["out"] is None
        assert ready["audio"]["in"] == {"encoding": "pcm_s16le", "rate": 16000}
        assert ready["limits"] == {"text_chars": 8000, "pending": 16, "frame_bytes": 262144}
        assert ready["turns"] == [
            {
                "id": "t",
                "seq": 0,
                "rev": 1,
                "role": "user",
                "kind": "",
                "status": "done",
                "text": "hi",
                "heard": None,
                "heard_ms": None,
                "cards": [],
                "error": "",
                "rating": None,
                "client_id": "c",
                "reply_to": None,
                "audio": [{"url": "/a", "start_ms": 5, "duration_ms": 100}],
                "at": "at",
            }
        ]

    @pytest.mark.parametrize(
        ("message", "wire"),
        [
            (
                msg.Ack("i", "t", "r", 2),
                {"type": "ack", "id": "i", "turn": "t", "reply": "r", "rev": 2},
            ),
            (
                msg.State("silent", "thinking"),
                {"type": "state", "person": "silent", "bot": "thinking"},
            ),
            (msg.Delta("r", 3, "x"), {"type": "delta", "reply": "r", "offset": 3, "text": "x"}),
            (msg.Clear(2), {"type": "clear", "generation": 2}),
            (msg.TextEnd("r", "x"), {"type": "text_end", "reply": "r", "text": "x"}),
            (
                msg.Sentence("r", 1, "Hi.", 4, 900),
                {
                    "type": "sentence",
                    "reply": "r",
                    "index": 1,
                    "text": "Hi.",
                    "start": 4,
                    "offset_ms": 900,
                },
            ),
            (
                msg.ReplyEnd("r", "done", "x", 5, "x", 3),
                {
                    "type": "reply_end",
                    "reply": "r",
                    "status": "done",
                    "text": "x",
                    "heard_ms": 5,
                    "heard": "x",
                    "rev": 3,
                },
            ),
            (
                msg.Error("busy", "wait", 1.0, "i"),
                {"type": "error", "code": "busy", "message": "wait", "retry": 1.0, "id": "i"},
            ),
            (msg.Pong("p"), {"type": "pong", "id": "p"}),
        ],
    )
    def test_each_message_is_written_as_documented(
        self, message: msg.Message, wire: dict[str, Any]
    ) -> None:
        assert encode(message) == wire
