"""How lines of the log are written: as text, or as JSON with the ids of what they are about.

Neither holds what people said, or what lets anybody in. So a line has the places that an exception came
through and not its message, no query and no token of an address, and of what a library adds to a
record only the fields that are named here.
"""

from __future__ import annotations

import logging
import re
from types import TracebackType
from typing import Any

from pythonjsonlogger.json import JsonFormatter

from chat.log_context import log_ids
from chat.where import where

TEXT_FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"
# What else our own lines say, through ``extra``.
FIELDS = ("protocol", "status", "close", "timings")

# Libraries that log what they send and receive when they are asked for more: they never are.
TALKATIVE = (
    "asyncio",
    "boto3",
    "botocore",
    "django.db.backends",
    "django.template",
    "faster_whisper",
    "gtts",
    "httpcore",
    "httpcore2",
    "httpx",
    "httpx2",
    "openai",
    "s3transfer",
    "urllib3",
    "websockets",
)
# Servers, whose lines are ours to write. What they say below INFO holds frames and cookies; how much of
# the rest they say is told to themselves.
SERVERS = ("daphne", "django", "django.server", "uvicorn", "uvicorn.access", "uvicorn.error")

_SECRETS = (
    # The query of an address.
    (re.compile(r"(?<=[\w/.\-~%])\?[^\s\"'\\<>]*=[^\s\"'\\<>]*"), "?[left out]"),
    (re.compile(r"(/ws/voicebot/)[^\s/?\"'\\<>]+"), r"\1[left out]"),
    (re.compile(r"(?i)\b(bearer|basic) [\w.~+/=-]+"), r"\1 [left out]"),
    (re.compile(r"(?i)\b(sessionid|csrftoken|token|api_key)=[^\s;&\"'\\<>]+"), r"\1=[left out]"),
    # A task that failed and was waited for by nobody.
    (re.compile(r"\bexception=(\w+)\(.*", re.DOTALL), r"exception=\1"),
)

_ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


def left_out(text: str) -> str:
    """``text`` without queries, tokens and cookies."""
    for pattern, instead in _SECRETS:
        text = pattern.sub(instead, text)
    return text


class TextLines(logging.Formatter):
    """A line for people to read."""

    def __init__(self) -> None:
        super().__init__(TEXT_FORMAT)

    def format(self, record: logging.LogRecord) -> str:
        return left_out(super().format(record))

    def formatException(self, ei: _ExcInfo) -> str:  # noqa: N802 (logging's name)
        return _places(ei)


class JsonLines(JsonFormatter):
    """An object for machines to read: timestamp, level, logger, message, the ids, and what went wrong."""

    def __init__(self) -> None:
        super().__init__(
            ["levelname", "name", "message"],
            rename_fields={"levelname": "level", "name": "logger", "exc_info": "exception"},
            timestamp=True,
        )

    def add_fields(
        self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]
    ) -> None:
        super().add_fields(log_data, record, message_dict)
        known = {"timestamp", "level", "logger", "message", "exception", *FIELDS}
        for name in log_data.keys() - known:
            del log_data[name]
        for name in ("message", "exception"):
            if name in log_data:
                log_data[name] = left_out(str(log_data[name]))
        log_data |= log_ids()

    def formatException(self, ei: _ExcInfo) -> str:  # noqa: N802 (logging's name)
        return _places(ei)


def is_fit(record: logging.LogRecord) -> bool:
    """Whether a line may be written at all: not what servers say below INFO."""
    return record.levelno >= logging.INFO or record.name.partition(".")[0] not in SERVERS


def _places(ei: _ExcInfo) -> str:
    """An exception and those that it came from, each as its kind and its places."""
    told: list[str] = []
    error = ei[1]
    while error is not None and len(told) < 5:
        told.append(where(error))
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return "; from ".join(told)


def logging_settings(format: str, level: str) -> dict[str, Any]:
    """Django's LOGGING. ``format``: ``text`` or ``json``; ``level``: of what is ours."""
    quiet = max(logging.WARNING, getattr(logging, level))
    formatter = {"text": TextLines, "json": JsonLines}[format]
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": formatter}},
        "filters": {"fit": {"()": lambda: is_fit}},
        "handlers": {
            "stderr": {
                "class": "logging.StreamHandler",
                "formatter": "line",
                "filters": ["fit"],
            }
        },
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            **{name: {"level": quiet} for name in TALKATIVE},
            **{name: {"handlers": [], "propagate": True} for name in SERVERS},
        },
    }
