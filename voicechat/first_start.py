"""What a first start looks at and makes, each step repeatable: settings, tables, demo, administrator.

The administrator comes last. That there is one says that the first start was finished.
"""

from __future__ import annotations

import secrets
from typing import NamedTuple

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.checks import CheckMessage, run_checks
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

ADMIN = "admin"


class Login(NamedTuple):
    """The administrator that was made. ``password`` is None when the person has chosen it."""

    username: str
    password: str | None


def require_fitting_settings() -> None:
    """Raises ImproperlyConfigured with all that Django's checks and ours call an error."""
    wrong = [message for message in run_checks() if message.is_serious()]
    if wrong:
        raise ImproperlyConfigured("\n".join(_with_hint(message) for message in wrong))


def _with_hint(message: CheckMessage) -> str:
    return f"{message.msg} {message.hint}" if message.hint else str(message.msg)


def prepare_database() -> Login | None:
    """Bring the tables up to date; the first time, load the demo and make the administrator.

    Needs Django to be set up. Raises ``django.db.Error``.
    """
    migrations = MigrationExecutor(connection)
    if migrations.migration_plan(migrations.loader.graph.leaf_nodes()):
        call_command("migrate", interactive=False, verbosity=0)
    if get_user_model().objects.filter(is_superuser=True).exists():
        return None
    call_command("load_demo", verbosity=0)
    return make_administrator()


def collect_static() -> None:
    """Put the static files where they are served from, unless this is a developer's machine."""
    if not settings.DEBUG:
        call_command("collectstatic", interactive=False, verbosity=0)


def make_administrator() -> Login:
    """Make ``admin`` with ``DJANGO_SUPERUSER_PASSWORD`` (or its file), else with a password of our own."""
    users = get_user_model().objects
    # Somebody may have signed up under the name; they are not made an administrator by that.
    username = ADMIN
    while users.filter(username=username).exists():
        username = f"{ADMIN}-{secrets.token_hex(2)}"
    chosen = settings.VOICECHAT_SUPERUSER_PASSWORD
    password = chosen or secrets.token_urlsafe(12)
    users.create_superuser(username, password=password)
    return Login(username, None if chosen else password)
