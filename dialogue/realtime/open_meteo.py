"""Open-Meteo's two public interfaces: a place by its name, and its weather.

https://open-meteo.com/en/docs and https://open-meteo.com/en/docs/geocoding-api; no key is needed.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import ssl
from typing import TypeVar

import httpx
import msgspec
from cachetools import TTLCache
from django.conf import settings

TIMEOUT_S = 3.0
"""For everything that one place needs; a person waits for it."""

KEPT_S = 600
KEPT_PLACES = 500

log = logging.getLogger(__name__)


class Unreachable(Exception):
    """Open-Meteo did not answer in time, or not in its own form."""


class Location(msgspec.Struct, frozen=True):
    """A place as the geocoder knows it."""

    name: str
    latitude: float
    longitude: float
    timezone: str = "UTC"


class Current(msgspec.Struct, frozen=True):
    """Now: °C, km/h and a WMO weather code (table 4677)."""

    temperature_2m: float
    weather_code: int
    wind_speed_10m: float


class Daily(msgspec.Struct, frozen=True):
    """By day, today first: °C, percent and WMO weather codes; null where there is no forecast."""

    weather_code: list[int | None]
    temperature_2m_max: list[float | None]
    temperature_2m_min: list[float | None]
    precipitation_probability_max: list[float | None]


class Forecast(msgspec.Struct, frozen=True):
    """The weather of one place today and tomorrow."""

    current: Current
    daily: Daily


class _Found(msgspec.Struct):
    results: list[Location] = []


Answer = TypeVar("Answer")

_locations: TTLCache[tuple[str, str, str], Location | None] = TTLCache(KEPT_PLACES, KEPT_S)
_forecasts: TTLCache[tuple[str, float, float], Forecast] = TTLCache(KEPT_PLACES, KEPT_S)


async def locate(name: str, language: str = "en") -> Location | None:
    """The best known place of this name, or None. Raises ``Unreachable``."""
    base = _geocoding_url(settings.VOICECHAT_OPEN_METEO_URL)
    key = (base, name.casefold(), language)
    if key not in _locations:
        parameters = {"name": name, "count": "1", "language": language[:2], "format": "json"}
        found = await _get(f"{base}/v1/search", parameters, _Found)
        _locations[key] = found.results[0] if found.results else None
    return _locations[key]


async def forecast(location: Location) -> Forecast:
    """The weather there. Raises ``Unreachable``."""
    base = settings.VOICECHAT_OPEN_METEO_URL.rstrip("/")
    key = (base, location.latitude, location.longitude)
    if key not in _forecasts:
        parameters = {
            "latitude": str(location.latitude),
            "longitude": str(location.longitude),
            "current": ",".join(Current.__struct_fields__),
            "daily": ",".join(Daily.__struct_fields__),
            "timezone": "auto",
            "forecast_days": "2",
        }
        _forecasts[key] = await _get(f"{base}/v1/forecast", parameters, Forecast)
    return _forecasts[key]


def _geocoding_url(base: str) -> str:
    """The public geocoder has a host of its own; a mirror or a proxy serves both."""
    public = "://api.open-meteo.com"
    return base.rstrip("/").replace(public, public.replace("api.", "geocoding-api."))


async def _get(url: str, parameters: dict[str, str], answer: type[Answer]) -> Answer:
    try:
        async with (
            asyncio.timeout(TIMEOUT_S),
            httpx.AsyncClient(verify=await _certificates(), timeout=TIMEOUT_S) as client,
        ):
            response = await client.get(url, params=parameters)
            response.raise_for_status()
            return msgspec.json.decode(response.content, type=answer)
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, msgspec.DecodeError) as error:
        log.warning("Open-Meteo did not answer: %s", type(error).__name__)
        raise Unreachable from error


async def _certificates() -> ssl.SSLContext:
    # Reading them takes tens of milliseconds, which the event loop does not have.
    return await asyncio.to_thread(_read_certificates)


@functools.cache
def _read_certificates() -> ssl.SSLContext:
    return httpx.create_ssl_context()
