"""Which bytes of a file a ``Range`` header asks for (RFC 9110, section 14). Pure arithmetic."""

from __future__ import annotations

import re
from dataclasses import dataclass

# One range, of the only unit there is. Several ranges do not match, and are answered as a server
# may answer any range: with the whole.
_SINGLE = re.compile(r"bytes[ \t]*=[ \t]*([0-9]*)[ \t]*-[ \t]*([0-9]*)[ \t]*", re.IGNORECASE)
_DIGITS = 18  # no file is longer than a number of so many digits


class RangeNotSatisfiableError(ValueError):
    """The range is well formed, and no byte of the file is in it: answer 416."""


@dataclass(frozen=True, slots=True)
class ByteRange:
    """Bytes ``start`` up to but not including ``stop`` of a file of ``size`` bytes."""

    start: int
    stop: int
    size: int

    @property
    def length(self) -> int:
        return self.stop - self.start

    @property
    def content_range(self) -> str:
        """The value of ``Content-Range`` in a 206."""
        return f"bytes {self.start}-{self.stop - 1}/{self.size}"


def parse_range(header: str, size: int) -> ByteRange | None:
    """What ``header`` asks of a file of ``size`` bytes; None: send the whole, with 200.

    None stands for an absent, malformed or multiple range and for another unit, all of which a
    server ignores. Raises RangeNotSatisfiableError if the range lies behind the end or is empty.
    """
    match = _SINGLE.fullmatch(header.strip())
    if match is None:
        return None
    first, last = match.groups()
    if not first and not last:
        return None
    if not first:
        start, stop = max(0, size - _number(last)), size
    else:
        start, stop = _number(first), size
        if last:
            if _number(last) < start:
                return None
            stop = min(size, _number(last) + 1)
    if start >= stop:
        raise RangeNotSatisfiableError(f"{header!r} of {size} bytes")
    return ByteRange(start, stop, size)


def _number(digits: str) -> int:
    digits = digits.lstrip("0") or "0"
    return int(digits) if len(digits) <= _DIGITS else 10**_DIGITS
