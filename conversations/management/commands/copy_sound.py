"""``manage.py copy_sound``: the recordings, out of the store into a directory or back."""

from __future__ import annotations

from argparse import ArgumentParser, RawDescriptionHelpFormatter
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from conversations import media
from conversations.copying import copied, directory


class Command(BaseCommand):
    help = """Copies recordings between the store (VOICECHAT_MEDIA) and a directory.

  manage.py copy_sound --to /backup/sound      to back them up
  manage.py copy_sound --from /backup/sound    to bring them back, or to move into another store

What is there already is not copied again, and nothing is deleted: it can be stopped at any moment and
given again. docs/operations.md says when, beside the database's own backup."""

    def create_parser(self, *args: Any, **kwargs: Any) -> Any:
        return super().create_parser(*args, formatter_class=RawDescriptionHelpFormatter, **kwargs)

    def add_arguments(self, parser: ArgumentParser) -> None:
        way = parser.add_mutually_exclusive_group(required=True)
        way.add_argument("--to", type=Path, metavar="DIRECTORY", help="out of the store")
        way.add_argument("--from", type=Path, metavar="DIRECTORY", help="into the store")

    def handle(self, *_args: Any, **options: Any) -> None:
        into_store, out_of_store = options["from"], options["to"]
        if into_store is not None and not into_store.is_dir():
            raise CommandError(f"{into_store} is no directory.")
        place = directory((into_store or out_of_store).resolve())
        way = (place, media.storage()) if into_store else (media.storage(), place)
        count = size = there = 0
        try:
            for file in copied(*way):
                there += file.was_there
                count += not file.was_there
                size += 0 if file.was_there else file.size
        except OSError as error:
            raise CommandError(f"After {count} files: {error}") from None
        self.stdout.write(
            f"Copied {count} files ({size / 1e6:.1f} MB); {there} were there already."
        )
