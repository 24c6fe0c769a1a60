"""A whole call to hear: both sides on one timeline, as stereo WAV and as what is drawn of it.

The WAV is mixed while it is sent and never stored; its size is known beforehand, so that browsers
seek in it as in a file. Whoever may hear a call's segments may hear the call.
"""

from __future__ import annotations

import asyncio
import hashlib
import uuid
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from asgiref.sync import sync_to_async
from django.core.files.storage import FileSystemStorage
from django.db import close_old_connections
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    JsonResponse,
    StreamingHttpResponse,
)
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.people import mark_of

from . import media
from .call_sound import wav_part
from .export import as_wav, sound
from .export.as_wav import CallTooLongError
from .export.streaming import Places, SentExport
from .hearing import may_hear, note_hearing
from .models import AudioSegment
from .ranged_answer import CACHE_CONTROL, ranged_answer
from .waveform import Sound, lane

# A player that is paused holds its response open. A browser has six connections to a server.
REPLAYS = Places(of_all=64, of_one=12)
BUSY_S = 5
# Apart from exports, which may take all of theirs for long.
POOL = ThreadPoolExecutor(max_workers=2, thread_name_prefix="replay")


@require_safe
async def play_call(
    request: HttpRequest, conversation_id: uuid.UUID, call_id: uuid.UUID
) -> HttpResponseBase:
    """The sound of one call. 404 unless it is the visitor's own or they may hear all."""
    segments, who = await sync_to_async(_find)(request, conversation_id, call_id)
    length = as_wav.frames_of(end_of(segments))
    try:
        size = as_wav.size_of(length)
    except CallTooLongError as error:
        return HttpResponse(str(error), status=422, content_type="text/plain; charset=utf-8")
    headers = {
        "Content-Type": "audio/wav",
        "Content-Disposition": f'inline; filename="{call_id}.wav"',
    }
    answer = ranged_answer(request, _etag(segments), size, headers)
    if answer.part is None:
        return HttpResponse(status=answer.status, headers=answer.headers)
    if not REPLAYS.are_free(who):
        return HttpResponse(status=503, headers={"Retry-After": str(BUSY_S)})
    # What is missing or damaged is silence here; at its turn the page says so.
    pieces = wav_part(sound.placed(segments, _unnoted), length, answer.part, _unnoted)
    return StreamingHttpResponse(
        SentExport(pieces, REPLAYS, who, pool=POOL), status=answer.status, headers=answer.headers
    )


@require_safe
async def draw_call(
    request: HttpRequest, conversation_id: uuid.UUID, call_id: uuid.UUID
) -> HttpResponse:
    """What is drawn of one call, as JSON: ``person`` and ``bot``, peaks of 0 to 255.

    ``missing`` are the segments whose file is not as it was stored, where that can be told at once.
    """
    segments, _who = await sync_to_async(_find)(request, conversation_id, call_id, drawn=True)
    drawn = await asyncio.to_thread(_drawn, segments)
    return JsonResponse(drawn, headers={"Cache-Control": CACHE_CONTROL})


def end_of(segments: Iterable[AudioSegment]) -> int:
    """Where the last of them ends on the call's timeline, in ms."""
    return max((segment.start_ms + segment.duration_ms for segment in segments), default=0)


def _find(
    request: HttpRequest, conversation_id: uuid.UUID, call_id: uuid.UUID, *, drawn: bool = False
) -> tuple[list[AudioSegment], str]:
    """The sounds of the call, and who asks for them to hear them; ``drawn``: or to see them."""
    if not may_hear(request, conversation_id):
        raise Http404(_("There is no such sound."))
    of_call = AudioSegment.objects.filter(
        turn__call=call_id, turn__call__conversation=conversation_id
    ).order_by("start_ms", "pk")
    segments = list(of_call if drawn else of_call.defer("peaks"))
    if not end_of(segments):
        raise Http404(_("There is no such sound."))
    if not drawn and request.method == "GET":
        note_hearing(request, conversation_id, None, f"call {call_id}")
    who = mark_of(request.user, request.session)
    # Whoever pauses the player holds the response open; they need not hold a connection as well.
    close_old_connections()
    return segments, who


def _unnoted(*_problem: object) -> None:
    """Problems are in the log already."""


def _etag(segments: Iterable[AudioSegment]) -> str:
    """Of the sounds and their places; a file that is made small has another key."""
    digest = hashlib.blake2b(digest_size=12)
    for segment in segments:
        digest.update(f"{segment.key}:{segment.start_ms}:{segment.duration_ms}\n".encode())
    return f'"{digest.hexdigest()}"'


def _drawn(segments: list[AudioSegment]) -> dict[str, object]:
    length_ms = end_of(segments)
    lanes = {
        track.value: lane(
            (
                Sound(
                    one.start_ms, one.duration_ms, one.peaks if isinstance(one.peaks, list) else ()
                )
                for one in segments
                if one.track == track
            ),
            length_ms,
        )
        for track in AudioSegment.Track
    }
    return {
        "duration_ms": length_ms,
        **lanes,
        "missing": [str(segment.pk) for segment in segments if not _is_as_stored(segment)],
    }


def _is_as_stored(segment: AudioSegment) -> bool:
    """By the file's size, on disk; a store elsewhere would take too long to ask."""
    storage = media.storage()
    if not isinstance(storage, FileSystemStorage):
        return True
    try:
        return storage.size(segment.key) == segment.size
    except OSError:
        return False
