"""Who may open a socket, told from its handshake. Rules: docs/security.md, Admission."""

from __future__ import annotations

import hashlib
import ipaddress
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any
from urllib.parse import SplitResult, urlsplit

from django.conf import settings
from django.contrib import auth
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest, parse_cookie
from django.utils.crypto import constant_time_compare

from .address import FORWARDED
from .api_keys.admission import KeyHolder, KeyRefused, readmit
from .models import User
from .people import SESSION_KEY, current_person


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who was admitted. ``person`` is the id of a Person, which may not be in the database yet."""

    person: str
    name: str
    is_guest: bool
    user: User | AnonymousUser
    session: SessionBase | None
    # Of a program that came with one; it has no session.
    key: KeyHolder | None = None

    @property
    def mark(self) -> str:
        """Tells what admitted the visitor from others, a session or a key; empty if it was neither."""
        if self.key is not None:
            return self.key.counted_as
        return "" if self.session is None else session_mark(self.session)


def session_mark(session: SessionBase) -> str:
    key = session.session_key or ""
    return hashlib.sha256(key.encode()).hexdigest()[:32] if key else ""


def still_admitted(visitor: Visitor) -> bool:
    """Whether what admitted the visitor still holds. Reads the database.

    It does not after logging out, after a change of password (but for the session in which it was
    changed), for a user who was deactivated, and for a session that has expired or a key that was
    revoked or is no longer for this.
    """
    if visitor.key is not None:
        return _still_opens(visitor.key)
    if visitor.session is None:
        return True
    sessions = import_module(settings.SESSION_ENGINE).SessionStore
    session = sessions(visitor.session.session_key)
    if not visitor.user.is_authenticated:
        return bool(session.get(SESSION_KEY) == visitor.person)
    user = User.objects.filter(pk=visitor.user.pk, is_active=True).first()
    return (
        user is not None
        and session.get(auth.SESSION_KEY) == str(user.pk)
        and constant_time_compare(
            session.get(auth.HASH_SESSION_KEY, ""), user.get_session_auth_hash()
        )
    )


def _still_opens(key: KeyHolder) -> bool:
    try:
        readmit(key.key, "voice")
    except KeyRefused:
        return False
    return True


class NotAdmitted(Exception):
    """``close`` is 4401 (log in first) or 4403 (not from there)."""

    def __init__(self, message: str, close: int) -> None:
        super().__init__(message)
        self.close = close


def admit(scope: Mapping[str, Any]) -> Visitor:
    """The visitor behind a socket's ASGI scope. Reads the database. Raises ``NotAdmitted``."""
    origin, host = _origin_and_host(scope)
    if origin and _same_site(origin, host):
        session = _session_of(scope)
        user = _user_of(session)
        person = current_person(user, session, create=user.is_authenticated)
        if person is not None:
            return Visitor(str(person.id), _name(user), person.is_guest, user, session)
    elif origin and origin in settings.VOICECHAT_ALLOWED_ORIGINS:
        return _guest_without_session()
    if is_local_development(scope):
        return _guest_without_session()
    if origin and not _same_site(origin, host):
        raise NotAdmitted("This page may not connect here.", 4403)
    raise NotAdmitted("Log in, or open the chat page first.", 4401)


def _session_of(scope: Mapping[str, Any]) -> SessionBase:
    """The session that the cookie of a handshake names; there may be none."""
    cookies = b"; ".join(value for name, value in scope["headers"] if name == b"cookie")
    key = parse_cookie(cookies.decode("latin-1")).get(settings.SESSION_COOKIE_NAME)
    session: SessionBase = import_module(settings.SESSION_ENGINE).SessionStore(key)
    return session


def _user_of(session: SessionBase) -> User | AnonymousUser:
    request = HttpRequest()
    request.session = session
    return auth.get_user(request)


def _guest_without_session() -> Visitor:
    if not settings.VOICECHAT_ALLOW_GUESTS:
        raise NotAdmitted("Log in first: guests are not allowed here.", 4401)
    return Visitor(str(uuid.uuid4()), "", True, AnonymousUser(), None)


def _name(user: User | AnonymousUser) -> str:
    return user.get_username() if user.is_authenticated else ""


def is_foreign(scope: Mapping[str, Any]) -> bool:
    """Whether a page of another site asks."""
    origin, host = _origin_and_host(scope)
    return bool(origin) and not _same_site(origin, host)


def _origin_and_host(scope: Mapping[str, Any]) -> tuple[str, str]:
    headers = dict(scope["headers"])
    origin = headers.get(b"origin", b"").decode("latin-1").lower()
    host = headers.get(b"host", b"").decode("latin-1").lower()
    return origin, host


def _same_site(origin: str, host: str) -> bool:
    return _parts(origin).netloc == host != ""


def _parts(address: str) -> SplitResult:
    """All empty of what is no address."""
    try:
        return urlsplit(address)
    except ValueError:
        return urlsplit("")


def is_local_development(scope: Mapping[str, Any]) -> bool:
    """On a developer's own machine: no tunnel, no foreign page."""
    headers, (origin, host) = dict(scope["headers"]), _origin_and_host(scope)
    if not settings.DEBUG or any(name in headers for name in FORWARDED):
        return False
    peer = (scope.get("client") or ("", 0))[0]
    local_origin = not origin or _is_local(_parts(origin).hostname or "")
    return local_origin and _is_local(peer) and _is_local(_parts(f"//{host}").hostname or "")


def _is_local(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    # 0.0.0.0 as a destination is this machine, too.
    return address.is_loopback or address.is_unspecified
