"""The real decoder, in its real processes, on recordings of people."""

import asyncio
import logging
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from itertools import pairwise

import pytest

from speech.pcm import chunks, silence
from speech.stt import pocketsphinx_worker as worker
from speech.stt.engine import Recogniser, Stream, STTError
from speech.stt.pocketsphinx import PocketsphinxRecogniser
from speech.stt.pocketsphinx_worker import BEGIN, READY, TELL, Recognition, frame
from tests.speech.recordings import Recording, cards, channels, readings
from tests.speech.stt.wrong_words import wrong_words
from tests.speech.waiting import until

RATE = 16_000
SEVEN_OF_CLUBS, FIVE_FIVE = cards()[2:4]


def ignored(_text: str) -> None:
    """Nobody wants the partial text."""


async def understood(
    recogniser: Recogniser, *recordings: Recording, speaker: str = "", language: str = "en"
) -> str:
    """The text of recordings that are fed as a microphone does, as one utterance."""
    stream = recogniser.listen(language, ignored, speaker)
    text = ""
    for recording in recordings:
        feed(stream, recording)
        text = await stream.final()
    stream.close()
    return text


def feed(stream: Stream, recording: Recording) -> None:
    for chunk in chunks(recording.pcm(RATE), RATE, 20):
        stream.feed(chunk)


def pids(recogniser: PocketsphinxRecogniser) -> list[int]:
    return [decoder.pid for decoder in recogniser.pool.decoders if decoder.pid is not None]


async def killed(recogniser: PocketsphinxRecogniser) -> None:
    """The only process is killed, and that has been noticed."""
    before = pids(recogniser)
    os.kill(before[0], signal.SIGKILL)
    await until(lambda: pids(recogniser) != before, 20)


@pytest.fixture
async def recogniser() -> AsyncIterator[PocketsphinxRecogniser]:
    """With a single process, which is up."""
    recogniser = PocketsphinxRecogniser(processes=1)
    await recogniser.start()
    yield recogniser
    await recogniser.aclose()


@pytest.fixture
async def two(recogniser: PocketsphinxRecogniser) -> tuple[Stream, Stream]:
    """Two utterances for one process; the first has it."""
    streams = recogniser.listen("en", ignored), recogniser.listen("en", ignored)
    for stream, recording in zip(streams, (SEVEN_OF_CLUBS, FIVE_FIVE), strict=True):
        feed(stream, recording)
    return streams


async def test_people_are_understood(recogniser: PocketsphinxRecogniser) -> None:
    speakers = {"cards": cards(), "readings": readings(), "channels": channels()}
    wrong = total = 0
    for speaker, recordings in speakers.items():
        for recording in recordings:
            text = await understood(recogniser, recording, speaker=speaker)
            wrong += wrong_words(recording.text, text)
            total += len(recording.text.split())
    assert wrong / total < 0.3  # measured: 0.23; see PocketsphinxRecogniser


async def test_partial_text_grows_while_the_person_speaks(
    recogniser: PocketsphinxRecogniser,
) -> None:
    partials: list[str] = []
    stream = recogniser.listen("en", partials.append)
    recording = cards()[4]
    feed(stream, recording)
    text = await stream.final()
    assert len(partials) >= 4
    assert all(one != other for one, other in pairwise(partials))
    assert len(partials) <= len(recording.pcm(RATE)) / 32 / 200
    assert len(partials[0].split()) <= 2
    assert wrong_words(text, partials[-1]) <= 2


async def test_final_is_asked_at_a_pause_and_again_after_more_speech(
    recogniser: PocketsphinxRecogniser,
) -> None:
    stream = recogniser.listen("en", ignored)
    feed(stream, SEVEN_OF_CLUBS)
    first = await stream.final()
    assert first == "seven of clubs"
    assert await stream.final() == first
    stream.feed(silence(500, RATE))
    feed(stream, FIVE_FIVE)
    assert await stream.final() == "seven of clubs five five"


async def test_final_tells_what_was_fed_before_it_and_not_what_comes_after(
    recogniser: PocketsphinxRecogniser,
) -> None:
    stream = recogniser.listen("en", ignored)
    feed(stream, SEVEN_OF_CLUBS)
    asked = asyncio.create_task(stream.final())
    await asyncio.sleep(0)
    feed(stream, FIVE_FIVE)
    assert await asked == "seven of clubs"
    assert "five" in await stream.final()


def test_the_person_is_written_with_a_capital() -> None:
    recognition = Recognition()
    recognition.begin("")
    recognition._before = ["i think i'm in"]
    assert recognition.text() == "I think I'm in"


