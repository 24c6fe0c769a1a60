import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

import pytest

from speech.codecs import encode
from speech.tts.engine import TTSError, UnknownVoiceError
from speech.tts.espeak import EspeakEngine
from speech.tts.gtts import GTTSEngine
from tests.speech.google_translate import Behaviour, GoogleTranslate, google_translate
from tests.speech.sounds import loudness, seconds

SENTENCE = "The quick brown fox jumps over the lazy dog."


@pytest.fixture
async def mp3() -> bytes:
    espeak = EspeakEngine()
    pcm = b"".join([chunk async for chunk in espeak.synthesize(SENTENCE, "espeak:en-us")])
    return encode(pcm, espeak.rate, "mp3")


@pytest.fixture
async def google(mp3: bytes) -> AsyncIterator[GoogleTranslate]:
    async with google_translate(mp3) as google:
        yield google


@asynccontextmanager
async def engine_of(google: GoogleTranslate, within: float = 5) -> AsyncIterator[GTTSEngine]:
    engine = GTTSEngine(google.url, within)
    try:
        yield engine
    finally:
        await engine.aclose()


async def spoken(engine: GTTSEngine, text: str, voice: str = "gtts:en", speed: float = 1) -> bytes:
    return b"".join([chunk async for chunk in engine.synthesize(text, voice, speed)])


async def test_it_speaks_what_google_sends(google: GoogleTranslate) -> None:
    async with engine_of(google) as engine:
        pcm = await spoken(engine, SENTENCE)
    assert google.spoken == [(SENTENCE, "en")]
    assert 2 < seconds(pcm, engine.rate) < 4
    assert loudness(pcm) > 500


async def test_chunks_are_whole_samples_of_at_most_200_ms(google: GoogleTranslate) -> None:
    async with engine_of(google) as engine:
        sizes = [len(chunk) async for chunk in engine.synthesize(SENTENCE, "gtts:en")]
    assert all(size % 2 == 0 and 0 < size <= 0.2 * engine.rate * 2 for size in sizes)


async def test_a_long_text_is_asked_for_in_pieces_of_100_characters(
    google: GoogleTranslate,
) -> None:
    async with engine_of(google) as engine:
        one = await spoken(engine, SENTENCE)
        google.spoken.clear()
        three = await spoken(engine, f"{SENTENCE} " * 3)
    assert [text for text, _ in google.spoken] == [SENTENCE] * 3
    assert len(three) == 3 * len(one)


async def test_it_speaks_other_languages(google: GoogleTranslate) -> None:
    async with engine_of(google) as engine:
        await spoken(engine, "Bom dia.", "gtts:pt-pt")
    assert google.spoken == [("Bom dia.", "pt-PT")]


@pytest.mark.parametrize("speed", [0.5, 1.5, 2.0])
async def test_speed_is_obeyed(google: GoogleTranslate, speed: float) -> None:
    async with engine_of(google) as engine:
        normal = await spoken(engine, SENTENCE)
        pcm = await spoken(engine, SENTENCE, speed=speed)
    assert len(pcm) == pytest.approx(len(normal) / speed, rel=0.05)


async def test_its_voices_are_googles_languages() -> None:
    voices = {voice.id: voice for voice in GTTSEngine().voices()}
    assert len(voices) > 60
    assert voices["gtts:en"].name == "English"


@pytest.mark.parametrize("text", ["", " \n", "***", "\ud800\0"])
async def test_text_without_a_word_asks_nothing(google: GoogleTranslate, text: str) -> None:
    async with engine_of(google) as engine:
        assert await spoken(engine, text) == b""
    assert google.spoken == []


@pytest.mark.parametrize("text", ["<speak>hi</speak>", "a\ud800b\0c", '"quoted" \\ \u2028 ünï'])
async def test_odd_text_arrives_as_text(google: GoogleTranslate, text: str) -> None:
    async with engine_of(google) as engine:
        await spoken(engine, text)
    assert len(google.spoken) == 1


async def test_an_unknown_voice_is_an_error(google: GoogleTranslate) -> None:
    async with engine_of(google) as engine:
        with pytest.raises(UnknownVoiceError):
            await spoken(engine, SENTENCE, "gtts:tlh")


@pytest.mark.parametrize(
    ("behaviour", "message"),
    [
        ("429", "429"),
        ("500", "500"),
        ("garbage", "not audio"),
        ("no audio", "without audio"),
        ("bad base64", "without audio"),
        ("hang up", "gtts"),
    ],
)
async def test_bad_answers_are_errors(
    google: GoogleTranslate, behaviour: Behaviour, message: str
) -> None:
    google.behaviour = behaviour
    async with engine_of(google) as engine:
        with pytest.raises(TTSError, match=message):
            await spoken(engine, SENTENCE)


async def test_no_answer_is_an_error_after_the_timeout(google: GoogleTranslate) -> None:
    google.behaviour = "hang"
    async with engine_of(google, within=0.05) as engine:
        with pytest.raises(TTSError, match=r"within 0\.05 s"):
            await spoken(engine, SENTENCE)


async def test_nobody_listening_is_an_error() -> None:
    async with engine_of(GoogleTranslate(b"", url="http://127.0.0.1:1")) as engine:
        with pytest.raises(TTSError, match="gtts"):
            await spoken(engine, SENTENCE)


async def test_cancelling_does_not_wait_for_the_answer(google: GoogleTranslate) -> None:
    google.behaviour = "hang"
    async with engine_of(google, within=60) as engine:
        task = asyncio.create_task(spoken(engine, SENTENCE))
        await google.asked.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(task, 5)


async def test_closing_early_asks_for_no_more(google: GoogleTranslate) -> None:
    async with engine_of(google) as engine:
        async with aclosing(engine.synthesize(f"{SENTENCE} " * 50, "gtts:en")) as audio:
            await anext(audio)
        assert len(google.spoken) <= 2
        assert await spoken(engine, "Hello.")  # and it goes on working


async def test_a_failure_in_the_middle_comes_after_what_was_spoken(
    google: GoogleTranslate,
) -> None:
    async with engine_of(google) as engine:
        audio = engine.synthesize(f"{SENTENCE} " * 8, "gtts:en")
        assert await anext(audio)
        google.behaviour = "429"
        with pytest.raises(TTSError):
            async for _ in audio:
                pass
