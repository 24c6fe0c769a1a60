"""``manage.py create_api_key USER``: makes a key and prints it, once."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.api_keys.making import make_key
from accounts.models import ApiKey, User

SCOPES = ("tts", "voice", "realtime")
LIMITS = {
    "commands_per_minute": "commands a minute",
    "characters_per_minute": "characters of text a minute",
    "sockets": "sockets at a time",
}


class Command(BaseCommand):
    help = "Makes an API key of a user and prints it. It is shown only now: nothing but a hash is kept."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username", metavar="USER", help="whose key it is, by the login name")
        parser.add_argument("--name", default="", help="what it is for, in your own words")
        parser.add_argument(
            "--scopes",
            default="tts",
            help="what it opens, separated by commas: tts (text to speech), voice (voice chat and "
            "transcription), realtime (the Realtime protocol). Default: tts",
        )
        for limit, meaning in LIMITS.items():
            default = getattr(ApiKey(), limit)
            parser.add_argument(
                f"--{limit.replace('_', '-')}",
                type=int,
                default=default,
                metavar="N",
                help=f"{meaning} (default: {default})",
            )

    def handle(self, *_args: Any, **options: Any) -> None:
        user = User.objects.filter(username=options["username"]).first()
        if user is None:
            raise CommandError(f"There is no user {options['username']!r}.")
        if not user.is_active:
            raise CommandError(f"{user} is not active: the key would open nothing.")
        scopes = [scope.strip() for scope in options["scopes"].split(",") if scope.strip()]
        if unknown := sorted(set(scopes) - set(SCOPES)):
            raise CommandError(f"No scope is called {unknown[0]!r}: use {', '.join(SCOPES)}.")
        if not scopes:
            raise CommandError("A key without a scope opens nothing.")
        limits = {limit: options[limit] for limit in LIMITS}
        if min(limits.values()) < 1:
            raise CommandError("A limit is 1 at least.")
        opens = {scope: scope in scopes for scope in SCOPES}
        _key, text = make_key(user, name=options["name"], **opens, **limits)
        self.stdout.write(text)
