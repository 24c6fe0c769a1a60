"""Reads listings from a CSV file: any common encoding and delimiter, every fault by its line."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from charset_normalizer import from_bytes
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from .models import Listing

REQUIRED = ("reference", "title", "kind", "deal", "city", "area_m2", "price")
OPTIONAL = (
    "district", "bedrooms", "bathrooms", "currency", "description", "image", "url", "available",
)  # fmt: skip
YES = frozenset({"1", "yes", "true", "y", "t", "x"})
NO = frozenset({"0", "no", "false", "n", "f"})
NUMBERS = frozenset({"bedrooms", "bathrooms", "area_m2", "price"})
LOWER_CASE = frozenset({"kind", "deal"})


class UnreadableFile(Exception):
    """The file as a whole cannot be read; the text says why."""


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that is no listing. ``line`` is where it begins in the file, the first being 1."""

    line: int
    reason: str


def decoded(content: bytes, encoding: str = "") -> str:
    """The text of a file: UTF-8 with or without a mark, else what it most likely is.

    Raises ``UnreadableFile``.
    """
    if encoding:
        try:
            return content.decode(encoding)
        except (UnicodeDecodeError, LookupError) as error:
            raise UnreadableFile(str(error)) from error
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        best = from_bytes(content).best()
    if best is None or "\0" in str(best):
        raise UnreadableFile(_("This is no text file in an encoding that can be guessed."))
    return str(best)


def rows(text: str, delimiter: str = "") -> Iterator[Listing | BadRow]:
    """The listings in a CSV text with a header, unsaved, and what is wrong with the other rows.

    Raises ``UnreadableFile`` if the header lacks a column.
    """
    reader = csv.DictReader(
        io.StringIO(text, newline=""), delimiter=delimiter or _delimiter(text), strict=True
    )
    try:
        header = [(name or "").strip().lower() for name in reader.fieldnames or ()]
    except csv.Error as error:
        raise UnreadableFile(str(error)) from error
    if missing := [name for name in REQUIRED if name not in header]:
        raise UnreadableFile(
            _("Columns are missing: %(missing)s. The first line has: %(found)s.")
            % {"missing": ", ".join(missing), "found": ", ".join(header) or "-"}
        )
    reader.fieldnames = header
    lines_of: dict[str, int] = {}
    while True:
        line = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield BadRow(line, str(error))
            continue
        read = _listing(row)
        if isinstance(read, str):
            yield BadRow(line, read)
        elif (first := lines_of.setdefault(read.reference, line)) != line:
            yield BadRow(
                line,
                _("reference: %(reference)s stands in line %(line)d already")
                % {"reference": read.reference, "line": first},
            )
        else:
            yield read


def columns(text: str, delimiter: str = "") -> list[str]:
    """The names in the header, known or not."""
    header = next(csv.reader(text.splitlines()[:1], delimiter=delimiter or _delimiter(text)), [])
    return [name.strip().lower() for name in header if name.strip()]


def _delimiter(text: str) -> str:
    header = text.partition("\n")[0]
    return max(",;\t|", key=header.count)


def _listing(row: Mapping[str | None, str | list[str] | None]) -> Listing | str:
    """The listing in a row, or what is wrong with it."""
    if None in row:
        return _("more values than columns")
    fields: dict[str, object] = {}
    for name in (*REQUIRED, *OPTIONAL):
        written = row.get(name)
        if not isinstance(written, str) or not written.strip():
            continue
        try:
            fields[name] = _value(name, written.strip())
        except ValueError as error:
            return f"{name}: {error}"
    listing = Listing(**fields)
    try:
        listing.clean_fields(exclude={"id"})
    except ValidationError as error:
        return "; ".join(
            f"{name}: {' '.join(messages)}" for name, messages in error.message_dict.items()
        )
    return listing


def _value(name: str, written: str) -> object:
    if name == "available":
        if written.lower() not in YES | NO:
            raise ValueError(_("“%(value)s” is neither yes nor no") % {"value": written[:40]})
        return written.lower() in YES
    if name in NUMBERS:
        if not written.isascii() or not written.isdigit() or len(written) > 15:
            raise ValueError(_("“%(value)s” is not a whole number") % {"value": written[:40]})
        return int(written)
    if name in LOWER_CASE:
        return written.lower()
    return written.upper() if name == "currency" else written
