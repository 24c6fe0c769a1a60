"""Plays back what was said: one segment's file, in ranges, to those who may hear it.

Django's FileResponse knows no ranges and, under ASGI, reads the whole file first; browsers then
cannot seek (pitfall 17). Here a file is read in pieces, in a thread, as they are sent; or a server
in front sends it (``VOICECHAT_X_ACCEL_REDIRECT``), off the disk or out of the object store; or the
object store itself does, at an address that is signed and soon worth nothing. Asked for permission is
always here.
"""

from __future__ import annotations

import asyncio
import hashlib
import uuid
from collections.abc import AsyncIterator
from urllib.parse import quote, urlsplit

from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.files.base import File
from django.core.files.storage import FileSystemStorage, Storage
from django.db import close_old_connections
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from . import media
from .byte_range import ByteRange
from .hearing import may_hear, note_hearing
from .models import AudioSegment
from .ranged_answer import CACHE_CONTROL, ranged_answer

CHUNK_BYTES = 64 * 1024
CONTENT_TYPES = {
    "wav": "audio/wav",
    "mp3": "audio/mpeg",
    "flac": "audio/flac",
    "opus": "audio/ogg",  # Opus is stored in Ogg
}
# Long enough to begin to play and to seek in it for a while, too short to be worth passing on.
SIGNED_S = 120


@require_safe
async def play_segment(
    request: HttpRequest, conversation_id: uuid.UUID, segment_id: uuid.UUID
) -> HttpResponseBase:
    """The sound of one segment. 404 unless it is the visitor's own or they may hear all."""
    segment = await sync_to_async(_find)(request, conversation_id, segment_id)
    storage = media.storage()
    if not isinstance(storage, FileSystemStorage):
        # The method is part of what is signed. ``expire`` as in django-storages, in seconds.
        address = await asyncio.to_thread(
            storage.url,
            segment.key,
            expire=SIGNED_S,  # type: ignore[call-arg]
            http_method=request.method,
        )
        if settings.VOICECHAT_X_ACCEL_REDIRECT:
            store = urlsplit(address)
            return _left_to_server_in_front(segment, f"{store.path.lstrip('/')}?{store.query}")
        return _redirected(address)
    if settings.VOICECHAT_X_ACCEL_REDIRECT:
        return _left_to_server_in_front(segment, quote(segment.key))
    try:
        size = await asyncio.to_thread(storage.size, segment.key)
    except FileNotFoundError:
        raise Http404(_("The sound of this turn is no longer kept.")) from None
    answer = ranged_answer(request, _etag(segment, size), size, _headers(segment))
    if answer.part is None:
        return HttpResponse(status=answer.status, headers=answer.headers)
    try:
        sound = await SoundPart.open(storage, segment.key, answer.part)
    except FileNotFoundError:
        raise Http404(_("The sound of this turn is no longer kept.")) from None
    return StreamingHttpResponse(sound, status=answer.status, headers=answer.headers)


def _left_to_server_in_front(segment: AudioSegment, where: str) -> HttpResponse:
    """nginx sends the sound, its ranges and its ETag (``X-Accel-Redirect``), off the disk or the store."""
    headers = _headers(segment) | {
        "Cache-Control": CACHE_CONTROL,
        "X-Accel-Redirect": settings.VOICECHAT_X_ACCEL_REDIRECT + where,
    }
    return HttpResponse(headers=headers)


def _redirected(address: str) -> HttpResponse:
    """To the store's own address, which is signed."""
    return HttpResponse(status=302, headers={"Location": address, "Cache-Control": "no-store"})


class SoundPart:
    """Part of an open file, in pieces. The response closes it when it ends or the client leaves."""

    def __init__(self, file: File[bytes], length: int) -> None:
        self._file = file
        self._left = length

    @classmethod
    async def open(cls, storage: Storage, key: str, part: ByteRange) -> SoundPart:
        """Raises FileNotFoundError."""

        def opened() -> File[bytes]:
            file = storage.open(key, "rb")
            file.seek(part.start)
            return file

        return cls(await asyncio.to_thread(opened), part.length)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while self._left:
            piece = await asyncio.to_thread(self._file.read, min(CHUNK_BYTES, self._left))
            if not piece:
                return  # shorter than it was: the connection ends early, which the client notices
            self._left -= len(piece)
            yield piece

    def close(self) -> None:
        self._file.close()


def _find(request: HttpRequest, conversation_id: uuid.UUID, segment_id: uuid.UUID) -> AudioSegment:
    if not may_hear(request, conversation_id):
        raise Http404(_("There is no such sound."))
    segments = AudioSegment.objects.filter(turn__conversation=conversation_id)
    segment = segments.defer("peaks").filter(pk=segment_id).first()
    if segment is None:
        raise Http404(_("There is no such sound."))
    note_hearing(request, conversation_id, segment.turn_id, f"segment {segment.pk}")
    # Whoever pauses the player holds the response open; they need not hold a connection as well.
    close_old_connections()
    return segment


def _headers(segment: AudioSegment) -> dict[str, str]:
    return {
        "Content-Type": CONTENT_TYPES.get(segment.codec, "application/octet-stream"),
        "Content-Disposition": f'inline; filename="{segment.pk}.{segment.codec}"',
    }


def _etag(segment: AudioSegment, size: int) -> str:
    digest = hashlib.blake2b(f"{segment.key}:{size}".encode(), digest_size=12)
    return f'"{digest.hexdigest()}"'
