"""Who comes with a key, or with an address that was signed for one. Reads the database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from accounts.models import ApiKey

from .making import hash_of
from .tokens import Token

Scope = Literal["tts", "voice", "realtime"]


class KeyRefused(Exception):
    """``status`` is 401 (no key, or none that is known) or 403 (not for this)."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


@dataclass(frozen=True, slots=True)
class KeyHolder:
    """A key that was admitted, with its limits as they are now."""

    key: int
    """Its id."""
    user: int
    commands_per_minute: int
    characters_per_minute: int
    sockets: int

    @property
    def counted_as(self) -> str:
        """Under which name all that the key does is counted."""
        return mark_of_key(self.key)


def mark_of_key(id: int) -> str:
    """Tells a key from all else that admits anybody, or is counted."""
    return f"key:{id}"


def key_in(headers: Mapping[str, str]) -> str:
    """The key among the headers of a request, "" if there is none.

    ``Authorization: Bearer <key>``, also without "Bearer", as some clients of PlayAI send it.
    """
    value = headers.get("authorization", "").strip()
    word, _, rest = value.partition(" ")
    return rest.strip() if word.lower() == "bearer" else value


def admit_key(text: str, scope: Scope) -> KeyHolder:
    """Whose key ``text`` is. Raises ``KeyRefused``."""
    if not text:
        raise KeyRefused(401, "no_key", "Send your API key as 'Authorization: Bearer <key>'.")
    key = ApiKey.objects.select_related("user").filter(hash=hash_of(text)).first()
    if key is None:
        raise KeyRefused(401, "wrong_key", "This API key is not known here.")
    return _admit(key, scope)


def admit_token(token: Token, scope: Scope) -> KeyHolder:
    """The holder of the key that an address was signed for. Raises ``KeyRefused``."""
    return readmit(token.key, scope)


def readmit(key_id: int, scope: Scope) -> KeyHolder:
    """The same later, for a socket that is open. Raises ``KeyRefused``."""
    key = ApiKey.objects.select_related("user").filter(pk=key_id).first()
    if key is None:
        raise KeyRefused(401, "wrong_key", "This API key is not known here any more.")
    return _admit(key, scope)


def _admit(key: ApiKey, scope: Scope) -> KeyHolder:
    if not key.is_active or not key.user.is_active:
        raise KeyRefused(401, "revoked_key", "This API key was revoked.")
    if not getattr(key, scope):
        raise KeyRefused(403, "wrong_scope", f"This API key is not for {scope}.")
    return KeyHolder(
        key.pk, key.user_id, key.commands_per_minute, key.characters_per_minute, key.sockets
    )
