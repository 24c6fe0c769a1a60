"""``manage.py check_sound``: files of sound that no row names, and rows whose file is not there."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, RawDescriptionHelpFormatter
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Any

import msgspec
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from conversations.management.telling import INTERRUPTED, progress
from conversations.models import AudioSegment
from conversations.retention.checking import (
    Finding,
    What,
    delete_orphan,
    fault_of,
    files,
    rows,
    unnamed,
)
from conversations.retention.stopping import Stop

WRONG = 1
FAILED = 2


class Command(BaseCommand):
    help = """Compares the store of sound with the rows that name its files.

  manage.py check_sound
  manage.py check_sound --delete-orphans
  manage.py check_sound --json > findings.jsonl

Finds files that no row names (orphans; "strange" if their name is none of ours), rows whose file is
missing, and files of another size than their row says. A line for each on stdout, a summary behind.

Exit status: 0 nothing is wrong, or only orphans were and all are deleted; 1 something is wrong;
2 the store cannot be read; 130 stopped."""

    def create_parser(self, *args: Any, **kwargs: Any) -> Any:
        return super().create_parser(*args, formatter_class=RawDescriptionHelpFormatter, **kwargs)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--delete-orphans",
            action="store_true",
            help="delete files that no row names; strange ones are left",
        )
        parser.add_argument(
            "--json", action="store_true", help="a JSON object for each finding, one a line"
        )
        parser.add_argument(
            "--grace",
            type=_minutes,
            default=60,
            metavar="MINUTES",
            help="files newer than this are nobody's business: somebody may be about to name them "
            "(default: %(default)s)",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        counts: Counter[str] = Counter()
        try:
            with Stop() as stop:
                for finding in self._findings(stop, options):
                    self._tell(finding, options, counts)
        except OSError as error:
            raise CommandError(
                f"The store cannot be read: {error.strerror}", returncode=FAILED
            ) from error
        deleted = counts.pop("deleted", 0)
        told = ", ".join(f"{count} {what}" for what, count in counts.items()) or "nothing is wrong"
        if deleted:
            told += f"; {deleted} of the orphans deleted"
        # Of JSON each line on stdout is a finding.
        (self.stderr if options["json"] else self.stdout).write(f"Sound: {told}.")
        if stop.is_asked:
            raise CommandError("Stopped before all was looked at.", returncode=INTERRUPTED)
        if counts.total() - deleted:
            raise CommandError("Not all is right.", returncode=WRONG)

    def _findings(self, stop: Stop, options: dict[str, Any]) -> Iterator[Finding]:
        written_before = timezone.now() - timedelta(minutes=options["grace"])
        # How many files there are, only a walk through all of them would tell.
        named = AudioSegment.objects.count()
        looks: list[tuple[str, Iterable[Finding | None]]] = [
            ("files", unnamed(files(), written_before)),
            ("rows", map(fault_of, rows())),
        ]
        for unit, look in looks:
            with progress(self, named, unit, options["verbosity"]) as bar:
                for finding in look:
                    bar.update()
                    if finding is not None:
                        yield finding
                    if stop.is_asked:
                        return

    def _tell(self, finding: Finding, options: dict[str, Any], counts: Counter[str]) -> None:
        counts[finding.what] += 1
        deleted = options["delete_orphans"] and finding.what is What.ORPHAN and self._rid(finding)
        counts["deleted"] += deleted
        if options["json"]:
            told = {**msgspec.to_builtins(finding), "deleted": deleted}
            self.stdout.write(msgspec.json.encode(told).decode())
            return
        # A name may be anything, and this is a terminal.
        line = f"{finding.what}: {finding.key!a}"
        if finding.what is What.WRONG_SIZE:
            line += f", {finding.size} bytes instead of {finding.expected}"
        if finding.conversation is not None:
            line += f" (conversation {finding.conversation}, turn {finding.turn})"
        self.stdout.write(f"{line}{', deleted' if deleted else ''}")

    def _rid(self, finding: Finding) -> bool:
        try:
            return delete_orphan(finding)
        except OSError as error:
            self.stderr.write(f"{finding.key!a} cannot be deleted: {error.strerror}")
            return False


def _minutes(text: str) -> int:
    if text.isascii() and text.isdigit() and len(text) < 8:
        return int(text)
    raise ArgumentTypeError(f"{text!r} is no number of minutes")
