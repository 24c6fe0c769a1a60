"""Which person a visitor is: a user's, or a guest's, who is known by the session alone.

Works on what HTTP requests and sockets have in common, a user and a session. All functions here
touch the database and belong into a thread when called from a socket.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.contrib.auth.views import redirect_to_login
from django.contrib.sessions.backends.base import SessionBase
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase

from .models import Person, User

SESSION_KEY = "person"
Visitor = AbstractBaseUser | AnonymousUser | None
P = ParamSpec("P")


def guest_id(session: SessionBase | None) -> uuid.UUID | None:
    """The person that the session names, or None. Says nothing about whether it still exists."""
    try:
        return uuid.UUID(session[SESSION_KEY]) if session is not None else None
    except (KeyError, ValueError, TypeError, AttributeError):
        return None


def mark_of(user: Visitor, session: SessionBase | None) -> str:
    """Tells visitors apart, to count what each of them does at a time."""
    return f"user {user.pk}" if isinstance(user, User) else f"guest {guest_id(session)}"


def persons_of(user: Visitor, session: SessionBase | None) -> QuerySet[Person]:
    """All persons whose conversations this visitor may read.

    A user: every person of theirs. A guest: the one that the session names, unless a user has
    claimed it since (an old session must not open a user's conversations) or guests are no longer
    allowed. Anybody else: none.
    """
    if isinstance(user, User):
        return Person.objects.filter(user=user)
    named = guest_id(session)
    if named is None or not settings.VOICECHAT_ALLOW_GUESTS:
        return Person.objects.none()
    return Person.objects.filter(pk=named, user__isnull=True)


def current_person(user: Visitor, session: SessionBase | None, create: bool) -> Person | None:
    """As whom this visitor talks: the user's first person, or the guest of the session.

    With ``create`` a missing one is made, for guests only if they are allowed, and named in the
    session, which the caller saves (for pages Django does; a socket's session need not be saved,
    because the page before it has called :func:`ensure_guest`). None: nobody who may talk.
    """
    found = persons_of(user, session).select_related("user").order_by("created_at", "pk").first()
    if found is not None or not create:
        return found
    if isinstance(user, User):
        return Person.objects.create(user=user)
    if not settings.VOICECHAT_ALLOW_GUESTS:
        return None
    guest = Person.objects.create()
    if session is not None:
        session[SESSION_KEY] = str(guest.pk)
    return guest


def ensure_guest(request: HttpRequest) -> Person | None:
    """Make sure that whoever looks at a page is a person, before its socket connects.

    Sockets cannot set cookies, so the page must. None if the visitor has to log in first.
    """
    return current_person(request.user, request.session, create=True)


def asked_to_log_in(
    view: Callable[Concatenate[HttpRequest, P], HttpResponseBase],
) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
    """Send visitors to the login page, and back afterwards, where guests are not allowed."""

    @wraps(view)
    def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if request.user.is_authenticated or settings.VOICECHAT_ALLOW_GUESTS:
            return view(request, *args, **kwargs)
        return redirect_to_login(request.get_full_path())

    return guarded
