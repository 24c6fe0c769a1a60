"""``manage.py voices``: what can be spoken with, and how it sounds."""

from __future__ import annotations

import asyncio
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from contextlib import aclosing
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from speech.codecs import Codec, encode
from speech.pcm import duration_ms
from speech.tts.chain import TIMEOUT, load_engine
from speech.tts.engine import Engine, TTSError, Voice
from speech.tts.languages import best_voice, normal

CODECS: dict[str, Codec] = {".wav": "wav", ".mp3": "mp3", ".flac": "flac", ".ogg": "opus"}


class Command(BaseCommand):
    help = """Lists the voices of the engines in VOICECHAT_TTS, best engine first, or tries one.

  manage.py voices --language pt
  manage.py voices --say "Bom dia" --voice espeak:pt-br --out hello.wav"""

    def create_parser(self, *args: Any, **kwargs: Any) -> Any:
        return super().create_parser(*args, formatter_class=RawDescriptionHelpFormatter, **kwargs)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--language", help="only voices of a language, such as de or pt-br")
        parser.add_argument("--say", metavar="TEXT", help="speak this; needs --out")
        parser.add_argument(
            "--voice", metavar="ID", help="with this voice (default: an English one)"
        )
        parser.add_argument("--speed", type=float, default=1.0, help="0.5 to 2 (default: 1)")
        parser.add_argument(
            "--out", type=Path, metavar="FILE", help=f"into this file: {', '.join(CODECS)}"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        wanted, text, out = options["language"], options["say"], options["out"]
        if (text is None) != (out is None):
            raise CommandError("--say and --out go together: what to speak, and into which file.")
        if text is None:
            asyncio.run(self._list(wanted))
        else:
            voice = options["voice"]
            asyncio.run(self._try(text, voice, wanted or "en", options["speed"], out))

    async def _list(self, language: str | None) -> None:
        for engine in _engines():
            voices = [voice for voice in engine.voices() if _speaks(voice, language)]
            fault = await _fault(engine)
            self.stdout.write(
                f"{engine.name}: {len(voices)} voice{'' if len(voices) == 1 else 's'}, "
                + (f"out of reach just now ({fault})" if fault else "within reach")
            )
            for voice in voices:
                self.stdout.write(f"  {voice.id:<24} {voice.language:<12} {voice.name}")
            await engine.aclose()

    async def _try(
        self, text: str, voice: str | None, language: str, speed: float, out: Path
    ) -> None:
        codec = CODECS.get(out.suffix.lower())
        if codec is None:
            raise CommandError(f"{out}: the name has to end in one of {', '.join(CODECS)}.")
        engines = _engines()
        engine, found = _find(engines, voice, language)
        try:
            pcm = b"".join([chunk async for chunk in engine.synthesize(text, found.id, speed)])
        except TTSError as error:
            raise CommandError(f"{found.id} cannot speak just now: {error}") from error
        finally:
            for each in engines:
                await each.aclose()
        try:
            await asyncio.to_thread(out.write_bytes, encode(pcm, engine.rate, codec))
        except OSError as error:
            raise CommandError(f"{out} cannot be written: {error.strerror}") from error
        seconds = duration_ms(len(pcm), engine.rate) / 1000
        self.stdout.write(f"{found.id} spoke {seconds:.1f} s into {out}")


def _engines() -> list[Engine]:
    options = settings.VOICECHAT_TTS_OPTIONS
    return [load_engine(name, **options.get(name, {})) for name in settings.VOICECHAT_TTS]


def _speaks(voice: Voice, language: str | None) -> bool:
    if not language:
        return True
    tag, wanted = normal(voice.language), normal(language)
    return tag == wanted or tag.startswith(f"{wanted}-")


def _find(engines: list[Engine], voice: str | None, language: str) -> tuple[Engine, Voice]:
    for engine in engines:
        voices = engine.voices()
        if voice is None:
            found = best_voice(language, voices)
        else:
            found = next((each for each in voices if each.id == voice), None)
        if found is not None:
            return engine, found
    raise CommandError(
        f"No engine has the voice {voice!r}. 'manage.py voices' lists what there is."
        if voice
        else f"No engine speaks {language!r}. 'manage.py voices' lists what there is."
    )


async def _fault(engine: Engine) -> str:
    """Why it cannot be used just now, "" if it can."""
    voice = best_voice("en", engine.voices()) or next(iter(engine.voices()), None)
    if voice is None:
        return "it has no voices"
    try:
        async with (
            asyncio.timeout(TIMEOUT),
            aclosing(engine.synthesize("Hello", voice.id)) as audio,
        ):
            return "" if await anext(audio, b"") else "it says nothing"
    except TTSError as error:
        return str(error)
    except TimeoutError:
        return f"no answer within {TIMEOUT:g} s"
