"""Who a request or socket comes from, and whether they may do what they ask for just now."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest
from limits import RateLimitItemPerMinute

from accounts.address import address_of_stranger
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

from .answers import headers_of, scope_of
from .errors import SpeechError
from .service import Service


async def holder_of_key(service: Service, request: HttpRequest, scope: Scope) -> KeyHolder:
    """By the key in the headers. Raises ``SpeechError``; 429 for an address that brought too many
    wrong ones, whatever it brings now: then nothing is hashed and the database is not asked.
    """
    address = address_of_stranger(scope_of(request))
    retry_s = await service.refused_keys.look(address)
    if retry_s is not None:
        raise _refused_too_often(retry_s)
    try:
        return await in_database(admit_key, key_in(headers_of(request)), scope)
    except KeyRefused as error:
        raise await _counted(service, address, _refused(error)) from error


async def holder_of_token(
    service: Service, asgi_scope: Mapping[str, Any], token: str, model: str
) -> KeyHolder:
    """By the token in the address of ``model``. Raises ``SpeechError``; 429 for a wrong one too many.

    A right one is let in all the same: to see that it is costs nothing.
    """
    try:
        return await in_database(admit_token, tokens.read(token, model), "tts")
    except tokens.TokenRefused as error:
        refused = SpeechError(401, error.code, error.message)
        raise await _counted(service, address_of_stranger(asgi_scope), refused) from error
    except KeyRefused as error:
        refused = _refused(error)
        raise await _counted(service, address_of_stranger(asgi_scope), refused) from error


async def _counted(service: Service, address: str, refused: SpeechError) -> SpeechError:
    """What is to be told: that it was refused, or that it was too often."""
    if refused.status != 401:
        return refused
    retry_s = await service.refused_keys.count(address)
    return refused if retry_s is None else _refused_too_often(retry_s)


def _refused_too_often(retry_s: float) -> SpeechError:
    message = f"Too many wrong keys came from your address. Try again in {retry_s:.1f} s."
    return SpeechError(429, "too_many_refused", message, retry_s=retry_s)


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
        await _spend(service, "commands", holder, 1, holder.commands_per_minute)
        if characters:
            most = holder.characters_per_minute
            await _spend(service, "characters", holder, characters, most)
    except SpeechError:
        service.usage.count(holder.key, refused=1)
        raise
    service.usage.count(holder.key, commands=1, characters=characters)


async def _spend(
    service: Service, what: str, holder: KeyHolder, amount: int, a_minute: int
) -> None:
    rate = RateLimitItemPerMinute(a_minute)
    wait_s = await service.counters.rates.take_whole(rate, f"{what}:{holder.counted_as}", amount)
    if wait_s is None:
        return
    if math.isinf(wait_s):
        message = f"This API key may have {a_minute} {what} a minute; this has {amount}."
        raise SpeechError(413, "text_too_long", message)
    message = f"This API key may have {a_minute} {what} a minute. Try again in {wait_s:.1f} s."
    raise SpeechError(429, f"too_many_{what}", message, retry_s=wait_s)


def _refused(error: KeyRefused) -> SpeechError:
    return SpeechError(error.status, error.code, error.message)
