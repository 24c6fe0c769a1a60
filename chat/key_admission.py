"""Programs at the door: a wrong key too many, and their address has to wait."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from accounts.address import address_of_stranger
from accounts.admission import Visitor
from accounts.programs import Credential, ProgramRefused, admit_program
from conversations.database import in_database

from .limits.limiter import OverLimit
from .process import process

UNKNOWN_KEY = 4401


async def admit_with_key(credential: Credential, scope: Mapping[str, Any]) -> Visitor:
    """The user of a key or token. ``scope``: ASGI's. Raises ``ProgramRefused``, and ``OverLimit`` for an
    address from which too many wrong ones came.

    Then no key is looked up. To see that a token is right costs nothing: it is let in all the same.
    """
    address, refused = address_of_stranger(scope), process().refused_keys
    if not credential.is_token:
        _refuse_too_many(await refused.look(address))
    try:
        return await in_database(admit_program, credential)
    except ProgramRefused as error:
        if error.close == UNKNOWN_KEY:
            _refuse_too_many(await refused.count(address))
        raise


def _refuse_too_many(retry_s: float | None) -> None:
    if retry_s is not None:
        raise OverLimit("", "Too many wrong keys came from your address.", retry_s)
