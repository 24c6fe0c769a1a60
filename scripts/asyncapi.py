"""Writes docs/asyncapi.yaml from the messages as the server declares them.

python -m scripts.asyncapi          prints the document
python -m scripts.asyncapi --write  writes it; a test fails where it is out of date
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, get_args

import msgspec
import yaml

from chat import messages as msg
from chat.protocols import voice_chat_v1

PLACE = Path(__file__).parent.parent / "docs" / "asyncapi.yaml"
SCHEMAS = "#/components/schemas/"

SUMMARIES = {
    "hello": "Introduces the client; the first message, once.",
    "text": "A typed turn.",
    "voice_audio": "The person's voice, with framing base64.",
    "speech_start": "Push-to-talk was pressed.",
    "speech_stop": "Push-to-talk was released.",
    "microphone": "The microphone was opened, closed or muted.",
    "interrupt": "The bot stops at once.",
    "played": "How much of a reply's audio has been played.",
    "configure": "Voice, speed and whether replies are spoken, from the next reply on.",
    "rate": "Rates an assistant turn.",
    "input": "What the person filled in, as the bot asked.",
    "take_audio": "Answers shall be heard here, and in no other tab.",
    "ping": "Answered by pong.",
    "ready": "Answer to hello: the conversation and what was missed of it.",
    "transcript": "What the person says, as far as it is understood.",
    "ack": "The text is stored and will be answered.",
    "state": "What person and bot are doing.",
    "reply_start": "The bot begins to answer.",
    "delta": "More text of the reply.",
    "cards": "Cards of a property reply.",
    "text_end": "The text of the reply is complete.",
    "sentence": "The audio that follows speaks this piece of the text.",
    "audio": "Audio of the reply, with framing base64.",
    "clear": "Drop all audio of older generations.",
    "reply_end": "The reply is over, and how much of it was heard.",
    "turn": "A turn that came or changed elsewhere.",
    "error": "Something was refused or went wrong.",
    "ask": "The bot waits for the person to fill in a form.",
    "watched": "Members of the staff read along now, or no longer.",
    "audio_owner": "Whether answers are heard here or in another tab.",
    "going_away": "The server ends; come back to another.",
    "pong": "Answer to ping.",
}


def document() -> str:
    """The AsyncAPI 3.0 document of version 1, as YAML."""
    received = _messages(voice_chat_v1.CLIENT_MESSAGES)
    # Both sides have a message of this type.
    received["voice_audio"] = received.pop("audio")
    sent = _messages(msg.Message, without={"sentence_known"})
    types = [*received.values(), *sent.values()]
    _, schemas = msgspec.json.schema_components(types, ref_template=SCHEMAS + "{name}")
    messages = {name: _message(name, kind) for name, kind in (received | sent).items()}
    messages["binary_audio"] = {
        "summary": "Audio of either side: a header of 16 bytes, then samples or a part of a file.",
        "contentType": "application/octet-stream",
        "payload": {"type": "string", "format": "binary"},
    }
    api = {
        "asyncapi": "3.0.0",
        "info": {
            "title": "voicechat, version 1",
            "version": "1",
            "description": "The voice chat socket. docs/protocol.md says what everything means.",
        },
        "channels": {
            "voiceChat": {
                "address": "/ws/voice-chat/",
                "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
            }
        },
        "operations": {
            "fromPerson": _operation("receive", [*received, "binary_audio"]),
            "toPerson": _operation("send", [*sent, "binary_audio"]),
        },
        "components": {"messages": messages, "schemas": schemas},
    }
    return yaml.safe_dump(api, sort_keys=False, allow_unicode=True, width=100)


def _messages(union: Any, without: set[str] = frozenset()) -> dict[str, Any]:  # type: ignore[assignment]
    tagged = {kind.__struct_config__.tag: kind for kind in get_args(union)}
    return {name: kind for name, kind in tagged.items() if name not in without}


def _message(name: str, kind: Any) -> dict[str, Any]:
    return {
        "name": kind.__struct_config__.tag,
        "summary": SUMMARIES[name],
        "contentType": "application/json",
        "payload": {"$ref": SCHEMAS + kind.__name__},
    }


def _operation(action: str, names: Any) -> dict[str, Any]:
    return {
        "action": action,
        "channel": {"$ref": "#/channels/voiceChat"},
        "messages": [{"$ref": f"#/channels/voiceChat/messages/{name}"} for name in names],
    }


if __name__ == "__main__":
    if "--write" in sys.argv:
        PLACE.write_text(document())
    else:
        sys.stdout.write(document())
