"""Plays back what was said: one segment's file, in ranges, to those who may hear it.

Django's FileResponse knows no ranges and, under ASGI, reads the whole file first; browsers then
cannot seek (pitfall 17). Here a file is read in pieces, in a thread, as they are sent.
"""

from __future__ import annotations

import asyncio
import hashlib
import uuid
from collections.abc import AsyncIterator

from asgiref.sync import sync_to_async
from django.core.files.base import File
from django.core.files.storage import Storage
from django.db import close_old_connections
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils.http import parse_etags
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from . import media
from .access import may_hear_all, visible_to
from .byte_range import ByteRange, RangeNotSatisfiableError, parse_range
from .models import AudioSegment

CHUNK_BYTES = 64 * 1024
CONTENT_TYPES = {
    "wav": "audio/wav",
    "mp3": "audio/mpeg",
    "flac": "audio/flac",
    "opus": "audio/ogg",  # Opus is stored in Ogg
}


@require_safe
async def play_segment(
    request: HttpRequest, conversation_id: uuid.UUID, segment_id: uuid.UUID
) -> HttpResponseBase:
    """The sound of one segment. 404 unless it is the visitor's own or they may hear all."""
    segment = await sync_to_async(_find)(request, conversation_id, segment_id)
    storage = media.storage()
    try:
        size = await asyncio.to_thread(storage.size, segment.key)
    except FileNotFoundError:
        raise Http404(_("The sound of this turn is no longer kept.")) from None
    etag = _etag(segment, size)
    headers = {
        "Accept-Ranges": "bytes",
        # Asked again each time, so that nothing is heard after a log-out; the ETag makes it cheap.
        "Cache-Control": "private, no-cache",
        "ETag": etag,
    }
    if _is_known(request, etag):
        return HttpResponse(status=304, headers=headers)
    headers["Content-Type"] = CONTENT_TYPES.get(segment.codec, "application/octet-stream")
    headers["Content-Disposition"] = f'inline; filename="{segment.pk}.{segment.codec}"'
    try:
        part = _asked_part(request, etag, size)
    except RangeNotSatisfiableError:
        headers["Content-Range"] = f"bytes */{size}"
        return HttpResponse(status=416, headers=headers)
    if part is not None:
        headers["Content-Range"] = part.content_range
    part, status = (ByteRange(0, size, size), 200) if part is None else (part, 206)
    headers["Content-Length"] = str(part.length)
    if request.method == "HEAD":
        return HttpResponse(status=status, headers=headers)
    try:
        sound = await SoundPart.open(storage, segment.key, part)
    except FileNotFoundError:
        raise Http404(_("The sound of this turn is no longer kept.")) from None
    return StreamingHttpResponse(sound, status=status, headers=headers)


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
    segments = AudioSegment.objects.filter(turn__conversation=conversation_id)
    if not may_hear_all(request.user):
        own = visible_to(request.user, request.session)
        segments = segments.filter(turn__conversation__in=own)
    segment = segments.filter(pk=segment_id).first()
    # Whoever pauses the player holds the response open; they need not hold a connection as well.
    close_old_connections()
    if segment is None:
        raise Http404(_("There is no such sound."))
    return segment


def _etag(segment: AudioSegment, size: int) -> str:
    digest = hashlib.blake2b(f"{segment.key}:{size}".encode(), digest_size=12)
    return f'"{digest.hexdigest()}"'


def _is_known(request: HttpRequest, etag: str) -> bool:
    known = parse_etags(request.headers.get("If-None-Match", ""))
    return "*" in known or any(tag.removeprefix("W/") == etag for tag in known)


def _asked_part(request: HttpRequest, etag: str, size: int) -> ByteRange | None:
    """The range that counts: only with GET, and only of the version that If-Range names."""
    if request.method != "GET" or request.headers.get("If-Range", etag).strip() != etag:
        return None
    return parse_range(request.headers.get("Range", ""), size)
