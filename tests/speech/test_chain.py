import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from speech.tts import Chain, TTSError, UnknownEngineError, build_chain
from speech.tts.espeak import EspeakEngine
from tests.speech.engines import ScriptedEngine
from tests.speech.waiting import until


@pytest.fixture
def remote() -> ScriptedEngine:
    return ScriptedEngine("cloud")


@pytest.fixture
async def chain(remote: ScriptedEngine) -> AsyncIterator[Chain]:
    """A remote engine that has proved to be well, and espeak."""
    chain = Chain([remote, EspeakEngine()])
    await chain.start()
    await until_chosen(chain, "cloud")
    remote.asked.clear()
    yield chain
    await chain.stop()


async def until_chosen(chain: Chain, engine: str) -> None:
    await until(lambda: chain.choose(None, "en").engine.name == engine)


async def test_a_remote_engine_is_not_chosen_before_a_probe_succeeds(
    remote: ScriptedEngine,
) -> None:
    chain = Chain([remote, EspeakEngine()])
    assert chain.choose(None, "en").voice.id == "espeak:en-us"
    await chain.start()
    await until_chosen(chain, "cloud")
    await chain.stop()


@pytest.mark.parametrize("ill", ["fails", "is silent", "has no voices"])
async def test_a_remote_engine_that_is_not_well_is_not_chosen(ill: str) -> None:
    remote = ScriptedEngine("cloud", [] if ill == "has no voices" else ["en"])
    remote.chunks = []
    if ill == "fails":
        remote.failure = TTSError("no route")
    chain = Chain([remote])
    await chain.start()
    await until(lambda: bool(remote.ended) or ill == "has no voices")
    assert chain.choose("cloud:en", "en").engine.name == "espeak"
    await chain.stop()


@pytest.mark.parametrize(
    ("voice", "language", "chosen"),
    [
        (None, "en-US", "cloud:en"),
        ("", "", "cloud:en"),
        ("espeak:de", "en", "espeak:de"),
        ("cloud:fr", "en", "cloud:fr"),
        ("cloud:none", "fr", "cloud:fr"),
        (None, "de-AT", "espeak:de"),
        (None, "tlh", "espeak:en-us"),
        ("\0", "\ud800", "espeak:en-us"),
    ],
)
async def test_the_wish_then_the_language_then_english(
    chain: Chain, voice: str | None, language: str, chosen: str
) -> None:
    assert chain.choose(voice, language).voice.id == chosen


async def test_espeak_is_the_last_resort_of_a_chain_without_it() -> None:
    chain = Chain([ScriptedEngine("cloud")])
    assert chain.choose("cloud:en", "en").voice.id == "espeak:en-us"
    assert [voice.engine for voice in chain.voices()] == ["cloud", "cloud"]


async def test_what_is_chosen_streams_what_the_engine_says(
    chain: Chain, remote: ScriptedEngine
) -> None:
    chosen = chain.choose(None, "en")
    assert chosen.rate == 16_000
    assert [c async for c in chosen.stream("Hello.", 1.5, 3)] == remote.chunks
    assert remote.asked == [("Hello.", "cloud:en", 1.5, 3)]


async def test_a_sentence_is_synthesised_once(chain: Chain, remote: ScriptedEngine) -> None:
    chosen = chain.choose(None, "en")
    first = [c async for c in chosen.stream("Hello.")]
    again = [c async for c in chosen.stream("Hello.")]
    assert b"".join(again) == b"".join(first)
    assert all(len(chunk) <= 6400 for chunk in again)
    assert len(remote.asked) == 1
    [c async for c in chosen.stream("Hello.", 1.2)]
    assert len(remote.asked) == 2


async def test_half_a_sentence_is_not_kept(chain: Chain, remote: ScriptedEngine) -> None:
    chosen = chain.choose(None, "en")
    async with aclosing(chosen.stream("Hello.")) as audio:
        await anext(audio)
    assert remote.ended == 2  # the probe, and this
    assert len([c async for c in chosen.stream("Hello.")]) == 3
    assert len(remote.asked) == 2


async def test_a_failure_opens_the_breaker_for_the_next_reply(
    chain: Chain, remote: ScriptedEngine
) -> None:
    remote.failure = TTSError("429")
    chosen = chain.choose(None, "en")
    with pytest.raises(TTSError, match="429"):
        [c async for c in chosen.stream("Hello.")]
    assert chain.choose("cloud:en", "en").voice.id == "espeak:en-us"
    remote.failure = None
    assert [c async for c in chosen.stream("Hello.")] == remote.chunks  # nothing bad was kept


async def test_any_error_of_an_engine_becomes_a_tts_error(
    chain: Chain, remote: ScriptedEngine
) -> None:
    remote.failure = ZeroDivisionError("oops")
    with pytest.raises(TTSError, match="oops"):
        [c async for c in chain.choose(None, "en").stream("Hello.")]


async def test_an_engine_that_hangs_is_given_up(remote: ScriptedEngine) -> None:
    chain = Chain([remote], timeout=0.05)
    await chain.start()
    await until_chosen(chain, "cloud")
    remote.hangs = True
    with pytest.raises(TTSError, match=r"no audio for 0\.05 s"):
        [c async for c in chain.choose(None, "en").stream("Hello.")]
    assert chain.choose(None, "en").engine.name == "espeak"
    await chain.stop()


async def test_being_cancelled_is_no_failure_of_the_engine(
    chain: Chain, remote: ScriptedEngine
) -> None:
    remote.hangs = True

    async def speak() -> None:
        async with aclosing(chain.choose(None, "en").stream("Hello.")) as audio:
            await anext(audio)

    task = asyncio.create_task(speak())
    await until(lambda: bool(remote.asked))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert remote.ended == 2
    assert chain.choose(None, "en").engine is remote


async def test_stopping_closes_the_engines(remote: ScriptedEngine) -> None:
    chain = Chain([remote])
    await chain.start()
    await chain.stop()
    assert remote.closed


async def test_a_chain_is_built_from_names() -> None:
    chain = build_chain(
        ["gtts", " espeak", "tests.speech.engines.ScriptedEngine", ""],
        options={"gtts": {"timeout": 3}},
    )
    assert {voice.engine for voice in chain.voices()} == {"gtts", "espeak", "scripted"}
    await chain.stop()


async def test_no_names_are_espeak() -> None:
    assert build_chain([]).choose(None, "de").voice.id == "espeak:de"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("piper9", r"no speech engine is called 'piper9': use espeak, gtts or a dotted path"),
        ("no.such.Engine", "No module"),
        ("tests.speech.engines.Nothing", "Nothing"),
        ("tests.speech.engines.WithoutVoices", "has no rate, remote, voices, synthesize, aclose"),
        ("tests.speech.engines.broken", "no model file"),
        ("..x", "cannot be loaded"),
    ],
)
def test_a_name_that_is_no_engine_is_explained(name: str, message: str) -> None:
    with pytest.raises(UnknownEngineError, match=message):
        build_chain(["espeak", name])


def test_a_name_that_comes_twice_is_an_error() -> None:
    with pytest.raises(UnknownEngineError, match="twice"):
        build_chain(["espeak", "espeak"])


async def test_a_hundred_kilobytes_begin_to_sound_at_once() -> None:
    chosen = build_chain(["espeak"]).choose(None, "en")
    async with aclosing(chosen.stream("All work and no play. " * 5000)) as audio:
        assert await asyncio.wait_for(anext(audio), 5)
