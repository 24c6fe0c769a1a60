"""What ``manage.py check`` and every start look at: settings that would only fail at the first visitor."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from speech.stt.build import UnknownRecogniserError, build_recogniser
from speech.tts.chain import UnknownEngineError, load_engine


@register
def speech_engines(**_: Any) -> list[CheckMessage]:
    """VOICECHAT_TTS names engines that can be loaded."""
    problems: list[CheckMessage] = []
    for name in settings.VOICECHAT_TTS:
        try:
            load_engine(name)
        except UnknownEngineError as error:
            problems.append(Error(f"VOICECHAT_TTS: {error}", id="chat.E001"))
    return problems


@register
def speech_recogniser(**_: Any) -> list[CheckMessage]:
    """VOICECHAT_STT names a recogniser that can be loaded."""
    try:
        build_recogniser(settings.VOICECHAT_STT, settings.VOICECHAT_STT_OPTIONS)
    except UnknownRecogniserError as error:
        return [Error(f"VOICECHAT_STT: {error}", id="chat.E002")]
    return []
