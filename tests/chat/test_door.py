"""What somebody may send before a call is admitted."""

from __future__ import annotations

import json
from typing import Any

import pytest

from accounts.admission import NotAdmitted
from chat.door import FRAME_CHARS, FRAMES, Address, Door
from chat.protocols.base import ProtocolError
from tests.chat.protocols.voicebot_starts import CONNECTED, EXOTEL, TWILIO, VOICEBOT, twilio


def knock(door: Door, message: object) -> tuple[str, str] | None:
    return door.knock(json.dumps(message))


class TestAddress:
    @pytest.mark.parametrize(
        ("query", "path", "address"),
        [
            (b"", "", Address(None, "")),
            (b"sample-rate=16000", "", Address("16000", "")),
            (b"sample_rate=24000&k=v", "in-the-path", Address("24000", "in-the-path")),
            (
                b"token=in-the-query&sample-rate=8000",
                "in-the-path",
                Address("8000", "in-the-query"),
            ),
            (b"token=a&token=b", "", Address(None, "a")),
            (b"token=&sample-rate=", "in-the-path", Address(None, "in-the-path")),
            (b"\xff=%ff&&", "", Address(None, "")),
        ],
    )
    def test_rate_and_token(self, query: bytes, path: str, address: Address) -> None:
        assert Address.of({"query_string": query}, path) == address

    def test_a_server_may_leave_the_query_out(self) -> None:
        assert Address.of({}) == Address()


class TestDoor:
    @pytest.mark.parametrize(
        ("start", "call"), [(VOICEBOT, "test"), (EXOTEL, "call-1"), (TWILIO, "CA1")]
    )
    def test_the_start_brings_the_call_and_the_token_of_the_address(
        self, start: Any, call: str
    ) -> None:
        door = Door(Address(token="t"))
        assert knock(door, CONNECTED) is None
        assert knock(door, {"event": "media", "media": {"payload": "?"}}) is None
        assert knock(door, start) == ("t", call)

    def test_the_token_of_the_start_comes_first(self) -> None:
        start = twilio(customParameters={"token": "of the start"})
        assert knock(Door(Address(token="t")), start) == ("of the start", "CA1")

    def test_without_any_it_is_empty(self) -> None:
        assert knock(Door(Address()), VOICEBOT) == ("", "test")

    def test_so_many_frames_and_no_start_are_enough(self) -> None:
        door = Door(Address())
        for _ in range(FRAMES - 1):
            assert knock(door, CONNECTED) is None
        with pytest.raises(NotAdmitted) as error:
            knock(door, CONNECTED)
        assert error.value.close == 4401

    def test_the_last_of_them_may_be_the_start(self) -> None:
        door = Door(Address())
        for _ in range(FRAMES - 1):
            knock(door, CONNECTED)
        assert knock(door, VOICEBOT) is not None

    def test_a_big_frame_is_not_even_read(self) -> None:
        with pytest.raises(ProtocolError) as error:
            Door(Address()).knock(" " * (FRAME_CHARS + 1))
        assert error.value.code == "too_big"

    def test_what_cannot_be_read_is_refused(self) -> None:
        with pytest.raises(ProtocolError) as error:
            Door(Address()).knock("?")
        assert error.value.code == "bad_message"
