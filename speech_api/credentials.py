"""Who a request or socket comes from, and whether they may do what they ask for just now."""

from __future__ import annotations

import math
from collections.abc import Mapping

from accounts.api_keys import tokens
from accounts.api_keys.admission import (
    KeyHolder,
    KeyRefused,
    Scope,
    admit_key,
    admit_token,
    key_in,
    readmit,
)
from conversations.database import in_database

from .errors import SpeechError
from .service import Service


async def holder_of_key(headers: Mapping[str, str], scope: Scope) -> KeyHolder:
    """By the key in the headers (names in lower case). Raises ``SpeechError``."""
    try:
        return await in_database(admit_key, key_in(headers), scope)
    except KeyRefused as error:
        raise _refused(error) from error


async def holder_of_token(token: str, model: str) -> KeyHolder:
    """By the token in the address of ``model``. Raises ``SpeechError``."""
    try:
        return await in_database(admit_token, tokens.read(token, model), "tts")
    except tokens.TokenRefused as error:
        raise SpeechError(401, error.code, error.message) from error
    except KeyRefused as error:
        raise _refused(error) from error


async def still_holds(holder: KeyHolder, scope: Scope) -> KeyHolder:
    """The same holder as the database has them now. Raises ``SpeechError``."""
    try:
        return await in_database(readmit, holder.key, scope)
    except KeyRefused as error:
        raise _refused(error) from error


async def spend(service: Service, holder: KeyHolder, characters: int) -> None:
    """Take one command with a text of so many characters out of the allowance of a key.

    Raises ``SpeechError`` 429 when there is not enough left, and 413 when there never will be.
    """
    try:
        await _spend(service, "commands", holder.key, 1, holder.commands_per_minute)
        await _spend(service, "characters", holder.key, characters, holder.characters_per_minute)
    except SpeechError:
        service.usage.count(holder.key, refused=1)
        raise
    service.usage.count(holder.key, commands=1, characters=characters)


async def _spend(service: Service, what: str, key: int, amount: int, a_minute: int) -> None:
    wait_s = await service.limits.spend(f"{what}:{key}", amount, a_minute)
    if math.isinf(wait_s):
        message = f"This API key may have {a_minute} {what} a minute; this has {amount}."
        raise SpeechError(413, "text_too_long", message)
    if wait_s:
        message = f"This API key may have {a_minute} {what} a minute. Try again in {wait_s:.1f} s."
        raise SpeechError(429, f"too_many_{what}", message, retry_s=wait_s)


def _refused(error: KeyRefused) -> SpeechError:
    return SpeechError(error.status, error.code, error.message)
