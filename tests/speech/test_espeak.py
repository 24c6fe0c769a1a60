import asyncio
import math
import threading
from contextlib import aclosing

import pytest

from speech.tts.engine import TTSError, UnknownVoiceError
from speech.tts.espeak import EspeakEngine
from speech.tts.espeak_library import BUFFER_BYTES, Job, library
from tests.speech.sounds import loudness, seconds

VOICE = "espeak:en-us"


async def spoken(text: str, voice: str = VOICE, speed: float = 1.0) -> bytes:
    engine = EspeakEngine()
    return b"".join([chunk async for chunk in engine.synthesize(text, voice, speed)])


async def test_it_speaks() -> None:
    pcm = await spoken("Hello there, my friend.")
    assert 1 < seconds(pcm, EspeakEngine().rate) < 3
    assert loudness(pcm) > 500


async def test_chunks_are_whole_samples_of_at_most_200_ms() -> None:
    engine = EspeakEngine()
    sizes = [len(chunk) async for chunk in engine.synthesize("One two three four. " * 5, VOICE)]
    assert all(size % 2 == 0 and 0 < size <= 0.2 * engine.rate * 2 for size in sizes)


async def test_it_has_voices_of_many_languages() -> None:
    voices = {voice.id: voice for voice in EspeakEngine().voices()}
    assert len(voices) > 100
    assert voices[VOICE].language == "en-us"
    assert {"espeak:de", "espeak:pt-br", "espeak:hi", "espeak:ar"} <= set(voices)


@pytest.mark.parametrize("voice", ["espeak:de", "espeak:cmn", "espeak:hi", "espeak:ru"])
async def test_other_voices_speak(voice: str) -> None:
    assert loudness(await spoken("Hallo, नमस्ते, привет, 你好.", voice)) > 300


async def test_voices_without_their_dictionary_are_not_offered() -> None:
    ids = {voice.id for voice in EspeakEngine().voices()}
    assert "espeak:fo" not in ids
    assert {"espeak:nb", "espeak:fr-fr", "espeak:en-gb"} <= ids


@pytest.mark.parametrize("voice", ["", "en-us", "espeak:xx-none", "gtts:en", "espeak:\0", "\ud800"])
async def test_an_unknown_voice_is_an_error(voice: str) -> None:
    with pytest.raises(UnknownVoiceError):
        await spoken("Hello", voice)


@pytest.mark.parametrize("text", ["", "  \n", "***", "\ud800", "\0", "\x1b"])
async def test_text_without_a_word_is_no_audio(text: str) -> None:
    assert await spoken(text) == b""


async def test_surrogates_and_nul_do_not_end_the_text() -> None:
    whole = await spoken("Hello my good old friend")
    assert len(await spoken("Hello\ud800 my\0 good old friend")) == pytest.approx(
        len(whole), rel=0.2
    )


async def test_ssml_is_read_out_and_not_obeyed() -> None:
    obeyed = len(await spoken("hi"))
    assert len(await spoken('<speak>hi<break time="9s"/></speak>')) > 2 * obeyed


async def test_speed_is_obeyed_and_clamped() -> None:
    normal, fast, slow = [
        len(await spoken("One two three four five", speed=s)) for s in (1, 2, 0.5)
    ]
    assert fast < normal < slow
    for wild, tame in ((0, slow), (-1, slow), (99, fast), (math.nan, normal), (math.inf, fast)):
        pcm = await spoken("One two three four five", speed=wild)
        assert len(pcm) == pytest.approx(tame, rel=0.01)


async def test_a_consumer_that_does_not_take_is_not_buffered_for_without_end() -> None:
    ready = asyncio.Event()
    loop = asyncio.get_running_loop()
    text = "你好" * 200
    job = Job(text.encode(), "gmw/en-US", 0.5, 0, lambda: loop.call_soon_threadsafe(ready.set))
    library().submit(job)
    await _thread_is_idle()
    assert BUFFER_BYTES <= len(job._audio) < BUFFER_BYTES + 8192
    job.cancelled = True


async def test_a_slow_consumer_gets_everything() -> None:
    engine = EspeakEngine()
    text = "你好" * 140  # spelled out at length by an English voice: over 100 s
    got = 0
    async for chunk in engine.synthesize(text, VOICE, 0.5):
        got += len(chunk)
        await asyncio.sleep(0)
    assert got / 2 / engine.rate > 100


