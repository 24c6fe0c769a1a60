"""``manage.py models``: what listens, which models are there, and what they understand."""

from __future__ import annotations

import asyncio
import time
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from speech.codecs import AudioError, decode
from speech.pcm import chunks, duration_ms
from speech.resample import resample
from speech.stt.build import BUILT_IN, NONE, UnknownRecogniserError, load_recogniser
from speech.stt.engine import RATE, Recogniser, STTError
from speech.stt.whisper import fetch_model, find_model, model_names

PIECE_MS = 25_000  # a recogniser keeps a minute of what it has not come to yet


class Command(BaseCommand):
    help = """Lists the speech recognisers and their models, fetches a model, or tries one on a file.

  manage.py models
  manage.py models --fetch small
  manage.py models --try hello.wav --engine faster-whisper"""

    def create_parser(self, *args: Any, **kwargs: Any) -> Any:
        return super().create_parser(*args, formatter_class=RawDescriptionHelpFormatter, **kwargs)

    def add_arguments(self, parser: ArgumentParser) -> None:
        what = parser.add_mutually_exclusive_group()
        what.add_argument(
            "--fetch", metavar="NAME", help="download a model of faster-whisper, such as small"
        )
        what.add_argument(
            "--try",
            type=Path,
            metavar="FILE",
            dest="file",
            help="tell what is said in a sound file",
        )
        parser.add_argument(
            "--engine", help="with --try: not the one in VOICECHAT_STT but this", metavar="NAME"
        )
        parser.add_argument("--language", default="en", help="with --try (default: en)")

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            if options["fetch"]:
                self.stdout.write(f"It is in {fetch_model(options['fetch'])}")
            elif options["file"]:
                name = options["engine"] or settings.VOICECHAT_STT
                asyncio.run(self._try(name, options["file"], options["language"]))
            else:
                self._list()
        except (STTError, UnknownRecogniserError) as error:
            raise CommandError(str(error)) from error

    def _list(self) -> None:
        for name in dict.fromkeys([*BUILT_IN, settings.VOICECHAT_STT]):
            mark = "*" if name == settings.VOICECHAT_STT else " "
            self.stdout.write(f"{mark} {name:<16} {_state(name)}")
        self.stdout.write("\n* is in use (VOICECHAT_STT).\n\nModels of faster-whisper:")
        for name in model_names():
            folder = find_model(name)
            self.stdout.write(f"  {name:<20} {folder or 'not fetched'}")

    async def _try(self, name: str, file: Path, language: str) -> None:
        pcm = _sound(file)
        recogniser = _loaded(name)
        began = time.monotonic()
        try:
            await recogniser.start()
            ready = time.monotonic()
            stream = recogniser.listen(language, lambda _text: None)
            text = ""
            for piece in chunks(pcm, RATE, PIECE_MS):
                stream.feed(piece)
                text = await stream.final()
            took = time.monotonic() - ready
            stream.close()
        finally:
            await recogniser.aclose()
        seconds = duration_ms(len(pcm), RATE) / 1000
        self.stdout.write(text or "(nothing was understood)")
        self.stdout.write(
            f"{stream.engine}: {took:.2f} s for {seconds:.1f} s of sound, "
            f"{took / seconds:.2f} of real time; ready after {ready - began:.1f} s"
        )


def _options(name: str) -> dict[str, Any]:
    options: dict[str, Any] = settings.VOICECHAT_STT_OPTIONS.get(name, {})
    return options


def _state(name: str) -> str:
    """What an operator wants to know of a recogniser, in a line."""
    options = _options(name)
    if name == "faster-whisper":
        model = options["model"]
        try:
            folder = find_model(model)
        except STTError as error:
            return str(error)
        return f"{model}: " + (
            str(folder) if folder else f"missing; manage.py models --fetch {model}"
        )
    if name == "openai":
        key = "with a key" if options["api_key"] else "without a key (VOICECHAT_STT_KEY)"
        return f"{options['model']} at {options['base_url']}, {key}"
    if name == NONE:
        return "voice input is off"
    return load_recogniser(name, **options).id


def _loaded(name: str) -> Recogniser:
    if name == NONE:
        raise CommandError("VOICECHAT_STT is none: say which recogniser to try, with --engine.")
    model = _options(name).get("model", "")
    if name == "faster-whisper" and find_model(model) is None:
        raise CommandError(
            f"The model {model!r} is not on this machine: manage.py models --fetch {model}"
        )
    return load_recogniser(name, **_options(name))


def _sound(file: Path) -> bytes:
    try:
        pcm, rate = decode(file.read_bytes())
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror}") from error
    except AudioError as error:
        raise CommandError(f"{file} is no sound file that can be read: {error}") from error
    if not pcm:
        raise CommandError(f"{file} holds no sound.")
    return resample(pcm, rate, RATE)
