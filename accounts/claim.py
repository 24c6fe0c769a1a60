"""A guest who logs in keeps what was said: the guest's person becomes the user's."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest

from .models import Person, User
from .people import SESSION_KEY, guest_id


@receiver(user_logged_in)
def claim_guest(sender: object, request: HttpRequest, user: User, **kwargs: Any) -> None:
    """Give the session's guest to the user who logged in or signed up, by one update.

    Two logins with the same guest cannot both win, and a person with a user is never taken.
    """
    guest = guest_id(request.session)
    request.session.pop(SESSION_KEY, None)
    if guest is not None:
        Person.objects.filter(pk=guest, user__isnull=True).update(user=user)
