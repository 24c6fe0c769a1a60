"""Utterances for recognisers that take sound by the piece."""

import asyncio

import pytest

from speech.pcm import silence
from speech.stt.batch import LONGEST_S, BatchUtterance
from speech.stt.engine import STTError
from tests.speech.waiting import until

SECOND = silence(1000, 16_000)


class Scripted:
    """Tells how many seconds it was given, when it may; remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[int] = []  # bytes
        self.may_tell = asyncio.Event()
        self.may_tell.set()
        self.is_idle = True
        self.partials: list[str] = []
        self.failure: Exception | None = None

    async def transcribe(self, pcm: bytes) -> str:
        self.asked.append(len(pcm))
        await self.may_tell.wait()
        if self.failure:
            raise self.failure
        return f" {len(pcm) // len(SECOND)} s "

    def utterance(self, *, with_partials: bool = False) -> BatchUtterance:
        is_idle = (lambda: self.is_idle) if with_partials else None
        return BatchUtterance("scripted", self.transcribe, self.partials.append, is_idle)


@pytest.fixture
def scripted() -> Scripted:
    return Scripted()


async def test_the_text_is_that_of_all_audio_so_far(scripted: Scripted) -> None:
    utterance = scripted.utterance()
    utterance.feed(SECOND)
    assert await utterance.final() == "1 s"
    utterance.feed(SECOND)
    assert await utterance.final() == "2 s"
    assert scripted.asked == [32_000, 64_000]


async def test_what_was_told_is_not_asked_again(scripted: Scripted) -> None:
    utterance = scripted.utterance()
    utterance.feed(SECOND)
    assert await asyncio.gather(utterance.final(), utterance.final()) == ["1 s", "1 s"]
    assert scripted.asked == [32_000]


@pytest.mark.parametrize("audio", [b"", b"\1", silence(99, 16_000)])
async def test_too_little_for_a_word_is_not_asked(scripted: Scripted, audio: bytes) -> None:
    utterance = scripted.utterance()
    utterance.feed(audio)
    assert await utterance.final() == ""
    assert scripted.asked == []


async def test_odd_bytes_are_put_together(scripted: Scripted) -> None:
    utterance = scripted.utterance()
    utterance.feed(SECOND[:1001])
    utterance.feed(SECOND[1001:])
    assert await utterance.final() == "1 s"


async def test_long_speech_is_asked_for_only_once(scripted: Scripted) -> None:
    utterance = scripted.utterance()
    for _ in range(30):
        utterance.feed(SECOND)
    assert await utterance.final() == "30 s"
    utterance.feed(2 * SECOND)
    assert await utterance.final() == "30 s 2 s"
    assert scripted.asked[1] == 64_000


async def test_of_endless_speech_the_last_minute_is_kept(scripted: Scripted) -> None:
    utterance = scripted.utterance()
    for _ in range(LONGEST_S + 10):
        utterance.feed(SECOND)
    assert await utterance.final() == f"{LONGEST_S} s"


async def test_partial_texts_come_after_each_second(scripted: Scripted) -> None:
    utterance = scripted.utterance(with_partials=True)
    utterance.feed(SECOND[:-2])
    assert not scripted.asked
    utterance.feed(SECOND[:2])
    await until(lambda: scripted.partials == ["1 s"])
    utterance.feed(SECOND)
    await until(lambda: scripted.partials == ["1 s", "2 s"])


async def test_no_partial_text_while_others_wait(scripted: Scripted) -> None:
    utterance = scripted.utterance(with_partials=True)
    scripted.is_idle = False
    utterance.feed(SECOND)
    await asyncio.sleep(0)
    assert not scripted.asked


async def test_the_final_text_does_not_wait_for_a_partial_one(scripted: Scripted) -> None:
    utterance = scripted.utterance(with_partials=True)
    scripted.may_tell.clear()
    utterance.feed(SECOND)
    await until(lambda: len(scripted.asked) == 1)
    utterance.feed(SECOND[:1000])
    asked = asyncio.create_task(utterance.final())
    await until(lambda: len(scripted.asked) == 2)
    scripted.may_tell.set()
    assert await asked == "1 s"
    assert scripted.partials == []


async def test_a_failure_is_told_and_it_may_be_asked_again(scripted: Scripted) -> None:
    utterance = scripted.utterance(with_partials=True)
    scripted.failure = STTError("out of reach")
    utterance.feed(SECOND)
    with pytest.raises(STTError, match="out of reach"):
        await utterance.final()
    scripted.failure = None
    assert await utterance.final() == "1 s"


async def test_a_partial_text_that_fails_is_left_out(
    scripted: Scripted, caplog: pytest.LogCaptureFixture
) -> None:
    utterance = scripted.utterance(with_partials=True)
    scripted.failure = STTError("out of reach")
    utterance.feed(SECOND)
    await until(lambda: "out of reach" in caplog.text)
    assert scripted.partials == []


async def test_a_closed_utterance_tells_nothing(scripted: Scripted) -> None:
    utterance = scripted.utterance()
    scripted.may_tell.clear()
    utterance.feed(SECOND)
    asked = asyncio.create_task(utterance.final())
    await until(lambda: bool(scripted.asked))
    utterance.close()
    utterance.close()
    with pytest.raises(STTError, match="closed"):
        await asked
    utterance.feed(SECOND)
    with pytest.raises(STTError, match="closed"):
        await utterance.final()


async def test_who_gives_up_waiting_ends_the_request(scripted: Scripted) -> None:
    utterance = scripted.utterance()
    scripted.may_tell.clear()
    utterance.feed(SECOND)
    asked = asyncio.create_task(utterance.final())
    await until(lambda: bool(scripted.asked))
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    await until(lambda: not utterance._tasks)
    scripted.may_tell.set()
    assert await utterance.final() == "1 s"
