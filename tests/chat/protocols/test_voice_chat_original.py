"""The original client's wire: what it sends, and frames that it can show and play."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat import events as ev
from chat import messages as msg
from chat.protocols.base import ProtocolError
from chat.protocols.voice_chat import choose
from chat.protocols.voice_chat_original import VoiceChatOriginal
from chat.protocols.voice_chat_v1 import VoiceChatV1

DEEP = '{"a":' * 20_000 + "1" + "}" * 20_000
QUESTION = {"usr_query": "Hello?", "usr_id": "066463f4", "is_voice": True}


def told(protocol: VoiceChatOriginal, *messages: msg.Message) -> list[dict[str, Any]]:
    return [json.loads(frame) for message in messages for frame in protocol.encode(message)]


def start(kind: str, voice: str | None = "espeak:en") -> msg.ReplyStart:
    return msg.ReplyStart("r", "t", kind, 0, voice)


def clip(sound: bytes, index: int = 0, text: str = "") -> list[msg.Message]:
    return [
        msg.Sentence("r", index, text, 0, 0),
        msg.Audio("r", 0, 0, 0, True, False, sound),
        msg.Audio("r", 0, 1, 0, False, True, b""),
    ]


def b64(sound: bytes) -> str:
    return base64.b64encode(sound).decode()


class TestDecoding:
    def test_the_first_question_opens_the_call_and_its_id_is_only_a_label(self) -> None:
        hello, typed = VoiceChatOriginal().decode(json.dumps(QUESTION))
        assert isinstance(hello, ev.Hello)
        assert hello.audio == msg.AudioFormat(encoding="mp3")
        assert (hello.conversation, hello.label) == (None, "066463f4")
        assert typed == ev.Typed(None, "Hello?", spoken=True)

    def test_later_questions_do_not_open_it_again(self) -> None:
        protocol = VoiceChatOriginal()
        protocol.decode(json.dumps(QUESTION))
        assert len(protocol.decode(json.dumps(QUESTION))) == 1

    @pytest.mark.parametrize(
        ("is_voice", "spoken"),
        [({}, True), ({"is_voice": True}, True), ({"is_voice": False}, False)],
    )
    def test_is_voice_absent_means_true(self, is_voice: dict[str, bool], spoken: bool) -> None:
        events = VoiceChatOriginal().decode(json.dumps({"usr_query": "x"} | is_voice))
        assert ev.Typed(None, "x", spoken) in events

    def test_a_guest_id_is_a_label_too(self) -> None:
        hello, *_ = VoiceChatOriginal().decode('{"usr_query": "x", "guest_id": 42}')
        assert isinstance(hello, ev.Hello)
        assert hello.label == "42"

    @pytest.mark.parametrize(
        "frame",
        [
            "",
            "hello",
            "[]",
            "null",
            "{}",
            '{"usr_query": 1}',
            '{"usr_id": "x"}',
            b"\xff",
            b"[1]",
            DEEP,
        ],
    )
    def test_what_is_not_a_question_is_refused(self, frame: str | bytes) -> None:
        with pytest.raises(ProtocolError):
            VoiceChatOriginal().decode(frame)

    @given(st.text() | st.binary())
    def test_any_frame_is_a_question_or_a_refusal(self, frame: str | bytes) -> None:
        with pytest.raises(ProtocolError):
            VoiceChatOriginal().decode(frame)


class TestGeneric:
    def test_each_sentence_is_a_text_frame_and_its_sound_a_voice_frame(self) -> None:
        protocol = VoiceChatOriginal()
        assert told(
            protocol,
            start("generic"),
            msg.Delta("r", 0, "Hi. "),
            msg.SentenceKnown("r", 0, "Hi. "),
            msg.SentenceKnown("r", 1, "There."),
            msg.TextEnd("r", "Hi. There."),
            *clip(b"mp3-1", 0, "Hi. "),
            *clip(b"mp3-2", 1, "There."),
            msg.ReplyEnd("r", "done", "Hi. There.", 1, "Hi. There.", 3),
        ) == [
            {"type": "text", "content": "Hi.", "text": "Hi."},
            {"type": "text", "content": "There.", "text": "There."},
            {"type": "voice", "audio": b64(b"mp3-1")},
            {"type": "voice", "audio": b64(b"mp3-2")},
        ]


class TestProperty:
    def test_cards_and_the_whole_summary_are_one_text_frame_before_any_sound(self) -> None:
        protocol = VoiceChatOriginal()
        cards = ({"title": "Flat"},)
        assert told(
            protocol,
            start("property"),
            msg.CardsShown("r", cards),
            msg.SentenceKnown("r", 0, "One flat. "),
            *clip(b"mp3", 0, "One flat. "),
            msg.SentenceKnown("r", 1, "In Lisbon."),
            msg.TextEnd("r", "One flat. In Lisbon."),
        ) == [
            {
                "type": "text",
                "content": {"cards": [{"title": "Flat"}]},
                "text": "One flat. In Lisbon.",
            },
            {"type": "voice", "audio": b64(b"mp3")},
        ]

    def test_cards_that_come_in_two_parts_are_one_frame(self) -> None:
        protocol = VoiceChatOriginal()
        one, two = {"title": "A"}, {"title": "B"}
        [frame] = told(
            protocol,
            start("property"),
            msg.CardsShown("r", (one,)),
            msg.CardsShown("r", (one, two)),
            msg.TextEnd("r", "Two."),
        )
        assert frame["content"] == {"cards": [one, two]}


class TestRealtime:
    def test_each_item_is_one_frame_with_its_sound(self) -> None:
        protocol = VoiceChatOriginal()
        assert told(
            protocol,
            start("realtime"),
            msg.SentenceKnown("r", 0, "It is noon."),
            msg.SentenceKnown("r", 1, "\nIt is one."),
            *clip(b"a", 0),
            *clip(b"b", 1),
        ) == [
            {"type": "voice", "audio": b64(b"a"), "text": "It is noon."},
            {"type": "voice", "audio": b64(b"b"), "text": "It is one."},
        ]

    def test_without_voice_an_item_is_a_text_frame(self) -> None:
        protocol = VoiceChatOriginal()
        frames = told(protocol, start("realtime", None), msg.SentenceKnown("r", 0, "Noon."))
        assert frames == [{"type": "text", "content": "Noon.", "text": "Noon."}]

    def test_when_the_voice_fails_the_text_still_comes(self) -> None:
        protocol = VoiceChatOriginal()
        frames = told(
            protocol,
            start("realtime"),
            msg.SentenceKnown("r", 0, "Noon."),
            msg.Error("speech_failed", "no voice"),
            msg.SentenceKnown("r", 1, "One."),
            msg.ReplyEnd("r", "done", "", None, None, 1),
        )
        assert [frame.get("text") for frame in frames] == ["Noon.", "no voice", "One."]


class TestFailure:
    def test_an_error_can_be_shown_as_text(self) -> None:
        assert told(VoiceChatOriginal(), msg.Error("empty_text", "no text")) == [
            {"type": "error", "code": "empty_text", "message": "no text", "text": "no text"}
        ]

    @pytest.mark.parametrize(
        "message",
        [
            msg.Ready("c", 0, {}, (), msg.AgreedAudio(None, None), False),
            msg.State("silent", "silent"),
            msg.Ack("i", "t", "r", 1),
            msg.Clear(1),
            msg.Pong(),
        ],
    )
    def test_what_it_has_no_words_for_is_not_sent(self, message: msg.Message) -> None:
        assert told(VoiceChatOriginal(), message) == []

    def test_before_a_protocol_is_known_an_error_has_what_all_read(self) -> None:
        told = {
            "type": "error",
            "code": "full",
            "message": "?",
            "text": "?",
            "data": "?",
            "retry": 9,
            "id": None,
        }
        voicebot = {"event": "error", "error": {"code": "full", "message": "?"}}
        assert json.loads(msg.encode_plain_error("full", "?", 9)) == told | voicebot


class TestChoosing:
    def test_hello_selects_version_1(self) -> None:
        assert isinstance(choose('{"type": "hello", "version": 1}'), VoiceChatV1)

    @pytest.mark.parametrize("first", [json.dumps(QUESTION), "{}", '{"type": "other"}'])
    def test_any_other_object_selects_the_original(self, first: str) -> None:
        assert isinstance(choose(first), VoiceChatOriginal)

    @pytest.mark.parametrize("first", ["", "hello", "[]", b"\xff\xfe", '{"type": 5}', DEEP])
    def test_what_is_not_an_object_leaves_it_open(self, first: str | bytes) -> None:
        with pytest.raises(ProtocolError):
            choose(first)
