"""``manage.py import_listings FILE.csv``: adds new listings and updates those already there."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from tqdm import tqdm

from dialogue.listings.models import Listing
from dialogue.listings.rows import (
    OPTIONAL,
    REQUIRED,
    BadRow,
    UnreadableFile,
    columns,
    decoded,
    rows,
)

AT_ONCE = 500
MOST_REPORTED = 100


class Command(BaseCommand):
    help = (
        "Imports listings from a CSV file with a header. A listing whose reference is known is "
        "updated. If any row is wrong, every wrong row is reported and nothing is imported, unless "
        f"--skip-bad-rows. Columns: {', '.join(REQUIRED)}; optional: {', '.join(OPTIONAL)}."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--dry-run", action="store_true", help="only check the file")
        parser.add_argument(
            "--skip-bad-rows", action="store_true", help="import the rows that are right"
        )
        parser.add_argument("--encoding", default="", help="such as cp1252; guessed if not given")
        parser.add_argument("--delimiter", default="", help="one character; guessed if not given")

    def handle(self, *_args: Any, **options: Any) -> None:
        if len(options["delimiter"]) > 1:
            raise CommandError("--delimiter is one character.")
        text = self._read(options["file"], options["encoding"])
        good, bad = self._parse(text, options["delimiter"])
        for row in bad[:MOST_REPORTED]:
            self.stderr.write(f"line {row.line}: {row.reason}")
        if len(bad) > MOST_REPORTED:
            self.stderr.write(f"and {len(bad) - MOST_REPORTED} more")
        if bad and not options["skip_bad_rows"]:
            raise CommandError(f"{len(bad)} rows are wrong; nothing was imported.")
        known = _known(good)
        if not options["dry_run"]:
            self._write(good, columns(text, options["delimiter"]))
        self.stdout.write(
            f"{'Would add' if options['dry_run'] else 'Added'} {len(good) - known}, "
            f"{'update' if options['dry_run'] else 'updated'} {known}, skipped {len(bad)}."
        )
        if bad:
            sys.exit(1)

    def _read(self, file: Path, encoding: str) -> str:
        try:
            return decoded(file.read_bytes(), encoding)
        except OSError as error:
            raise CommandError(f"{file} cannot be read: {error.strerror}.") from error
        except UnreadableFile as error:
            raise CommandError(f"{file}: {error}") from error

    def _parse(self, text: str, delimiter: str) -> tuple[list[Listing], list[BadRow]]:
        good: list[Listing] = []
        bad: list[BadRow] = []
        progress = tqdm(
            rows(text, delimiter), unit="row", desc="Reading", file=sys.stderr, disable=None
        )
        try:
            for row in progress:
                if isinstance(row, BadRow):
                    bad.append(row)
                else:
                    good.append(row)
        except UnreadableFile as error:
            raise CommandError(str(error)) from error
        unread = [name for name in columns(text, delimiter) if name not in REQUIRED + OPTIONAL]
        if unread:
            self.stderr.write(f"Columns that are not read: {', '.join(unread)}.")
        return good, bad

    def _write(self, listings: list[Listing], given: list[str]) -> None:
        # What the file does not speak of stays as it is.
        changing = [name for name in REQUIRED + OPTIONAL if name in given and name != "reference"]
        changing.append("updated_at")
        with transaction.atomic():
            for start in tqdm(
                range(0, len(listings), AT_ONCE), desc="Writing", file=sys.stderr, disable=None
            ):
                Listing.objects.bulk_create(
                    listings[start : start + AT_ONCE],
                    update_conflicts=True,
                    unique_fields=["reference"],
                    update_fields=changing,
                )


def _known(listings: list[Listing]) -> int:
    known = 0
    for start in range(0, len(listings), AT_ONCE):
        references = [listing.reference for listing in listings[start : start + AT_ONCE]]
        known += Listing.objects.filter(reference__in=references).count()
    return known
