"""Whose a stream is: the session's, the key's or the token's that began it (docs/security.md, Streams)."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest

from accounts.admission import Visitor, is_foreign, is_local_development, session_mark
from accounts.api_keys.admission import KeyHolder
from accounts.telephone import is_operators_token

# A developer's own machine, where programs come without a session.
LOCAL = "local"


def owner_of_socket(scope: Mapping[str, Any], visitor: Visitor, token: str) -> str:
    """Who owns the streams of a socket. A guest without a session or token is nobody again."""
    if visitor.key is not None:
        return owner_of_key(visitor.key)
    if is_operators_token(token):
        return _of_token(token)
    if visitor.mark:
        return _of_session(visitor.mark)
    return LOCAL if is_local_development(scope) else f"nobody:{uuid.uuid4().hex}"


def owners_asking(request: HttpRequest, scope: Mapping[str, Any], token: str) -> set[str]:
    """As whom a request may come; nobody, if a page of another site makes it."""
    owners = set()
    if is_operators_token(token):
        owners.add(_of_token(token))
    if is_foreign(scope):
        return owners
    if mark := session_mark(request.session):
        owners.add(_of_session(mark))
    if is_local_development(scope):
        owners.add(LOCAL)
    return owners


def owner_of_key(key: KeyHolder) -> str:
    """Whoever has this API key, or a token for it."""
    return key.counted_as


def _of_token(token: str) -> str:
    return f"token:{hashlib.sha256(token.encode()).hexdigest()[:40]}"


def _of_session(mark: str) -> str:
    return f"session:{mark}"
