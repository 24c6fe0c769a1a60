"""How a key looks, and how one is made. ``vc_`` and 43 characters, of which 256 bits are chance."""

from __future__ import annotations

import hashlib
import secrets
from typing import Any

from accounts.models import ApiKey, User

START = "vc_"
SHOWN_CHARS = 10


def hash_of(text: str) -> str:
    """SHA-256: what is stored of a key. It is no password, so guessing needs no slowing down."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def new_text() -> str:
    return START + secrets.token_urlsafe(32)


def make_key(user: User, **fields: Any) -> tuple[ApiKey, str]:
    """A new key of ``user``, stored, and its text, which nobody can tell again.

    ``fields`` are those of ``ApiKey``: name, scopes, limits.
    """
    text = new_text()
    key = ApiKey(user=user, **fields)
    give_text(key, text)
    key.save()
    return key, text


def give_text(key: ApiKey, text: str) -> None:
    """Make ``text`` the text of ``key``, which is not saved by that."""
    key.prefix, key.hash = text[:SHOWN_CHARS], hash_of(text)
