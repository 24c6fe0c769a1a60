"""What a request for sound is answered with: 200, 206, 304 or 416 (RFC 9110, sections 13 to 15)."""

from __future__ import annotations

from typing import NamedTuple

from django.http import HttpRequest
from django.utils.http import parse_etags

from .byte_range import ByteRange, RangeNotSatisfiableError, parse_range

# Asked again each time, so that nothing is heard after a log-out; the ETag makes it cheap.
CACHE_CONTROL = "private, no-cache"


class RangedAnswer(NamedTuple):
    """``part`` is what the body holds; None: there is none."""

    status: int
    headers: dict[str, str]
    part: ByteRange | None


def ranged_answer(
    request: HttpRequest, etag: str, size: int, headers: dict[str, str]
) -> RangedAnswer:
    """The answer to a GET or HEAD of ``size`` bytes. ``etag`` is strong; ``headers`` are added."""
    always = {"Accept-Ranges": "bytes", "Cache-Control": CACHE_CONTROL, "ETag": etag}
    if _is_known(request, etag):
        return RangedAnswer(304, always, None)
    headers = always | headers
    try:
        part = _asked_part(request, etag, size)
    except RangeNotSatisfiableError:
        return RangedAnswer(416, headers | {"Content-Range": f"bytes */{size}"}, None)
    if part is not None:
        headers["Content-Range"] = part.content_range
    part, status = (ByteRange(0, size, size), 200) if part is None else (part, 206)
    headers["Content-Length"] = str(part.length)
    return RangedAnswer(status, headers, None if request.method == "HEAD" else part)


def _is_known(request: HttpRequest, etag: str) -> bool:
    known = parse_etags(request.headers.get("If-None-Match", ""))
    return "*" in known or any(tag.removeprefix("W/") == etag for tag in known)


def _asked_part(request: HttpRequest, etag: str, size: int) -> ByteRange | None:
    """The range that counts: only with GET, and only of the version that If-Range names."""
    if request.method != "GET" or request.headers.get("If-Range", etag).strip() != etag:
        return None
    return parse_range(request.headers.get("Range", ""), size)
