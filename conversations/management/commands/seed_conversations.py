"""``manage.py seed_conversations``: a database full of conversations that nobody had."""

from __future__ import annotations

import random
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.utils import timezone
from tqdm import tqdm

from conversations.models import Conversation
from conversations.seeding import seed

HELP = """Fills the database with plausible conversations, to try the admin with and to measure it.

They are spread over the last year, in nine languages and over all protocols, of guests and of users
who cannot log in, with interruptions, errors, ratings and latencies; one in fifty replies is slow.
No sound is made. A million turns take a few minutes and about 2 GB of disk.

Do not run it on a database with real conversations: what is seeded is told apart from them only by
its calls, whose instance begins with "seed-".
"""


class Command(BaseCommand):
    help = HELP

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> Any:
        return super().create_parser(
            prog_name, subcommand, formatter_class=RawDescriptionHelpFormatter, **kwargs
        )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--conversations", type=int, default=1000, help="how many (default: %(default)s)"
        )
        parser.add_argument(
            "--turns", type=int, help="how many in all (default: ten for each conversation)"
        )
        parser.add_argument(
            "--seed", type=int, default=1, help="another number gives others (default: %(default)s)"
        )
        parser.add_argument(
            "--yes", action="store_true", help="add them to the conversations that are there"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        conversations = options["conversations"]
        turns = options["turns"] if options["turns"] is not None else 10 * conversations
        if conversations < 1:
            raise CommandError("--conversations is 1 or more.")
        if turns < 2 * conversations:
            raise CommandError("--turns is at least 2 for each conversation.")
        if not options["yes"] and Conversation.objects.exists():
            raise CommandError("There are conversations already. Add --yes to mix these with them.")
        chance = random.Random(options["seed"])  # noqa: S311 (nothing is secret)
        with tqdm(total=turns, unit="turn", disable=None) as bar:
            for written in seed(
                conversations=conversations, turns=turns, chance=chance, until=timezone.now()
            ):
                bar.update(written - bar.n)
        if connection.vendor == "postgresql":
            # Autovacuum would come to it in time.
            with connection.cursor() as cursor:
                cursor.execute("SET statement_timeout = 0")
                cursor.execute("VACUUM ANALYZE")
                cursor.execute("RESET statement_timeout")
        self.stdout.write(f"Wrote {conversations} conversations of {turns} turns.")
