"""``manage.py purge``: deletes sound and text that are older than they are kept."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, RawDescriptionHelpFormatter
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.template.defaultfilters import filesizeformat

from conversations.management.telling import INTERRUPTED, counted, progress
from conversations.retention import scrubbing
from conversations.retention.ages import Kind, days_ago, days_kept
from conversations.retention.purging import BATCH, Purged, due, held, purge
from conversations.retention.stopping import Stop

MOST_DAYS = 36_500
LARGEST_BATCH = 1000


class Command(BaseCommand):
    help = """Deletes sound and text of conversations whose last turn is older than they are kept.

  manage.py purge --dry-run
  manage.py purge
  manage.py purge --sound-days 30 --text-days 365

Without days those of VOICECHAT_KEEP_SOUND_DAYS and VOICECHAT_KEEP_TEXT_DAYS hold; what is neither set
nor given is kept. A server that runs does this by itself once a day. What is on legal hold stays, and
so does what goes on just now.

Ctrl-C stops after the batch at hand. Nothing is half deleted; give the command again to go on."""

    def create_parser(self, *args: Any, **kwargs: Any) -> Any:
        return super().create_parser(*args, formatter_class=RawDescriptionHelpFormatter, **kwargs)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--dry-run", action="store_true", help="say what would be deleted, and delete nothing"
        )
        for kind in Kind:
            parser.add_argument(
                f"--{kind}-days",
                type=_days,
                metavar="N",
                help=f"delete {kind} that is older, whatever VOICECHAT_KEEP_{kind.upper()}_DAYS says",
            )
        parser.add_argument(
            "--batch",
            type=_batch,
            default=BATCH,
            metavar="N",
            help="so many conversations in one transaction (default: %(default)s)",
        )
        parser.add_argument(
            "--vacuum",
            action="store_true",
            help="then write the database anew, so that no fragment is left in free parts of its "
            "files; SQLite: needs as much disk again, and nobody can write meanwhile",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        days = {kind: options[f"{kind}_days"] or days_kept(kind) for kind in Kind}
        if not any(days.values()):
            raise CommandError(
                "Everything is kept for ever. Set VOICECHAT_KEEP_SOUND_DAYS or "
                "VOICECHAT_KEEP_TEXT_DAYS, or give --sound-days or --text-days."
            )
        with Stop() as stop:
            for kind, kept in days.items():
                if kept is not None and not stop.is_asked:
                    self._purge(kind, kept, stop, options)
            if not options["dry_run"]:
                self._scrub(options["vacuum"] and not stop.is_asked)
        if stop.is_asked:
            raise CommandError("Stopped. Give the command again to go on.", returncode=INTERRUPTED)

    def _purge(self, kind: Kind, days: int, stop: Stop, options: dict[str, Any]) -> None:
        before = days_ago(days)
        rehearsal = options["dry_run"]
        purged = Purged()
        with progress(self, due(kind, before).count(), str(kind), options["verbosity"]) as bar:
            for batch in purge(kind, before, size=options["batch"], is_rehearsal=rehearsal):
                purged += batch.purged
                bar.update(batch.seen)
                if stop.is_asked:
                    break
        told = (
            f"{'Would delete' if rehearsal else 'Deleted'} {_told(kind, purged)} after {days} days."
        )
        if kept := held(kind, before).count():
            told += f" {counted(kept, 'conversation')} on legal hold: kept."
        self.stdout.write(told)

    def _scrub(self, everything: bool) -> None:
        if everything:
            scrubbing.rewrite()
        else:
            scrubbing.scrub()


def _told(kind: Kind, purged: Purged) -> str:
    conversations = counted(purged.conversations, "conversation")
    if kind is Kind.TEXT:
        return f"the text of {conversations} ({counted(purged.turns, 'turn')})"
    size = filesizeformat(purged.bytes).replace("\xa0", " ")
    segments = counted(purged.segments, "segment")
    return f"the sound of {conversations} ({counted(purged.turns, 'turn')}, {segments}, {size})"


def _days(text: str) -> int:
    return _number(text, MOST_DAYS, "days")


def _batch(text: str) -> int:
    return _number(text, LARGEST_BATCH, "conversations")


def _number(text: str, most: int, of_what: str) -> int:
    if text.isascii() and text.isdigit() and len(text) < 10 and 1 <= int(text) <= most:
        return int(text)
    raise ArgumentTypeError(f"{text!r} is no number of {of_what} from 1 to {most}")
