"""Programs that talk: who comes to a socket with an API key, or with a token that was signed for one.

A token may stand where a key must not: in an address, and in the start of a telephone call.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from .admission import NotAdmitted, Visitor
from .api_keys import tokens
from .api_keys.admission import KeyRefused, admit_key, admit_token
from .api_keys.making import START
from .models import ApiKey, User
from .people import current_person

# What a token for the chat's sockets is bound to, in place of a model: none has a slash.
SOCKETS = "/sockets"
_KEY_FORM = re.compile(START + r"[A-Za-z0-9_-]{43}")


class ProgramRefused(NotAdmitted):
    """``close`` is 4401 (no such key, or no longer) or 4403 (it is for something else)."""


@dataclass(frozen=True, slots=True)
class Credential:
    """A key or a token, whether right or wrong."""

    text: str = field(repr=False)
    is_token: bool


def credential_in(headers: Iterable[tuple[bytes, bytes]], token: str = "") -> Credential | None:
    """The key in ``Authorization``, else the ``token`` of an address. None: neither is one of ours.

    Other things than our keys stand in ``Authorization`` as well: what a telephone service or a proxy
    was told to send.
    """
    given = dict(headers).get(b"authorization", b"").decode("latin-1").strip()
    key = re.sub(r"^bearer\s+", "", given, flags=re.IGNORECASE)
    if key.startswith(START):
        return Credential(key, is_token=False)
    if tokens.has_form(token) or _KEY_FORM.fullmatch(token):
        return Credential(token, is_token=True)
    return None


def admit_program(credential: Credential) -> Visitor:
    """The key's user, without a session. Reads the database. Raises ``ProgramRefused``."""
    try:
        holder = (
            admit_token(tokens.read(credential.text, SOCKETS), "voice")
            if credential.is_token
            else admit_key(credential.text, "voice")
        )
    except tokens.TokenRefused as error:
        raise ProgramRefused(error.message, 4401) from error
    except KeyRefused as error:
        raise ProgramRefused(error.message, 4403 if error.status == 403 else 4401) from error
    user = User.objects.get(pk=holder.user)
    person = current_person(user, None, create=True)
    assert person is not None
    return Visitor(str(person.id), user.get_username(), False, user, None, holder)


def programs_are_admitted() -> bool:
    """Whether there is any key that could be right. Reads the database."""
    keys = ApiKey.objects.filter(voice=True, revoked_at=None, user__is_active=True)
    return keys.exists()