async def test_chunks_of_any_size_and_odd_bytes_give_the_same_text(
    recogniser: PocketsphinxRecogniser,
) -> None:
    stream = recogniser.listen("en", ignored)
    pcm = SEVEN_OF_CLUBS.pcm(RATE)
    for start in range(0, len(pcm), 333):
        stream.feed(pcm[start : start + 333])
    assert await stream.final() == "seven of clubs"


@pytest.mark.parametrize("audio", [b"", b"\0", silence(20, RATE), silence(10_000, RATE)])
async def test_no_speech_is_no_text(recogniser: PocketsphinxRecogniser, audio: bytes) -> None:
    stream = recogniser.listen("en", ignored)
    stream.feed(audio)
    assert await stream.final() == ""
    stream.close()


async def test_an_utterance_without_audio_takes_no_decoder(
    recogniser: PocketsphinxRecogniser,
) -> None:
    recogniser.listen("en", ignored)
    assert await understood(recogniser, SEVEN_OF_CLUBS) == "seven of clubs"


async def test_the_second_utterance_waits_until_the_first_is_closed(
    two: tuple[Stream, Stream],
) -> None:
    first, second = two
    waiting = asyncio.create_task(second.final())
    assert await first.final() == "seven of clubs"
    assert not waiting.done()
    first.close()
    assert "five" in await waiting


async def test_more_processes_are_started_when_somebody_would_wait() -> None:
    recogniser = PocketsphinxRecogniser(processes=2)
    await recogniser.start()
    assert len(recogniser.pool.decoders) == 1
    first, second, third = (recogniser.listen("en", ignored) for _ in range(3))
    for stream in (first, second, third):
        feed(stream, SEVEN_OF_CLUBS)
    assert await asyncio.gather(first.final(), second.final()) == ["seven of clubs"] * 2
    assert len(recogniser.pool.decoders) == 2
    second.close()
    assert await third.final() == "seven of clubs"
    await recogniser.aclose()


async def test_it_is_crowded_when_more_wait_than_it_serves() -> None:
    recogniser = PocketsphinxRecogniser(processes=1)
    await recogniser.start()
    streams = [recogniser.listen("en", ignored) for _ in range(3)]
    for stream in streams[:2]:
        feed(stream, SEVEN_OF_CLUBS)
    assert not recogniser.crowded
    feed(streams[2], SEVEN_OF_CLUBS)
    assert recogniser.crowded
    streams[1].close()
    assert not recogniser.crowded
    await recogniser.aclose()


async def test_without_a_start_the_first_utterance_starts_a_process() -> None:
    recogniser = PocketsphinxRecogniser(processes=1)
    assert await understood(recogniser, SEVEN_OF_CLUBS) == "seven of clubs"
    await recogniser.aclose()


async def test_closing_in_mid_utterance_frees_the_decoder(two: tuple[Stream, Stream]) -> None:
    first, second = two
    asked = asyncio.create_task(first.final())
    await asyncio.sleep(0)
    first.close()
    first.close()
    first.feed(SEVEN_OF_CLUBS.pcm(RATE))
    with pytest.raises(STTError, match="closed"):
        await asked
    with pytest.raises(STTError, match="closed"):
        await first.final()
    assert "five" in await second.final()


async def test_closing_while_in_line_leaves_the_line(two: tuple[Stream, Stream]) -> None:
    first, second = two
    second.close()
    assert await first.final() == "seven of clubs"
    with pytest.raises(STTError, match="closed"):
        await second.final()


async def test_who_gives_up_waiting_does_not_disturb_the_others(two: tuple[Stream, Stream]) -> None:
    first, _second = two
    given_up = asyncio.create_task(first.final())
    await asyncio.sleep(0)
    given_up.cancel()
    with pytest.raises(asyncio.CancelledError):
        await given_up
    assert await first.final() == "seven of clubs"


async def test_when_a_process_dies_the_utterance_is_decoded_again_on_another(
    recogniser: PocketsphinxRecogniser,
) -> None:
    partials: list[str] = []
    stream = recogniser.listen("en", partials.append)
    feed(stream, SEVEN_OF_CLUBS)
    assert await stream.final() == "seven of clubs"
    so_far = list(partials)
    await killed(recogniser)
    feed(stream, FIVE_FIVE)
    assert (await stream.final()).startswith("seven of clubs")
    assert all(text.startswith("seven of") for text in partials[len(so_far) :])


async def test_an_utterance_that_loses_two_processes_fails_and_the_next_one_works(
    recogniser: PocketsphinxRecogniser,
) -> None:
    stream = recogniser.listen("en", ignored)
    feed(stream, SEVEN_OF_CLUBS)
    for _ in range(2):
        assert await stream.final()
        await killed(recogniser)
    with pytest.raises(STTError, match="died"):
        await stream.final()
    stream.close()
    assert await understood(recogniser, SEVEN_OF_CLUBS) == "seven of clubs"


