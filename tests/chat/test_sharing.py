"""What the sockets of a conversation tell each other is what the others understand."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from chat import effects as do
from chat import events as ev
from chat import messages as msg
from chat.sharing import Heard, InterruptAsked, ReplyTaken, Told, read, share, topic
from feed.hub import hub

from .driven import stored

TURN = stored("t-2", 2)
TOLD = {
    "delta": msg.Delta("t-2", 0, "Good "),
    "text end": msg.TextEnd("t-2", "Good morning."),
    "reply start": msg.ReplyStart("t-2", "t-1", "generic", 0, None),
    "reply end": msg.ReplyEnd("t-2", "done", "Good morning.", None, None, 2),
    "turn": msg.TurnChanged(TURN, 2),
    "interrupt": InterruptAsked(),
    "taken": ReplyTaken("t-2"),
    "input": ev.Input({"city": "Rome"}, "a-1", "stream"),
    "input taken": do.ShareInput("stream", taken=True),
}


async def event_of(told: Told) -> dict[str, Any]:
    """As it comes out of the feed."""
    async with hub().follow(topic("c-1")) as follower, asyncio.timeout(5):
        assert await share("c-1", "anna", told)
        event = await anext(aiter(follower))
    await hub().stop()
    return event


@pytest.mark.parametrize("told", TOLD.values(), ids=TOLD)
async def test_others_hear_what_one_tells_and_nobody_hears_oneself(told: Told) -> None:
    event = await event_of(told)
    assert read(event, "also anna") == told
    assert read(event, "anna") is None


VOICES: dict[str, tuple[do.ShareVoice, Heard]] = {
    "wanted": (
        do.ShareVoice(ev.VoiceWanted("", take=True)),
        ev.VoiceWanted("anna", take=True),
    ),
    "held": (do.ShareVoice(ev.VoiceHeld(), "also anna"), ev.VoiceHeld()),
}


@pytest.mark.parametrize(("told", "heard"), VOICES.values(), ids=VOICES)
async def test_who_wants_the_voice_is_who_says_so(told: do.ShareVoice, heard: Heard) -> None:
    assert read(await event_of(told), "also anna") == heard


async def test_what_is_for_one_is_for_nobody_else() -> None:
    event = await event_of(do.ShareVoice(ev.VoiceHeld(), "also anna"))
    assert read(event, "a third") is None


@pytest.mark.parametrize(
    "event",
    [
        {"do": "dance"},
        {"do": "taken"},
        {"do": "tell", "message": {"type": "applause"}},
        {"do": "tell", "message": {"type": "delta", "reply": 7}},
        {"do": "voice", "kind": "VoiceLost", "voice": {}},
        {"do": "voice", "kind": "VoiceHeard", "voice": {"reply": 7}},
    ],
    ids=str,
)
def test_what_another_version_tells_is_left_out(
    event: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    assert read(event | {"origin": "another"}, "anna") is None
    assert "another version" in caplog.text
