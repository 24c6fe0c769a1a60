"""What ``manage.py check`` says of the speech settings."""

from __future__ import annotations

import pytest
from pytest_django import Settings

from chat.checks import speech_engines, speech_recogniser


def test_the_settings_of_the_tests_are_fine() -> None:
    assert speech_engines() == speech_recogniser() == []


def test_a_voice_engine_that_does_not_exist_is_reported(settings: Settings) -> None:
    settings.VOICECHAT_TTS = ["espeak", "espaek"]
    [problem] = speech_engines()
    assert problem.id == "chat.E001"
    assert "'espaek'" in problem.msg


@pytest.mark.parametrize("name", ["none", "pocketsphinx", "openai", "faster-whisper"])
def test_every_recogniser_that_ships_can_be_chosen(settings: Settings, name: str) -> None:
    settings.VOICECHAT_STT = name
    assert speech_recogniser() == []


def test_a_recogniser_that_does_not_exist_is_reported(settings: Settings) -> None:
    settings.VOICECHAT_STT = "sphinx"
    [problem] = speech_recogniser()
    assert problem.id == "chat.E002"
    assert problem.msg.startswith("VOICECHAT_STT: no speech recogniser is called 'sphinx'")