async def test_an_idle_process_that_dies_is_replaced(recogniser: PocketsphinxRecogniser) -> None:
    await killed(recogniser)
    assert await understood(recogniser, SEVEN_OF_CLUBS) == "seven of clubs"


async def test_a_process_that_hangs_is_replaced() -> None:
    recogniser = PocketsphinxRecogniser(processes=1, stall_s=4.0)
    await recogniser.start()
    stream = recogniser.listen("en", ignored)
    os.kill(pids(recogniser)[0], signal.SIGSTOP)
    feed(stream, SEVEN_OF_CLUBS)
    assert await stream.final() == "seven of clubs"
    await recogniser.aclose()


async def test_of_what_waits_too_long_the_oldest_is_dropped(
    two: tuple[Stream, Stream], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("speech.stt.pocketsphinx._LONGEST", 4 * 32_000)
    first, second = two
    second.feed(silence(3000, RATE))
    feed(second, SEVEN_OF_CLUBS)
    first.close()
    assert await second.final() == "seven of clubs"


def test_speech_longer_than_a_decoder_likes_is_told_as_a_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(worker, "_LONG", 32_000)
    monkeypatch.setattr(worker, "_TOO_LONG", 3 * 32_000)
    recognition = Recognition()
    recognition.begin("")
    recognition.hear(SEVEN_OF_CLUBS.pcm(RATE))
    assert recognition.text_at_pause() == "seven of clubs"  # and is cut here
    recognition.hear(SEVEN_OF_CLUBS.pcm(RATE))
    assert recognition.text_at_pause() == "seven of clubs seven of clubs"
    for chunk in chunks(silence(4000, RATE), RATE):  # and within this
        recognition.hear(chunk)
    assert recognition._length < 3 * 32_000
    assert recognition.text() == "seven of clubs seven of clubs"


@pytest.mark.parametrize(
    ("language", "is_known"),
    [("en", True), ("en-GB", True), ("EN", True), ("", True), ("de", False), ("eng", False)],
)
def test_it_knows_english(language: str, is_known: bool) -> None:
    assert PocketsphinxRecogniser().understands(language) is is_known


async def test_another_language_is_refused_and_not_guessed_at(
    recogniser: PocketsphinxRecogniser,
) -> None:
    with pytest.raises(STTError, match="English only"):
        await understood(recogniser, SEVEN_OF_CLUBS, language="de")


async def test_a_listener_that_fails_does_not_end_the_utterance(
    recogniser: PocketsphinxRecogniser, caplog: pytest.LogCaptureFixture
) -> None:
    def failing(text: str) -> None:
        raise ValueError(text)

    stream = recogniser.listen("en", failing)
    feed(stream, SEVEN_OF_CLUBS)
    assert await stream.final() == "seven of clubs"
    assert "seven" not in caplog.text
    assert "ValueError" in caplog.text


async def test_a_process_that_cannot_start_is_told(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    recogniser = PocketsphinxRecogniser(processes=1)
    with caplog.at_level(logging.CRITICAL), pytest.raises(STTError, match="did not start"):
        await recogniser.start()
    with pytest.raises(STTError, match="did not start"):
        await understood(recogniser, SEVEN_OF_CLUBS)
    await recogniser.aclose()


async def test_closing_the_recogniser_fails_whoever_is_in_it(
    recogniser: PocketsphinxRecogniser, two: tuple[Stream, Stream]
) -> None:
    asked = [asyncio.create_task(stream.final()) for stream in two]
    await asyncio.sleep(0)
    running = pids(recogniser)
    await recogniser.aclose()
    for task in asked:
        with pytest.raises(STTError, match="stopped"):
            await task
    with pytest.raises(STTError, match="stopped"):
        await understood(recogniser, SEVEN_OF_CLUBS)
    for pid in running:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_a_process_ends_quietly_when_its_server_is_gone() -> None:
    done = subprocess.run(
        [sys.executable, "-P", worker.__file__],
        input=b"",
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, frame(READY), b"")


def test_a_process_ends_quietly_when_nobody_reads_it() -> None:
    command = [sys.executable, "-P", worker.__file__]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe) as process:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        assert process.stdout.read(len(frame(READY))) == frame(READY)
        process.stdout.close()
        process.stdin.write(frame(BEGIN) + frame(TELL))
        process.stdin.flush()
        assert process.wait(60) == 0
        assert process.stderr.read() == b""


async def test_the_terminals_ctrl_c_does_not_reach_the_processes(
    recogniser: PocketsphinxRecogniser,
) -> None:
    assert os.getpgid(pids(recogniser)[0]) != os.getpgid(0)
