"""The OpenAI-compatible recogniser against a local service in the real wire form."""

import asyncio
from collections.abc import AsyncIterator
from http import HTTPStatus

import pytest

from speech.pcm import silence
from speech.stt.engine import STTError
from speech.stt.openai import OpenAIRecogniser
from tests.speech.recordings import cards
from tests.speech.stt.transcription_service import (
    Behaviour,
    TranscriptionService,
    transcription_service,
)
from tests.speech.waiting import until

SPEECH = cards()[2].pcm(16_000)


@pytest.fixture
async def service() -> AsyncIterator[TranscriptionService]:
    async with transcription_service() as service:
        yield service


@pytest.fixture
async def recogniser(service: TranscriptionService) -> AsyncIterator[OpenAIRecogniser]:
    recogniser = OpenAIRecogniser(service.url, "secret-key", "whisper-large", timeout=5.0)
    yield recogniser
    await recogniser.aclose()


async def understood(recogniser: OpenAIRecogniser, language: str = "en-GB") -> str:
    stream = recogniser.listen(language, print)
    stream.feed(SPEECH)
    try:
        return await stream.final()
    finally:
        stream.close()


async def test_speech_is_uploaded_and_its_text_comes_back(
    service: TranscriptionService, recogniser: OpenAIRecogniser
) -> None:
    assert await understood(recogniser) == "Seven of clubs."
    [upload] = service.uploads
    assert upload.key == "Bearer secret-key"
    assert upload.fields == {
        "model": "whisper-large",
        "language": "en",
        "response_format": "json",
    }
    assert (upload.rate, upload.pcm) == (16_000, SPEECH)


@pytest.mark.parametrize("language", ["", "fil-PH"])
async def test_a_language_without_a_code_of_two_letters_is_left_to_the_service(
    service: TranscriptionService, recogniser: OpenAIRecogniser, language: str
) -> None:
    await understood(recogniser, language)
    assert "language" not in service.uploads[0].fields


async def test_it_is_out_of_reach_until_a_probe_was_answered(
    service: TranscriptionService, recogniser: OpenAIRecogniser
) -> None:
    assert not recogniser.available
    await recogniser.start()
    await until(lambda: recogniser.available)
    [probe] = service.uploads
    assert probe.pcm == silence(500, 16_000)


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        (HTTPStatus.UNAUTHORIZED, "VOICECHAT_STT_KEY"),
        (HTTPStatus.FORBIDDEN, "VOICECHAT_STT_KEY"),
        (HTTPStatus.NOT_FOUND, "VOICECHAT_STT_MODEL"),
        (HTTPStatus.TOO_MANY_REQUESTS, "asked too much"),
        (HTTPStatus.INTERNAL_SERVER_ERROR, "InternalServerError 500"),
        ("hang up", "VOICECHAT_STT_URL"),
        ("no text", "without a text"),
        ("not json", "openai:whisper-large"),
    ],
)
async def test_a_failure_is_told_and_opens_the_breaker(
    service: TranscriptionService,
    recogniser: OpenAIRecogniser,
    behaviour: Behaviour,
    words: str,
) -> None:
    await recogniser.start()
    await until(lambda: recogniser.available)
    service.behaviour = behaviour
    with pytest.raises(STTError, match=words) as raised:
        await understood(recogniser)
    assert "private" not in str(raised.value)
    assert not recogniser.available


async def test_speech_that_is_refused_says_nothing_about_the_service(
    service: TranscriptionService, recogniser: OpenAIRecogniser
) -> None:
    await recogniser.start()
    await until(lambda: recogniser.available)
    service.behaviour = HTTPStatus.BAD_REQUEST
    with pytest.raises(STTError, match="BadRequestError 400"):
        await understood(recogniser)
    assert recogniser.available


async def test_a_service_that_hangs_is_given_up(service: TranscriptionService) -> None:
    service.behaviour = "hang"
    recogniser = OpenAIRecogniser(service.url, timeout=0.2)
    with pytest.raises(STTError, match="too long"):
        await understood(recogniser)
    await recogniser.aclose()


async def test_closing_ends_the_request(
    service: TranscriptionService, recogniser: OpenAIRecogniser
) -> None:
    service.behaviour = "hang"
    stream = recogniser.listen("en", print)
    stream.feed(SPEECH)
    asked = asyncio.create_task(stream.final())
    await until(lambda: bool(service.uploads))
    stream.close()
    with pytest.raises(STTError, match="closed"):
        await asked
    await asyncio.wait_for(service.left.wait(), 5)
