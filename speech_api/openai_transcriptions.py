"""OpenAI's ``POST /v1/audio/transcriptions``: a recording is understood."""

from __future__ import annotations

import asyncio
import io
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Final

from django.core.exceptions import RequestDataTooBig, TooManyFilesSent
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    JsonResponse,
    StreamingHttpResponse,
)
from django.http.multipartparser import MultiPartParserError

from speech.codecs import AudioError, decode_pieces
from speech.passages import Passage, passages
from speech.pcm import duration_ms
from speech.stt.engine import RATE, Recogniser, STTError

from .answers import event, for_programs, openai_error
from .command import read_language
from .credentials import holder_of_key, spend
from .errors import SpeechError
from .places import Place
from .service import service
from .transcript import (
    Segment,
    Transcript,
    as_json,
    as_srt,
    as_text,
    as_verbose_json,
    as_vtt,
)

MAX_BYTES: Final = 25 * 1024 * 1024
"""Of a file; OpenAI's own limit."""
LONGEST_S: Final = 1800

PLAIN: Final[dict[str, Callable[[Transcript], str]]] = {
    "text": as_text,
    "srt": as_srt,
    "vtt": as_vtt,
}
JSON: Final[dict[str, Callable[[Transcript], dict[str, Any]]]] = {
    "json": as_json,
    "verbose_json": as_verbose_json,
}


_IN_EVENTS: Final = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "X-Accel-Buffering": "no",
}


@dataclass(frozen=True, slots=True)
class Wish:
    """A request: ``form`` is a key of PLAIN or JSON; ``language`` a BCP 47 tag."""

    recording: bytes
    language: str
    form: str
    stream: bool


@for_programs("POST", shape=openai_error)
async def transcriptions(request: HttpRequest) -> HttpResponseBase:
    """The text in ``response_format``, or with ``stream`` in events, passage by passage."""
    holder = await holder_of_key(service(), request, "voice")
    place = service().recordings.take()
    try:
        wish = await _off_the_loop(lambda: read_wish(request))
        recogniser = _recogniser_for(wish.language)
        await spend(service(), holder, 0)
        await service().start()
        pcm = await _off_the_loop(lambda: _samples(wish.recording))
        service().usage.count(holder.key, heard_ms=round(duration_ms(len(pcm), RATE)))
        found = await _off_the_loop(lambda: passages(pcm, RATE))
        segments = _segments(recogniser, wish.language, found)
        if wish.stream:
            return StreamingHttpResponse(_Events(segments, place.hand_over()), headers=_IN_EVENTS)
        understood = [segment async for segment in segments]
    except STTError as error:
        raise _failed() from error
    finally:
        place.leave()
    transcript = Transcript(understood, round(duration_ms(len(pcm), RATE)), wish.language)
    if wish.form in JSON:
        return JsonResponse(JSON[wish.form](transcript))
    return HttpResponse(PLAIN[wish.form](transcript), content_type="text/plain; charset=utf-8")


def read_wish(request: HttpRequest) -> Wish:
    """What a form asks for. Blocks. Raises ``SpeechError``."""
    try:
        form, files = request.POST, request.FILES
    except (MultiPartParserError, RequestDataTooBig, TooManyFilesSent) as error:
        raise SpeechError(400, "bad_form", "Send multipart/form-data with a file.") from error
    recording = files.get("file")
    if recording is None or isinstance(recording, list):
        raise SpeechError(400, "no_file", "file is missing.", param="file")
    if (recording.size or 0) > MAX_BYTES:
        message = f"A file has {MAX_BYTES // 1024 // 1024} MB at most."
        raise SpeechError(413, "file_too_big", message, param="file")
    if not form.get("model"):
        raise SpeechError(400, "bad_model", "model is missing.", param="model")
    name = form.get("response_format", "json")
    if name not in {*PLAIN, *JSON}:
        message = f"response_format has to be one of {', '.join([*JSON, *PLAIN])}."
        raise SpeechError(400, "bad_response_format", message, param="response_format")
    if "word" in form.getlist("timestamp_granularities[]"):
        message = "Times are known of segments, not of words."
        raise SpeechError(400, "no_words", message, param="timestamp_granularities")
    with closing(recording):
        return Wish(
            recording.read(),
            read_language(form.get("language", "")) or "en",
            name,
            form.get("stream", "").lower() in ("true", "1"),
        )


def _recogniser_for(language: str) -> Recogniser:
    recogniser = service().recogniser
    if recogniser is None:
        raise SpeechError(501, "no_recogniser", "Nothing is understood here: VOICECHAT_STT=none.")
    if not recogniser.understands(language):
        message = f"The recogniser of this server does not understand {language!r}."
        raise SpeechError(400, "unknown_language", message, param="language")
    if recogniser.crowded:
        message = "Too many speak just now. Try again in a moment."
        raise SpeechError(503, "busy", message, retry_s=5.0)
    return recogniser


def _samples(recording: bytes) -> bytes:
    pcm = bytearray()
    try:
        for piece in decode_pieces(io.BytesIO(recording), RATE):
            pcm += piece
            if duration_ms(len(pcm), RATE) > LONGEST_S * 1000:
                message = f"A recording lasts {LONGEST_S // 60} minutes at most."
                raise SpeechError(413, "recording_too_long", message, param="file")
    except AudioError as error:
        if not pcm:
            message = "The file is no sound that can be read."
            raise SpeechError(400, "bad_file", message, param="file") from error
    return bytes(pcm)


async def _segments(
    recogniser: Recogniser, language: str, found: list[Passage]
) -> AsyncIterator[Segment]:
    """The passages with words, in their order. Raises ``STTError``."""
    speaker = uuid.uuid4().hex
    async with service().listening:
        for passage in found:
            stream = recogniser.listen(language, lambda _text: None, speaker)
            try:
                stream.feed(passage.pcm)
                text = await stream.final()
            finally:
                stream.close()
            if text:
                yield Segment(passage.start_ms, passage.end_ms, text)


class _Events:
    """A transcript as it is understood. Django closes it in any case, read or not."""

    def __init__(self, segments: AsyncIterator[Segment], place: Place) -> None:
        self._segments, self._place = segments, place

    def close(self) -> None:
        self._place.leave()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        said: list[str] = []
        try:
            async for segment in self._segments:
                delta = f" {segment.text}" if said else segment.text
                said.append(segment.text)
                yield event(type="transcript.text.delta", delta=delta)
        except STTError:
            yield event(type="error", **openai_error(_failed()))
        else:
            yield event(type="transcript.text.done", text=" ".join(said))


async def _off_the_loop(call: Callable[[], Any]) -> Any:
    return await asyncio.get_running_loop().run_in_executor(service().decoders, call)


def _failed() -> SpeechError:
    message = "The recording could not be understood. Try again."
    return SpeechError(502, "recognition_failed", message, retry_s=1.0)
