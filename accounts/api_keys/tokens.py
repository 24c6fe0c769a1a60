"""Short-lived tokens in addresses: signed, bound to one key and one model. No database.

``<key>-<until>-<signature>`` in hexadecimal: such a token stands in any address, and never contains
"stream", which the pyht client deletes from addresses wherever it finds it.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass

from django.utils.crypto import constant_time_compare, salted_hmac

LIFETIME_S = 3600
_SALT = "voicechat.api_keys"
_FORM = re.compile(r"([0-9a-f]{1,16})-([0-9a-f]{1,16})-([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Token:
    """``key`` is the id of an ApiKey; ``until`` is Unix time in seconds."""

    key: int
    model: str
    until: int


class TokenRefused(Exception):
    """``code`` is ``wrong_token`` or ``expired_token``."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


def has_form(text: str) -> bool:
    """Whether it looks like a token, right or wrong."""
    return _FORM.fullmatch(text) is not None


def sign(key: int, model: str, now: float | None = None) -> str:
    """A token for addresses of ``model``; it holds for an hour."""
    until = int(time.time() if now is None else now) + LIFETIME_S
    return f"{key:x}-{until:x}-{_signature(key, model, until)}"


def read(token: str, model: str, now: float | None = None) -> Token:
    """What a token says that came with an address of ``model``. Raises ``TokenRefused``.

    Whether its key still holds is asked of the database.
    """
    form = _FORM.fullmatch(token)
    if form is None:
        raise TokenRefused("wrong_token", "The address has no token that was made here.")
    key, until = int(form[1], 16), int(form[2], 16)
    if not constant_time_compare(_signature(key, model, until), form[3]):
        raise TokenRefused("wrong_token", "The token was altered, or is another model's.")
    if until <= (time.time() if now is None else now):
        raise TokenRefused("expired_token", "The address has expired. Ask for a new one.")
    return Token(key, model, until)


def _signature(key: int, model: str, until: int) -> str:
    said = f"{key}\n{until}\n{model}"
    return salted_hmac(_SALT, said, algorithm="sha256").hexdigest()
