"""From the setting to the recogniser, with its fallback."""

import logging
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from speech.stt.build import UnknownRecogniserError, build_recogniser
from speech.stt.engine import OnPartial, Recogniser, Stream, STTError
from speech.stt.fallback import WithFallback
from speech.stt.openai import OpenAIRecogniser
from speech.stt.pocketsphinx import PocketsphinxRecogniser


class OneStream:
    """Of the recogniser that made it."""

    def __init__(self, engine: str) -> None:
        self.engine = engine

    def feed(self, pcm: bytes) -> None:
        """There is nobody to hear it."""

    async def final(self) -> str:
        return "what was said"

    def close(self) -> None:
        """There is nothing to give back."""


class Scripted(Recogniser):
    """Is available, knows languages and starts as a test says."""

    def __init__(self, id: str = "scripted", languages: tuple[str, ...] = ("en", "fr")) -> None:
        self.id = id
        self.languages = languages
        self.is_available = True
        self.is_crowded = False
        self.failure: STTError | None = None
        self.started = self.closed = False

    @property
    def available(self) -> bool:
        return self.is_available

    @property
    def crowded(self) -> bool:
        return self.is_crowded

    def understands(self, language: str) -> bool:
        return language in self.languages

    async def start(self) -> None:
        if self.failure:
            raise self.failure
        self.started = True

    async def aclose(self) -> None:
        self.closed = True

    def listen(self, language: str, on_partial: OnPartial, speaker: str = "") -> Stream:
        return OneStream(self.id)


class WithoutLanguages:
    """Not a recogniser."""

    id = "odd"
    remote = False
    available = True


def broken() -> None:
    raise ValueError("no model file")


HERE = __name__


@pytest.mark.parametrize("name", ["pocketsphinx", " pocketsphinx ", ""])
def test_pocketsphinx_stands_alone(name: str) -> None:
    assert isinstance(build_recogniser(name), PocketsphinxRecogniser)


def test_none_is_no_recogniser() -> None:
    assert build_recogniser("none") is None


@pytest.mark.parametrize(
    ("name", "id", "remote"),
    [
        ("openai", "openai:my-model", True),
        ("faster-whisper", "faster-whisper:tiny", False),
        (f"{HERE}.Scripted", "scripted", False),
    ],
)
def test_all_others_have_a_fallback(name: str, id: str, remote: bool) -> None:
    options = {"openai": {"model": "my-model"}, "faster-whisper": {"model": "tiny"}}
    recogniser = build_recogniser(name, options)
    assert isinstance(recogniser, WithFallback)
    assert (recogniser.id, recogniser.remote) == (id, remote)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("sphinx", "'sphinx': use pocketsphinx, faster-whisper, openai, none or a dotted path"),
        ("no.such.Module", "cannot be loaded: No module named 'no'"),
        (f"{HERE}.Missing", "cannot be loaded"),
        (f"{HERE}.broken", "no model file"),
        (f"{HERE}.WithoutLanguages", "has no crowded, understands, start, aclose, listen"),
    ],
)
def test_what_cannot_be_had_is_told(name: str, message: str) -> None:
    with pytest.raises(UnknownRecogniserError, match=message):
        build_recogniser(name)


@pytest.fixture
def first() -> Scripted:
    return Scripted("first")


@pytest.fixture
def second() -> Scripted:
    return Scripted("second", ("en",))


@pytest.fixture
def listens(first: Scripted, second: Scripted) -> Callable[[str], str]:
    both = WithFallback(first, second)
    return lambda language: both.listen(language, print).engine


def test_the_first_listens_while_it_is_available(
    listens: Callable[[str], str], first: Scripted
) -> None:
    assert listens("en") == "first"
    first.is_available = False
    assert listens("en") == "second"


def test_a_language_that_the_second_does_not_know_stays_with_the_first(
    listens: Callable[[str], str], first: Scripted
) -> None:
    first.is_available = False
    assert listens("fr") == "first"


def test_a_language_that_only_the_second_knows_goes_there(
    listens: Callable[[str], str], first: Scripted
) -> None:
    first.languages = ("fr",)
    assert listens("en") == "second"


def test_it_is_as_crowded_as_the_one_that_listens(first: Scripted, second: Scripted) -> None:
    both = WithFallback(first, second)
    assert not both.crowded
    first.is_crowded = True
    assert both.crowded
    first.is_available = False
    assert not both.crowded


def test_both_know_what_one_knows(first: Scripted, second: Scripted) -> None:
    both = WithFallback(first, second)
    assert both.understands("fr")
    assert not both.understands("de")


async def test_only_the_first_is_started_and_both_are_closed(
    first: Scripted, second: Scripted
) -> None:
    both = WithFallback(first, second)
    await both.start()
    await both.aclose()
    assert (first.started, second.started) == (True, False)
    assert (first.closed, second.closed) == (True, True)


async def test_a_first_that_cannot_start_is_logged(
    first: Scripted, second: Scripted, caplog: pytest.LogCaptureFixture
) -> None:
    first.failure = STTError("the model cannot be loaded")
    with caplog.at_level(logging.ERROR):
        await WithFallback(first, second).start()
    assert "the model cannot be loaded; second listens instead" in caplog.text


async def test_while_a_service_is_out_of_reach_english_is_understood_here() -> None:
    recogniser = build_recogniser("openai", {"openai": {"base_url": "http://127.0.0.1:9/v1"}})
    assert recogniser is not None
    assert recogniser.listen("en", print).engine == PocketsphinxRecogniser.id
    assert recogniser.listen("de", print).engine == OpenAIRecogniser().id


async def test_the_documented_recogniser_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = Path(__file__).parents[3] / "docs" / "engines.md"
    blocks = re.findall(r"```python\n(.*?)```", document.read_text("utf-8"), re.DOTALL)
    (tmp_path / "documented_ear.py").write_text(next(b for b in blocks if "class MyEar" in b))
    monkeypatch.syspath_prepend(tmp_path)
    recogniser = build_recogniser("documented_ear.MyEar")
    assert recogniser is not None
    await recogniser.start()
    stream = recogniser.listen("fr", print, "someone")
    assert stream.engine == "my-ear"
    stream.feed(bytes(48_000))
    assert await stream.final() == "1.5 seconds of speech"
    stream.close()
    await recogniser.aclose()
