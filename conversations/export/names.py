"""What files of an export are called. Nothing that anybody said or chose gets into a name.

So a name cannot lead out of its folder, hide its end or run, and it does not tell what was said.
"""

from __future__ import annotations

import re

from ..models import AudioSegment, Conversation, Turn
from .kept import KeptCall

CONVERSATIONS = "conversations"
TURNS = "turns.csv"
MANIFEST = "manifest.json"
CONVERSATION = "conversation.json"

_NOT_PLAIN = re.compile(r"[^a-z0-9]")


def stem(conversation: Conversation) -> str:
    """The day it began and its id: unique, and in order when sorted."""
    return f"{conversation.created_at:%Y-%m-%d}_{conversation.pk}"


def folder(conversation: Conversation) -> str:
    """Where the files of one of several conversations are, with a slash at the end."""
    return f"{CONVERSATIONS}/{stem(conversation)}/"


def webvtt(call: KeptCall) -> str:
    return f"call-{call.number}.vtt"


def wav(call: KeptCall) -> str:
    return f"call-{call.number}.wav"


def segment(turn: Turn, segment: AudioSegment, number: int) -> str:
    """The ``number``-th stretch of sound of its turn, from 1; in order when sorted."""
    track, codec = _plain(segment.track), _plain(segment.codec)
    return f"sound/{turn.seq:06}-{track}-{number}.{codec}"


def _plain(word: str) -> str:
    return _NOT_PLAIN.sub("", word.lower()) or "unknown"
