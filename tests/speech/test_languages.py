import pytest

from speech.tts.engine import Voice
from speech.tts.espeak import EspeakEngine
from speech.tts.gtts import GTTSEngine
from speech.tts.languages import best_voice


@pytest.mark.parametrize(
    ("language", "espeak", "gtts"),
    [
        ("en", "en-us", "en"),
        ("en-US", "en-us", "en"),
        ("en_GB", "en-gb", "en"),
        ("en-IN", "en-us", "en"),
        ("pt-br", "pt-br", "pt"),
        ("pt-PT", "pt", "pt-pt"),
        ("fr", "fr-fr", "fr"),
        ("fr-CA", "fr-fr", "fr-ca"),
        ("zh", "cmn", "zh"),
        ("zh-TW", "cmn", "zh-tw"),
        ("zh-HK", "yue", "yue"),
        ("no", "nb", "no"),
        ("iw", "he", "iw"),
        ("he", "he", "iw"),
        ("es-MX", "es", "es"),
        ("tlh", None, None),
        ("", None, None),
        ("*", None, None),
    ],
)
def test_a_tag_finds_the_nearest_voice(language: str, espeak: str | None, gtts: str | None) -> None:
    for engine, tag in ((EspeakEngine(), espeak), (GTTSEngine(), gtts)):
        found = best_voice(language, engine.voices())
        assert (found and found.id) == (tag and f"{engine.name}:{tag}")


def test_another_region_is_better_than_nothing() -> None:
    voices = [Voice("x:de-at", "", "de-AT", "x"), Voice("x:en-au", "", "en-AU", "x")]
    assert best_voice("de-DE", voices) == voices[0]
    assert best_voice("en", voices) == voices[1]
