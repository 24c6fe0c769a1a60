"""``manage.py export_conversations``: what was said, as a zip or into a directory."""

from __future__ import annotations

import uuid
from argparse import (
    ArgumentParser,
    ArgumentTypeError,
    BooleanOptionalAction,
    RawDescriptionHelpFormatter,
)
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from conversations.export import directory
from conversations.export.files import Report, export_files
from conversations.export.formats import SOUND, TEXT, Format
from conversations.export.selection import Selection
from conversations.export.zipped import zipped
from conversations.management.telling import INTERRUPTED, counted, persons_called, progress
from conversations.models import Conversation

INCOMPLETE = 3


class Command(BaseCommand):
    help = """Exports conversations into a zip, or into a directory.

  manage.py export_conversations may.zip --since 2026-05-01 --until 2026-05-31
  manage.py export_conversations ann/ --person ann --format json --format segments
  manage.py export_conversations one.zip --id 6f2c0a4e-… --no-sound

A zip gets its name when it is complete; of one that breaks off nothing is left. A directory is gone
on with when the command is given again: conversations whose folder is there are not written again.

Exit status: 0 all is exported; 1 nothing is, and why stands on stderr; 3 all is exported but what is
missing or damaged in the store, which manifest.json names."""

    def create_parser(self, *args: Any, **kwargs: Any) -> Any:
        return super().create_parser(*args, formatter_class=RawDescriptionHelpFormatter, **kwargs)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("out", type=Path, metavar="OUT", help="NAME.zip, or a directory")
        parser.add_argument(
            "--format",
            action="append",
            choices=Format.values,
            dest="formats",
            help="json, csv, vtt; wav (each call in stereo), segments (sound as it is kept). "
            "More than one may be given (default: json, csv, vtt and wav)",
        )
        parser.add_argument(
            "--sound",
            action=BooleanOptionalAction,
            help="with or without sound, whatever the formats",
        )
        parser.add_argument(
            "--since",
            type=_beginning,
            metavar="WHEN",
            help="only what went on at or after this date (2026-05-01) or time (2026-05-01T12:00)",
        )
        parser.add_argument(
            "--until",
            type=_end,
            metavar="WHEN",
            help="only what began on or before this date, or before this time",
        )
        parser.add_argument(
            "--person",
            action="append",
            dest="persons",
            metavar="WHO",
            help="only of this user name or person's id; may be given again",
        )
        parser.add_argument(
            "--id",
            action="append",
            type=_uuid,
            dest="ids",
            metavar="ID",
            help="only this conversation; may be given again",
        )
        parser.add_argument(
            "--overwrite", action="store_true", help="replace a zip that is there already"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        out: Path = options["out"]
        formats = _formats(options["formats"], options["sound"])
        selection = Selection.of(_conversations(options))
        if not selection:
            raise CommandError("No conversation is like that.")
        report = Report(len(selection), formats)
        known = 0
        with progress(self, report.all_steps, "conversations", options["verbosity"]) as bar:

            def on_step(report: Report) -> None:
                bar.update(report.steps - bar.n)

            try:
                if out.suffix == ".zip":
                    self._check(out, options["overwrite"])
                    directory.write_file(out, zipped(export_files(selection, report, on_step)))
                else:
                    known = directory.write(selection, report, out, on_step)
            except directory.OtherExportError as error:
                raise CommandError(f"{error}. Choose another.") from error
            except KeyboardInterrupt:
                raise CommandError("Stopped.", returncode=INTERRUPTED) from None
            except OSError as error:
                raise CommandError(f"{out} cannot be written: {error.strerror}") from error
        self._tell(out, report, known)

    def _check(self, out: Path, overwrite: bool) -> None:
        if out.is_dir():
            raise CommandError(f"{out} is a directory.")
        if out.exists() and not overwrite:
            raise CommandError(f"{out} is there already. Choose another, or --overwrite.")

    def _tell(self, out: Path, report: Report, known: int) -> None:
        told = f"{counted(report.exported, 'conversation')} in {out}"
        if known:
            told += f", {known} of them from before"
        if report.gone:
            told += f"; {report.gone} deleted meanwhile"
        self.stdout.write(told)
        problems = len(report.problems) + report.unlisted_problems
        if problems:
            raise CommandError(
                f"{counted(problems, 'problem')} with sound: see manifest.json.",
                returncode=INCOMPLETE,
            )


def _formats(given: list[str] | None, with_sound: bool | None) -> frozenset[Format]:
    formats = TEXT | {Format.WAV} if given is None else frozenset(map(Format, given))
    if with_sound is False:
        formats -= SOUND
    elif with_sound and not formats & SOUND:
        formats |= {Format.WAV}
    if not formats:
        raise CommandError("Without sound there is nothing in these formats.")
    return formats


def _conversations(options: dict[str, Any]) -> QuerySet[Conversation]:
    conversations = Conversation.objects.all()
    if options["since"]:
        conversations = conversations.filter(last_at__gte=options["since"])
    if options["until"]:
        conversations = conversations.filter(created_at__lt=options["until"])
    if options["persons"]:
        persons = [person for who in options["persons"] for person in persons_called(who)]
        conversations = conversations.filter(person__in=persons)
    if options["ids"]:
        conversations = conversations.filter(pk__in=options["ids"])
        known = set(conversations.values_list("pk", flat=True))
        unknown = [str(id) for id in options["ids"] if id not in known]
        if unknown:
            raise CommandError(f"There is no such conversation: {', '.join(unknown)}")
    return conversations


def _uuid(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is not the id of a conversation") from None


def _beginning(text: str) -> datetime:
    return _moment(text, timedelta(0))


def _end(text: str) -> datetime:
    """A date counts to its end."""
    return _moment(text, timedelta(days=1))


def _moment(text: str, after_midnight: timedelta) -> datetime:
    try:
        day = parse_date(text)
        if day is None:
            moment = parse_datetime(text)
        else:
            moment = datetime.combine(day + after_midnight, time.min)
    except (ValueError, OverflowError):
        moment = None
    if moment is None:
        raise ArgumentTypeError(f"{text!r} is no date such as 2026-05-01, nor a time")
    return timezone.make_aware(moment) if timezone.is_naive(moment) else moment
