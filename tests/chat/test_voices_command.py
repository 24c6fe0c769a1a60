"""``manage.py voices``."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from speech.codecs import decode
from speech.pcm import duration_ms


def voices(*arguments: str) -> str:
    out = StringIO()
    call_command("voices", *arguments, stdout=out)
    return out.getvalue()


def test_it_lists_the_voices_of_all_engines() -> None:
    head, *lines = voices().splitlines()
    assert head == f"espeak: {len(lines)} voices, within reach"
    assert len(lines) > 100


@pytest.mark.parametrize(
    ("language", "ids"), [("pt", ["espeak:pt", "espeak:pt-br"]), ("pt_BR", ["espeak:pt-br"])]
)
def test_a_language_is_picked_out(language: str, ids: list[str]) -> None:
    _, *lines = voices("--language", language).splitlines()
    assert [line.split()[0] for line in lines] == ids


def test_an_engine_out_of_reach_is_said_so(settings: Settings) -> None:
    settings.VOICECHAT_TTS = ["gtts", "espeak"]
    settings.VOICECHAT_TTS_OPTIONS = {"gtts": {"base_url": "http://127.0.0.1:9"}}
    listed = voices("--language", "de")
    assert "gtts: 1 voice, out of reach just now (gtts: " in listed
    assert "espeak: 1 voice, within reach" in listed


@pytest.mark.parametrize("ending", [".wav", ".mp3", ".flac", ".ogg"])
def test_a_voice_is_tried(tmp_path: Path, ending: str) -> None:
    file = tmp_path / f"hello{ending}"
    said = voices("--say", "Bom dia", "--voice", "espeak:pt-br", "--out", str(file))
    assert said.startswith("espeak:pt-br spoke ")
    pcm, rate = decode(file.read_bytes())
    assert 300 < duration_ms(len(pcm), rate) < 3000
    assert any(pcm)


def test_without_a_voice_the_language_decides(tmp_path: Path) -> None:
    out = str(tmp_path / "a.wav")
    assert voices("--say", "Hello", "--out", out).startswith("espeak:en-us ")
    assert voices("--say", "Hallo", "--language", "de", "--out", out).startswith("espeak:de ")


@pytest.mark.parametrize(
    ("arguments", "advice"),
    [
        (["--say", "Hello"], "--say and --out go together"),
        (["--out", "a.wav"], "--say and --out go together"),
        (["--say", "Hello", "--out", "a.txt"], "has to end in one of .wav, .mp3"),
        (["--say", "Hello", "--out", "/no/such/a.wav"], "cannot be written: No such file"),
        (["--say", "Hello", "--out", "a.wav", "--voice", "espeak:x"], "'manage.py voices' lists"),
        (["--say", "Hello", "--out", "a.wav", "--language", "xx"], "No engine speaks 'xx'"),
    ],
)
def test_what_cannot_be_done_is_told_with_what_to_do(arguments: list[str], advice: str) -> None:
    with pytest.raises(CommandError, match=advice):
        voices(*arguments)


def test_a_voice_out_of_reach_is_told(settings: Settings, tmp_path: Path) -> None:
    settings.VOICECHAT_TTS = ["gtts"]
    settings.VOICECHAT_TTS_OPTIONS = {"gtts": {"base_url": "http://127.0.0.1:9"}}
    with pytest.raises(CommandError, match="gtts:en cannot speak just now"):
        voices("--say", "Hello", "--voice", "gtts:en", "--out", str(tmp_path / "a.wav"))
