"""``manage.py models``."""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from tests.speech.recordings import cards


def models(*arguments: str) -> str:
    out = StringIO()
    call_command("models", *arguments, stdout=out)
    return out.getvalue()


@pytest.fixture(autouse=True)
def no_model_is_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("speech.stt.whisper._snapshot", lambda name, *, local: None)


def test_it_lists_what_listens_and_what_is_missing() -> None:
    lines = models().splitlines()
    assert "* pocketsphinx     pocketsphinx:en-us" in lines
    assert "  faster-whisper   small: missing; manage.py models --fetch small" in lines
    assert any("api.openai.com" in line and "without a key" in line for line in lines)
    assert f"  {'large-v3':<20} not fetched" in lines


def test_a_key_is_not_shown(settings: Settings) -> None:
    service = {"model": "m", "base_url": "http://localhost/v1", "api_key": "very-secret"}
    settings.VOICECHAT_STT_OPTIONS = {**settings.VOICECHAT_STT_OPTIONS, "openai": service}
    listed = models()
    assert "m at http://localhost/v1, with a key" in listed
    assert "very-secret" not in listed


def test_a_model_in_a_folder_is_there(settings: Settings, tmp_path: Path) -> None:
    options = {"faster-whisper": {"model": str(tmp_path)}}
    settings.VOICECHAT_STT_OPTIONS = {**settings.VOICECHAT_STT_OPTIONS, **options}
    assert f"{tmp_path}: {tmp_path}" in models()


def test_voice_input_that_is_off_is_said(settings: Settings) -> None:
    settings.VOICECHAT_STT = "none"
    assert "* none             voice input is off" in models()


def test_a_recording_is_tried() -> None:
    text, figures = models("--try", str(cards()[2].path)).splitlines()
    assert text == "seven of clubs"
    assert figures.startswith("pocketsphinx:en-us: ")
    assert "for 1.5 s of sound" in figures
    assert "of real time" in figures


def test_nothing_understood_is_said(tmp_path: Path) -> None:
    file = tmp_path / "silence.wav"
    call_command("voices", "--say", "Hello", "--out", str(file), stdout=StringIO())
    content = bytearray(file.read_bytes())
    content[200:] = bytes(len(content) - 200)
    file.write_bytes(content)
    assert models("--try", str(file)).startswith("(nothing was understood)\n")


@pytest.mark.parametrize(
    ("arguments", "advice"),
    [
        (["--try", "/no/such.wav"], "/no/such.wav cannot be read: No such file"),
        (["--try", __file__], "is no sound file"),
        (["--try", str(cards()[0].path), "--engine", "sphinx"], "use pocketsphinx, faster-whisper"),
        (["--try", str(cards()[0].path), "--engine", "none"], "with --engine"),
        (["--try", str(cards()[0].path), "--engine", "faster-whisper"], "--fetch small"),
        (["--try", str(cards()[0].path), "--language", "de"], "English only"),
    ],
)
def test_what_cannot_be_tried_is_told_with_what_to_do(arguments: list[str], advice: str) -> None:
    with pytest.raises(CommandError, match=advice):
        models(*arguments)


def test_a_model_is_fetched(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def download(name: str, *, local: bool) -> Any:
        assert name == "tiny"
        return None if local else tmp_path

    monkeypatch.setattr("speech.stt.whisper._snapshot", download)
    assert models("--fetch", "tiny") == f"It is in {tmp_path}\n"


def test_fetching_and_trying_are_two_things() -> None:
    with pytest.raises(CommandError, match="not allowed with"):
        models("--fetch", "tiny", "--try", "hello.wav")
