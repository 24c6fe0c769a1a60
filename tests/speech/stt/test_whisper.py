"""faster-whisper with a stand-in for its model: none can be downloaded for a test."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from speech.stt.engine import STTError
from speech.stt.whisper import WhisperRecogniser, fetch_model, find_model, model_names
from tests.speech.recordings import cards
from tests.speech.waiting import until

SPEECH = cards()[2].pcm(16_000)


@dataclass
class Segment:
    text: str


class Model:
    """As ``faster_whisper.WhisperModel``: segments come one by one, and each takes its time."""

    supported_languages = ("en", "de")
    loaded: "list[Model]" = []

    def __init__(self, path: str, device: str, compute_type: str) -> None:
        self.made_with = path, device, compute_type
        self.samples: npt.NDArray[np.float32] | None = None
        self.language: str | None = None
        self.told = 0
        self.may_go_on = threading.Event()
        self.may_go_on.set()
        self.failure: Exception | None = None
        Model.loaded.append(self)

    def transcribe(
        self, samples: npt.NDArray[np.float32], language: str | None, **options: Any
    ) -> tuple[Iterator[Segment], None]:
        assert options["temperature"] == 0.0
        self.samples, self.language = samples, language
        return self._segments(), None

    def _segments(self) -> Iterator[Segment]:
        for text in (" Seven", " of", "", " clubs."):
            assert self.may_go_on.wait(10)
            if self.failure:
                raise self.failure
            self.told += 1
            yield Segment(text)


@pytest.fixture
async def recogniser(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[WhisperRecogniser]:
    monkeypatch.setattr("faster_whisper.WhisperModel", Model)
    monkeypatch.setattr(Model, "loaded", [])
    recogniser = WhisperRecogniser(str(tmp_path), "cpu", "int8")
    assert not recogniser.available
    await recogniser.start()
    yield recogniser
    await recogniser.aclose()


@pytest.fixture
def model(recogniser: WhisperRecogniser) -> Model:
    return Model.loaded[0]


async def test_a_model_in_a_folder_is_loaded(
    recogniser: WhisperRecogniser, model: Model, tmp_path: Path
) -> None:
    assert recogniser.available
    assert recogniser.id == f"faster-whisper:{tmp_path.name}"
    assert model.made_with == (str(tmp_path), "cpu", "int8")


@pytest.mark.parametrize(("language", "code"), [("de-AT", "de"), ("", "en"), ("tlh", None)])
async def test_speech_is_transcribed(
    recogniser: WhisperRecogniser, model: Model, language: str, code: str | None
) -> None:
    stream = recogniser.listen(language, print)
    stream.feed(SPEECH)
    assert await stream.final() == "Seven of clubs."
    assert model.language == code
    assert model.samples is not None
    assert model.samples.dtype == np.float32
    assert len(model.samples) == len(SPEECH) // 2
    assert 0.05 < np.abs(model.samples).max() <= 1


async def test_partial_texts_come_while_the_person_speaks(
    recogniser: WhisperRecogniser,
) -> None:
    partials: list[str] = []
    stream = recogniser.listen("en", partials.append)
    stream.feed(SPEECH)
    await until(lambda: partials == ["Seven of clubs."])


async def test_the_loop_goes_on_while_the_model_works(
    recogniser: WhisperRecogniser, model: Model
) -> None:
    model.may_go_on.clear()
    stream = recogniser.listen("en", print)
    stream.feed(SPEECH[:6400])
    asked = asyncio.create_task(stream.final())
    await until(lambda: model.samples is not None)
    assert not asked.done()
    model.may_go_on.set()
    assert await asked == "Seven of clubs."


async def test_a_closed_utterance_is_given_up_after_the_segment(
    recogniser: WhisperRecogniser, model: Model
) -> None:
    model.may_go_on.clear()
    stream = recogniser.listen("en", print)
    stream.feed(SPEECH)
    asked = asyncio.create_task(stream.final())
    await until(lambda: model.samples is not None)
    stream.close()
    with pytest.raises(STTError, match="closed"):
        await asked
    model.may_go_on.set()
    other = recogniser.listen("en", print)
    other.feed(SPEECH)
    assert await other.final() == "Seven of clubs."
    assert model.told <= 5


async def test_a_model_that_fails_is_told_without_what_was_said(
    recogniser: WhisperRecogniser, model: Model
) -> None:
    model.failure = RuntimeError("Seven")
    stream = recogniser.listen("en", print)
    stream.feed(SPEECH)
    with pytest.raises(STTError, match=r"^faster-whisper: RuntimeError$"):
        await stream.final()


async def test_a_folder_without_a_model_stops_the_start(tmp_path: Path) -> None:
    recogniser = WhisperRecogniser(str(tmp_path))
    with pytest.raises(STTError, match=f"{tmp_path} cannot be loaded"):
        await recogniser.start()
    stream = recogniser.listen("en", print)
    stream.feed(SPEECH)
    with pytest.raises(STTError, match="not loaded"):
        await stream.final()
    await recogniser.aclose()


async def test_a_model_that_is_missing_is_downloaded_in_the_background(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrived = threading.Event()

    def fetch(name: str) -> Path:
        assert name == "tiny"
        assert arrived.wait(10)
        return tmp_path

    monkeypatch.setattr("faster_whisper.WhisperModel", Model)
    monkeypatch.setattr("speech.stt.whisper.find_model", lambda _: None)
    monkeypatch.setattr("speech.stt.whisper.fetch_model", fetch)
    recogniser = WhisperRecogniser("tiny")
    await recogniser.start()
    assert not recogniser.available
    arrived.set()
    await until(lambda: recogniser.available)
    await recogniser.aclose()


@pytest.mark.parametrize("name", ["smalll", "/no/such/folder", "./model", ""])
def test_a_name_that_means_nothing_is_an_error(name: str) -> None:
    with pytest.raises(STTError, match=r"no speech model.*large-v3"):
        find_model(name)
    with pytest.raises(STTError, match="no speech model"):
        fetch_model(name)


def test_the_known_names_are_listed() -> None:
    assert "small.en" in model_names()


@pytest.mark.parametrize(
    ("model", "language", "is_known"),
    [("small", "de", True), ("small.en", "de", False), ("small.en", "en-GB", True)],
)
def test_english_models_know_english_only(model: str, language: str, is_known: bool) -> None:
    assert WhisperRecogniser(model).understands(language) is is_known


def test_a_hub_that_is_not_reachable_is_told_with_what_to_do(tmp_path: Path) -> None:
    script = (
        "from speech.stt.whisper import *\ntry: fetch_model('tiny')\nexcept STTError as e: print(e)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={"HF_ENDPOINT": "http://127.0.0.1:9", "HF_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert "'tiny' could not be downloaded" in done.stdout
    assert "VOICECHAT_WHISPER_MODEL" in done.stdout
