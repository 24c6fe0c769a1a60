"""What the speech socket says beside audio: ``start``, ``end`` and errors. Pure.

Each command is answered by a ``start``, binary frames and an ``end``. What went wrong stands in
between as an ``error``, and in the status of both: clients that wait for a start, for an end, or
for an error, each find theirs. All text is ASCII, whatever ids the client has made.
"""

from __future__ import annotations

import json
from typing import Any

from .command import RequestId
from .errors import SpeechError

OK = 200


def start(request_id: RequestId, **told: Any) -> str:
    """The audio of a command comes now. ``told``: the voice, format and rate that it really has."""
    return json.dumps({"type": "start", "request_id": request_id, "status": OK, **told})


def end(request_id: RequestId, status: int = OK) -> str:
    """That was all of a command."""
    return json.dumps({"type": "end", "request_id": request_id, "status": status})


def refusal(request_id: RequestId, error: SpeechError) -> list[str]:
    """The answer to a command that failed before its first audio."""
    failed = {"type": "start", "request_id": request_id, "status": error.status}
    return [
        json.dumps({**failed, "message": error.message}),
        failure(request_id, error),
        end(request_id, error.status),
    ]


def broken_off(request_id: RequestId, error: SpeechError) -> list[str]:
    """The rest of the answer to a command that failed in the middle of its audio."""
    return [failure(request_id, error), end(request_id, error.status)]


def failure(request_id: RequestId, error: SpeechError) -> str:
    """An error; by itself it is about the socket, and the close follows."""
    message: dict[str, Any] = {
        "type": "error",
        "request_id": request_id,
        "status": error.status,
        "code": error.code,
        "error": error.message,
        "message": error.message,
    }
    if error.param is not None:
        message["param"] = error.param
    if error.retry_s is not None:
        message["retry"] = round(error.retry_s, 3)
    return json.dumps(message)
