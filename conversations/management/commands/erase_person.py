"""``manage.py erase_person``: everything that somebody said, gone for good."""

from __future__ import annotations

from argparse import ArgumentParser, RawDescriptionHelpFormatter
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.models import Person
from conversations.management.telling import INTERRUPTED, counted, persons_called, progress
from conversations.models import Conversation
from conversations.retention import scrubbing
from conversations.retention.erasing import erase
from conversations.retention.stopping import Stop


class Command(BaseCommand):
    help = """Deletes all conversations of a user or of a guest: rows, files and entries of the search.

  manage.py erase_person ann --dry-run
  manage.py erase_person 6f2c0a4e-… --yes

A user's account stays, to be deleted in the admin; of a guest nothing stays. Calls that go on end
at their next word. Conversations on legal hold stay, and go when the hold ends."""

    def create_parser(self, *args: Any, **kwargs: Any) -> Any:
        return super().create_parser(*args, formatter_class=RawDescriptionHelpFormatter, **kwargs)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("who", metavar="WHO", help="a user's name, or the id of a person")
        parser.add_argument(
            "--dry-run", action="store_true", help="say what would be deleted, and delete nothing"
        )
        parser.add_argument("--yes", action="store_true", help="do not ask first")
        parser.add_argument(
            "--vacuum",
            action="store_true",
            help="then write the database anew, so that no fragment is left in free parts of its "
            "files; SQLite: needs as much disk again, and nobody can write meanwhile",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        who: str = options["who"]
        persons = persons_called(who)
        own = Conversation.objects.filter(person__in=persons)
        free = own.filter(legal_hold=False).count()
        if options["dry_run"]:
            held = own.filter(legal_hold=True).count()
            would = counted(free, "conversation")
            self.stdout.write(f"Would delete {would} of {who}; {held} on legal hold.")
            return
        if not options["yes"] and not self._is_sure(who, free):
            raise CommandError("Nothing was deleted.")
        with Stop() as stop, progress(self, free, "conversations", options["verbosity"]) as bar:

            def step(count: int) -> bool:
                bar.update(count)
                return not stop.is_asked

            erased = erase(own, step)
            if not stop.is_asked:
                _forget_guests(persons)
            if options["vacuum"] and not stop.is_asked:
                scrubbing.rewrite()
            else:
                scrubbing.scrub()
        told = f"Deleted {counted(erased.gone, 'conversation')} of {who}."
        if erased.held:
            told += (
                f" {counted(erased.held, 'conversation')} on legal hold: deleted when that ends."
            )
        self.stdout.write(told)
        if stop.is_asked:
            raise CommandError("Stopped. Give the command again to go on.", returncode=INTERRUPTED)

    def _is_sure(self, who: str, count: int) -> bool:
        self.stdout.write(
            f"Delete {count} conversations of {who} for good? Type 'yes': ", ending=""
        )
        self.stdout.flush()
        try:
            return input() == "yes"
        except EOFError:
            raise CommandError("Nobody is there to be asked: add --yes.") from None


def _forget_guests(persons: list[Person]) -> None:
    """A guest is nothing but what they said."""
    guests = Person.objects.filter(pk__in=[person.pk for person in persons if person.is_guest])
    guests.filter(conversations__isnull=True).delete()
