"""A reply's voice in the client's own format: lengths, codings, and what is recorded of it."""

from __future__ import annotations

from typing import Any

import pytest

from chat.events import Sound
from chat.messages import AudioFormat
from chat.voice import Voice
from speech import codecs, g711
from speech.tts.chain import Chain
from tests.speech.engines import ScriptedEngine
from tests.speech.sounds import seconds, tone


async def spoken(
    sound: bytes, format: AudioFormat, chunks: int = 3, **manners: Any
) -> tuple[Sound, ...]:
    """What a voice makes of an engine that says ``sound`` (16 kHz) in so many pieces."""
    engine = ScriptedEngine()
    engine.remote = False
    step = len(sound) // chunks // 2 * 2
    engine.chunks = [sound[at : at + step] for at in range(0, len(sound), step)]
    voice = Voice(Chain([engine]).choose("scripted:en", "en"), format, **manners)
    return tuple([sound async for sound in voice.sounds("Text.", 1.0, urgent=True)])


TONE = tone(440, 0.5, 16_000)


async def test_samples_leave_as_they_are_synthesised() -> None:
    sounds = await spoken(TONE, AudioFormat(rate=16_000), chunks=2)
    assert [sound.payload for sound in sounds] == [TONE[:8000], TONE[8000:]]
    assert all(sound.pcm == sound.payload and not sound.is_clip for sound in sounds)
    assert [(sound.ms, sound.samples) for sound in sounds] == [(250.0, 4000)] * 2


async def test_chunks_have_one_length_but_for_the_last() -> None:
    sounds = await spoken(TONE, AudioFormat(rate=16_000), chunk_ms=200)
    assert [sound.ms for sound in sounds] == [200, 200, 100]
    assert b"".join(sound.payload for sound in sounds) == TONE


async def test_the_last_chunk_is_filled_up_where_whole_ones_are_wanted() -> None:
    sounds = await spoken(TONE, AudioFormat(rate=16_000), chunk_ms=200, fill_chunks=True)
    assert [len(sound.payload) for sound in sounds] == [6400] * 3
    assert b"".join(sound.payload for sound in sounds) == TONE + bytes(3200)


async def test_nothing_is_filled_up_where_nothing_is_left() -> None:
    sounds = await spoken(TONE, AudioFormat(rate=16_000), chunk_ms=250, fill_chunks=True)
    assert b"".join(sound.payload for sound in sounds) == TONE


async def test_chunks_longer_than_all_that_is_said_are_one() -> None:
    [sound] = await spoken(TONE, AudioFormat(rate=16_000), chunk_ms=1000)
    assert sound.payload == TONE


async def test_mulaw_is_one_byte_a_sample_and_recorded_as_samples() -> None:
    format = AudioFormat("mulaw", 8000)
    sounds = await spoken(TONE, format, chunk_ms=200, fill_chunks=True)
    assert [(len(sound.payload), sound.samples, sound.ms) for sound in sounds] == [
        (1600, 1600, 200.0)
    ] * 3
    for sound in sounds:
        assert sound.payload == g711.encode_ulaw(sound.pcm)
    assert sounds[-1].payload[-800:] == b"\xff" * 800


async def test_what_remains_of_a_sound_is_cut_at_whole_samples_in_both_forms() -> None:
    sounds = await spoken(TONE, AudioFormat("mulaw", 8000), chunk_ms=200)
    rest = sounds[0].after(150)
    assert (rest.ms, rest.samples) == (50, 400)
    assert rest.payload == sounds[0].payload[1200:]
    assert rest.pcm == sounds[0].pcm[2400:]


@pytest.mark.parametrize("codec", ["mp3", "opus"])
async def test_a_file_is_one_whole_clip_which_cannot_be_cut(codec: Any) -> None:
    [clip] = await spoken(TONE, AudioFormat(codec, 16_000), chunk_ms=200)
    assert clip.is_clip
    assert clip.after(100) is clip
    assert clip.pcm == TONE
    assert seconds(*codecs.decode(clip.payload)) == pytest.approx(0.5, abs=0.1)
