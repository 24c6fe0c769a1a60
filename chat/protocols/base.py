"""What a protocol is: frames in, events out; messages in, frames out. No I/O, no clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol as Interface

import msgspec

from ..events import ClientEvent, VoiceEvent
from ..messages import Message

Frame = str | bytes


# What decoding raises for what is no JSON, or JSON of another form, or nested without end.
UNREADABLE = (msgspec.DecodeError, UnicodeError, RecursionError)


class ProtocolError(Exception):
    """A frame that cannot be read. ``message`` is for whoever wrote the client."""

    def __init__(self, code: str, message: str, id: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.id = id


@dataclass(frozen=True, slots=True)
class Manners:
    """How clients of a protocol want to be treated.

    ``plays_at_once``: the client queues nothing, so a sound is sent when the one before has ended.
    ``text_waits``: a typed turn waits until the reply before it is written, rather than cutting it.
    ``idle_s``: silence after which the socket is closed (4408); None: never.
    ``marks``: what was played is told now and then, by marks; between them the clock counts.
    ``resumes``: whoever was cut off comes back, and other sockets may speak in the conversation.
    ``telephone``: the person has nothing to look at. They are told that the call is recorded, and
    reminded and then parted from when they say nothing.
    ``lead_ms``: audio leaves at most so far ahead of playback; None: as the operator says.
    ``clears``: what has been sent can be taken back; otherwise it is played to its end.
    ``chunk_ms``: audio leaves in pieces of this length (0: as it is synthesised), whole ones only
    (the last filled up with silence) where ``fill_chunks``.
    """

    plays_at_once: bool = False
    text_waits: bool = False
    idle_s: float | None = None
    marks: bool = False
    resumes: bool = False
    telephone: bool = False
    lead_ms: float | None = None
    clears: bool = True
    chunk_ms: int = 0
    fill_chunks: bool = False


class Protocol(Interface):
    @property
    def name(self) -> str: ...

    @property
    def manners(self) -> Manners: ...

    def decode(self, frame: Frame) -> Sequence[ClientEvent | VoiceEvent]:
        """The events in a frame. Raises ``ProtocolError``."""
        ...

    def encode(self, message: Message) -> Sequence[Frame]:
        """The frames that tell a message; none where the protocol has no words for it."""
        ...
