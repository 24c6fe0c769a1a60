"""What this process has counted since it started, for Prometheus. What is true at the moment: ``scrape.py``.

Nothing here holds what people said, or who they are. docs/watching.md explains each name.
"""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector

REGISTRY = CollectorRegistry()
# Its memory, processor time and open files.
ProcessCollector(registry=REGISTRY)

STAGES = (
    "endpoint",
    "transcript",
    "stored",
    "first_text",
    "first_sentence",
    "first_sound",
    "first_audio",
    "text_end",
    "ended",
)
# From what nobody notices over what feels prompt (0.3 s) to what is given up (20 s).
BUCKETS_S = (0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 0.8, 1.2, 2.0, 3.0, 5.0, 10.0, 20.0, 60.0)

TURNS = Counter(
    "voicechat_turns",
    "Turns of people that were stored and acknowledged.",
    ["how"],  # typed, spoken
    registry=REGISTRY,
)
TURNS_NOT_STORED = Counter(
    "voicechat_turns_not_stored",
    "Turns of people that were refused, or could not be stored.",
    ["why"],  # an error code of docs/protocol.md
    registry=REGISTRY,
)
REPLIES = Counter(
    "voicechat_replies",
    "Replies that ended.",
    ["status"],  # done, interrupted, failed
    registry=REGISTRY,
)
REPLY_STAGES = Histogram(
    "voicechat_reply_stage_seconds",
    "From the end of what a person said, or typed, until a stage of the reply to it was reached.",
    ["stage"],
    buckets=BUCKETS_S,
    registry=REGISTRY,
)
ENGINE_FAILURES = Counter(
    "voicechat_engine_failures",
    "Uses of an engine that failed.",
    ["kind", "engine"],  # dialogue, stt, tts; "job" is a word of Prometheus
    registry=REGISTRY,
)
DROPPED_FRAMES = Counter(
    "voicechat_dropped_frames",
    "Frames of a voice that came and were not listened to.",
    ["why"],  # too_fast, early, backlog
    registry=REGISTRY,
)
SLOW_CLIENTS = Counter(
    "voicechat_slow_clients",
    "Sockets that were closed because their client did not read, or sent faster than it can be served.",
    registry=REGISTRY,
)
FEED_GAPS = Counter(
    "voicechat_feed_gaps",
    "Gaps in what a socket was told of its conversation, noticed by rev.",
    registry=REGISTRY,
)
FEED_FILLED_TURNS = Counter(
    "voicechat_feed_filled_turns",
    "Turns that such gaps were filled with from the database.",
    registry=REGISTRY,
)
REFUSED = Counter(
    "voicechat_refused",
    "What was refused at a limit.",
    ["limit"],  # full, and those of docs/limits.md
    registry=REGISTRY,
)
LIMITS = (
    "full",
    "replies_process",
    "sockets_process",
    *(
        f"{what}_{whose}"
        for what in ("connects", "sockets", "turns", "audio_seconds", "bytes")
        for whose in ("person", "address")
    ),
    "refused_keys_address",
    "sockets_key",
    "commands_key",
)

# Each name of a label is there from the start, so that the first failure is a rise and not a birth.
for _stage in STAGES:
    REPLY_STAGES.labels(_stage)
for _status in ("done", "interrupted", "failed"):
    REPLIES.labels(_status)
for _limit in LIMITS:
    REFUSED.labels(_limit)
for _how in ("typed", "spoken"):
    TURNS.labels(_how)
for _why in ("busy", "not_stored"):
    TURNS_NOT_STORED.labels(_why)
for _why in ("too_fast", "early", "backlog"):
    DROPPED_FRAMES.labels(_why)


def observe_stages(timings: Mapping[str, float]) -> None:
    """Take the ``timings`` of a reply: ms by stage."""
    for stage, ms in timings.items():
        if stage in STAGES:
            REPLY_STAGES.labels(stage).observe(ms / 1000)
