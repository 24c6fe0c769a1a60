"""From the name of a recogniser to the recogniser."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, Final

from speech.stt.engine import Recogniser
from speech.stt.fallback import WithFallback
from speech.stt.pocketsphinx import PocketsphinxRecogniser

BUILT_IN: Final = {
    "pocketsphinx": "speech.stt.pocketsphinx.PocketsphinxRecogniser",
    "faster-whisper": "speech.stt.whisper.WhisperRecogniser",
    "openai": "speech.stt.openai.OpenAIRecogniser",
}
NONE: Final = "none"

_PARTS: Final = (
    "id", "remote", "available", "crowded", "understands", "start", "aclose", "listen",
)  # fmt: skip


class UnknownRecogniserError(ValueError):
    """The setting names a recogniser that cannot be had; the message says why."""


def load_recogniser(name: str, **options: Any) -> Recogniser:
    """The recogniser of that name or dotted path, by itself. ``options`` go to its class.

    Raises ``UnknownRecogniserError``.
    """
    module, _, attribute = BUILT_IN.get(name, name).rpartition(".")
    if not module:
        known = ", ".join([*BUILT_IN, NONE])
        raise UnknownRecogniserError(
            f"no speech recogniser is called {name!r}: use {known} or a dotted path to a class"
        )
    try:
        recogniser = getattr(import_module(module), attribute)(**options)
    except Exception as error:  # it is anyone's code
        raise UnknownRecogniserError(
            f"speech recogniser {name!r} cannot be loaded: {error}"
        ) from error
    missing = [part for part in _PARTS if not hasattr(recogniser, part)]
    if missing:
        raise UnknownRecogniserError(f"speech recogniser {name!r} has no {', '.join(missing)}")
    loaded: Recogniser = recogniser
    return loaded


def build_recogniser(
    name: str, options: Mapping[str, Mapping[str, Any]] | None = None
) -> Recogniser | None:
    """The recogniser that a setting names, None for "none". It is not started yet.

    ``options`` are keyword arguments by name, such as ``{"pocketsphinx": {"processes": 2}}``. All
    but pocketsphinx fall back to it, for utterances in English that come while they are not
    available. Raises ``UnknownRecogniserError``, with a message for the operator.
    """
    options = options or {}
    name = name.strip() or "pocketsphinx"
    if name == NONE:
        return None
    recogniser = load_recogniser(name, **options.get(name, {}))
    if isinstance(recogniser, PocketsphinxRecogniser):
        return recogniser
    second = load_recogniser("pocketsphinx", **options.get("pocketsphinx", {}))
    return WithFallback(recogniser, second)
