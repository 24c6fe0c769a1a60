"""Whose a stream is: the session's, the key's or the token's that began it (docs/security.md, Streams)."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest

from accounts.address import client_address
from accounts.admission import Visitor, is_foreign, is_local_development, session_mark
from accounts.api_keys.admission import KeyHolder
from accounts.people import current_person
from accounts.telephone import is_operators_token

# A developer's own machine, where programs come without a session.
LOCAL = "local"


def owner_of_socket(scope: Mapping[str, Any], visitor: Visitor, token: str) -> str:
    """Who owns the streams of a socket. A guest without a session or token is nobody again."""
    if visitor.key is not None:
        return visitor.key.counted_as
    if is_operators_token(token):
        return _of_token(token)
    if visitor.mark:
        return _of_session(visitor.mark)
    return LOCAL if is_local_development(scope) else f"nobody:{uuid.uuid4().hex}"


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks beside a stream: as which ``owners``, and by what they are counted."""

    owners: set[str]
    person: str = ""
    is_vouched: bool = False
    key: KeyHolder | None = None


def asker(request: HttpRequest) -> Asker:
    """As whom a request may come; nobody, if a page of another site makes it. Reads the database."""
    scope, token = scope_of(request), request.GET.get("token", "")
    is_vouched = is_operators_token(token)
    owners = {_of_token(token)} if is_vouched else set()
    if is_foreign(scope):
        return Asker(owners, is_vouched=is_vouched)
    # A session that is over, or whose user may come no more, owns nothing.
    person = current_person(request.user, request.session, create=False)
    if person is not None and (mark := session_mark(request.session)):
        owners.add(_of_session(mark))
    if is_local_development(scope):
        owners.add(LOCAL)
    return Asker(owners, "" if person is None else str(person.pk), is_vouched)


def counted_by(request: HttpRequest) -> str:
    """The address that it is counted by."""
    return client_address(scope_of(request))


def scope_of(request: HttpRequest) -> Mapping[str, Any]:
    """The ASGI scope of a request; one from nowhere, for a server without ASGI."""
    return getattr(request, "scope", None) or {"headers": [], "client": None}


def asker_with_key(visitor: Visitor) -> Asker:
    """A program that was admitted with its API key, or a token for it."""
    assert visitor.key is not None
    return Asker({visitor.key.counted_as}, visitor.person, key=visitor.key)


def _of_token(token: str) -> str:
    return f"token:{hashlib.sha256(token.encode()).hexdigest()[:40]}"


def _of_session(mark: str) -> str:
    return f"session:{mark}"