async def test_closing_early_ends_the_work() -> None:
    async with aclosing(EspeakEngine().synthesize("Many words. " * 8000, VOICE)) as audio:
        assert await anext(audio)
    await asyncio.wait_for(_thread_is_idle(), 5)
    assert library()._jobs == []


async def test_cancelling_the_task_ends_the_work() -> None:
    started = asyncio.Event()

    async def speak() -> None:
        async with aclosing(EspeakEngine().synthesize("Many words. " * 8000, VOICE)) as audio:
            async for _ in audio:
                started.set()

    task = asyncio.create_task(speak())
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.wait_for(_thread_is_idle(), 5)


async def repeated(text: str, speed: float = 1.0) -> bytes:
    audio = EspeakEngine().synthesize_repeatably(text, VOICE, speed)
    return b"".join([chunk async for chunk in audio])


async def test_repeatably_a_text_of_many_programs_is_the_very_same_each_time() -> None:
    text = "Here is one of many sentences, \ud800 spoken by one of several programs.\n" * 12
    first = await repeated(text)
    assert await spoken("Something else, in between.")
    assert await repeated(text) == first
    assert len(first) == pytest.approx(len(await spoken(text)), rel=0.02)
    assert len(await repeated(text, 2.0)) < 0.7 * len(first)


async def test_repeatably_text_without_a_word_is_no_audio_and_an_unknown_voice_an_error() -> None:
    assert await repeated("?! \0 \ud800") == b""
    with pytest.raises(UnknownVoiceError):
        await anext(EspeakEngine().synthesize_repeatably("Hello", "espeak:xx-none"))


async def test_repeatably_who_is_slow_to_take_holds_up_nobody() -> None:
    engine = EspeakEngine()
    slow = [engine.synthesize_repeatably("Many words. " * 800, VOICE) for _ in range(5)]
    for audio in slow:
        assert await anext(audio)
    quick = engine.synthesize_repeatably("Hello.", VOICE)
    assert await asyncio.wait_for(anext(quick), 20)
    for audio in [*slow, quick]:
        await audio.aclose()
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "espeak once"]


async def test_many_speak_at_once_without_mixing() -> None:
    alone = [len(await spoken(f"Number {n}")) for n in range(10)]
    together = [
        len(pcm) for pcm in await asyncio.gather(*(spoken(f"Number {n}") for n in range(10)))
    ]
    assert together == pytest.approx(alone, rel=0.02)


async def test_the_lower_priority_number_goes_first() -> None:
    engine, order = EspeakEngine(), []
    held = await _hold_the_thread()

    async def speak(name: str, priority: int) -> None:
        async for _ in engine.synthesize("Hello there", VOICE, priority=priority):
            if name not in order:
                order.append(name)

    tasks = [
        asyncio.create_task(speak(name, priority))
        for name, priority in (("later", 2), ("next", 1), ("first", 0), ("first too", 0))
    ]
    await asyncio.sleep(0)
    held.set()
    await asyncio.gather(*tasks)
    assert order == ["first", "first too", "next", "later"]


async def test_a_voice_that_does_not_load_is_an_error() -> None:
    ready = asyncio.Event()
    loop = asyncio.get_running_loop()
    job = Job(b"Hello", "no/such", 1.0, 0, lambda: loop.call_soon_threadsafe(ready.set))
    library().submit(job)
    await ready.wait()
    with pytest.raises(TTSError, match="no/such"):
        job.take(100)


def test_a_loop_that_closed_in_the_middle_does_no_harm() -> None:
    async def begin() -> None:
        async with aclosing(EspeakEngine().synthesize("Hello there. " * 20, VOICE)) as audio:
            await anext(audio)

    asyncio.run(begin())
    assert asyncio.run(spoken("Hello"))


async def _thread_is_idle() -> None:
    """All jobs before this one are done with: it comes last."""
    done = asyncio.Event()
    loop = asyncio.get_running_loop()
    library().submit(Job(b"a", "gmw/en-US", 1.0, 1000, lambda: loop.call_soon_threadsafe(done.set)))
    await done.wait()


async def _hold_the_thread():
    """Keep the thread in a callback until the event returned is set."""
    held, inside = threading.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def wake() -> None:
        loop.call_soon_threadsafe(inside.set)
        held.wait(5)

    library().submit(Job(b"hold", "gmw/en-US", 1.0, -1, wake))
    await inside.wait()
    return held
