"""What was understood of a recording, in each of OpenAI's forms. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Segment:
    """What was said from ``start_ms`` to ``end_ms``."""

    start_ms: int
    end_ms: int
    text: str


@dataclass(frozen=True, slots=True)
class Transcript:
    """``language`` is the BCP 47 tag that was asked for, or "en"."""

    segments: list[Segment]
    duration_ms: int
    language: str

    @property
    def text(self) -> str:
        return " ".join(segment.text for segment in self.segments)


def as_json(transcript: Transcript) -> dict[str, Any]:
    seconds = round(transcript.duration_ms / 1000, 3)
    return {"text": transcript.text, "usage": {"type": "duration", "seconds": seconds}}


def as_verbose_json(transcript: Transcript) -> dict[str, Any]:
    """What a recogniser of ours cannot tell, such as its confidence, is null."""
    unknown = ("temperature", "avg_logprob", "compression_ratio", "no_speech_prob")
    return {
        "task": "transcribe",
        "language": transcript.language,
        "duration": round(transcript.duration_ms / 1000, 3),
        "text": transcript.text,
        "segments": [
            {
                "id": index,
                "seek": 0,
                "start": segment.start_ms / 1000,
                "end": segment.end_ms / 1000,
                "text": segment.text,
                "tokens": [],
                **dict.fromkeys(unknown),
            }
            for index, segment in enumerate(transcript.segments)
        ],
    }


def as_text(transcript: Transcript) -> str:
    return transcript.text + "\n"


def as_srt(transcript: Transcript) -> str:
    """SubRip: numbered from 1, a comma before the milliseconds."""
    return "".join(
        f"{number}\n{_clock(segment.start_ms, ',')} --> {_clock(segment.end_ms, ',')}\n"
        f"{segment.text}\n\n"
        for number, segment in enumerate(transcript.segments, 1)
    )


def as_vtt(transcript: Transcript) -> str:
    """WebVTT."""
    return "WEBVTT\n\n" + "".join(
        f"{_clock(segment.start_ms, '.')} --> {_clock(segment.end_ms, '.')}\n"
        f"{_escaped(segment.text)}\n\n"
        for segment in transcript.segments
    )


def _clock(ms: int, point: str) -> str:
    seconds, ms = divmod(ms, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}{point}{ms:03}"


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
