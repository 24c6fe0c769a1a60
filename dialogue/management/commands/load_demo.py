"""``manage.py load_demo``: something to talk about on a fresh installation."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from dialogue.listings.models import Listing
from dialogue.listings.rows import BadRow, decoded, rows
from dialogue.models import Answer, Bot

HERE = Path(__file__).resolve().parent.parent.parent
LISTINGS = HERE / "listings" / "demo.csv"
ANSWERS = HERE / "demo_answers.toml"

GREETING = (
    "Hello, and welcome to Casa Aurora. Ask me for a home, the time or the weather anywhere, or "
    "what I can do."
)


class Command(BaseCommand):
    help = (
        "Loads made-up listings, answers and a default bot. What is there already stays as it is, "
        "so it can be run again."
    )

    @transaction.atomic
    def handle(self, *_args: Any, **_options: Any) -> None:
        self.stdout.write(
            f"Added {_add_listings()} listings, {_add_answers()} answers and {_add_bot()} bots."
        )


def _add_listings() -> int:
    listings = []
    for row in rows(decoded(LISTINGS.read_bytes())):
        if isinstance(row, BadRow):
            raise CommandError(f"{LISTINGS}, line {row.line}: {row.reason}")
        listings.append(row)
    before = Listing.objects.count()
    Listing.objects.bulk_create(listings, ignore_conflicts=True)
    return Listing.objects.count() - before


def _add_answers() -> int:
    added = 0
    for key, answer in tomllib.loads(ANSWERS.read_text("utf-8")).items():
        _row, is_new = Answer.objects.get_or_create(
            key=key,
            defaults={"questions": "\n".join(answer["questions"]), "text": answer["text"]},
        )
        added += is_new
    return added


def _add_bot() -> int:
    if Bot.objects.exists():
        return 0
    Bot.objects.create(slug="default", name="Aurora", greeting=GREETING, is_default=True)
    return 1
