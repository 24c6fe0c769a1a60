"""The time anywhere."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import pytest
from pytest_django import Settings

from dialogue.engine import UserTurn
from dialogue.realtime.clock import Clock
from tests.dialogue.wire import Exchange, LocalServer

NOW = datetime(2026, 1, 15, 23, 30, tzinfo=UTC)
Serve = Callable[..., Awaitable[LocalServer]]


async def items(text: str) -> list[str]:
    return [item async for item in Clock(lambda: NOW).items(UserTurn(text))]


@pytest.mark.parametrize(
    "text",
    [
        "What time is it?", "what time is it in Tokyo", "what's the time in Paris", "time in Berlin",
        "current time", "time", "what day is it today", "what's the date", "tell me the time",
        "time in UTC+3", "GMT-5", "what's the time",
    ],
)  # fmt: skip
def test_it_is_asked(text: str) -> None:
    assert Clock().matches(text)


@pytest.mark.parametrize(
    "text",
    [
        "what time do you open", "what's the time of the viewing", "I had a good time in Lisbon",
        "is it time to buy a house", "flat in Berlin", "", "😀",
    ],
)  # fmt: skip
def test_it_is_not_asked(text: str) -> None:
    assert not Clock().matches(text)


async def test_each_place_is_an_item_of_its_own() -> None:
    assert await items("time in New York and London") == [
        "In New York it is 6:30 PM on Thursday, 15 January.",
        "In London it is 11:30 PM on Thursday, 15 January.",
    ]


async def test_the_date_is_the_one_there() -> None:
    assert await items("what time is it in Tokyo") == [
        "In Tokyo it is 8:30 AM on Friday, 16 January."
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("time in UTC+3", "In UTC+3 it is 2:30 AM on Friday, 16 January."),
        ("GMT-5", "In GMT-5 it is 6:30 PM on Thursday, 15 January."),
        ("time in utc+05:30", "In UTC+05:30 it is 5:00 AM on Friday, 16 January."),
        ("time in UTC", "In UTC it is 11:30 PM on Thursday, 15 January."),
        ("time in UTC+99", "I do not know what time it is in UTC+99."),
    ],
)
async def test_an_offset_from_utc_is_known(text: str, expected: str) -> None:
    assert await items(text) == [expected]


async def test_summer_time_counts() -> None:
    july = datetime(2026, 7, 15, 12, 0, tzinfo=UTC)
    told = [item async for item in Clock(lambda: july).items(UserTurn("time in Lisbon"))]
    assert told == ["In Lisbon it is 1:00 PM on Wednesday, 15 July."]


async def test_without_a_place_it_tells_its_own_and_asks() -> None:
    (item,) = await items("what time is it")
    assert item.startswith("It is 11:30 PM on Thursday, 15 January in the time zone UTC.")
    assert item.endswith("?")


async def test_at_most_four_places_are_told() -> None:
    assert len(await items("time in Paris, London, Rome, Berlin, Madrid and Tokyo")) == 4


async def test_a_small_town_is_found_by_the_geocoder(serve: Serve, settings: Settings) -> None:
    async def geocoder(exchange: Exchange) -> None:
        town = {"name": "Sintra", "latitude": 38.8, "longitude": -9.4, "timezone": "Europe/Lisbon"}
        await exchange.json(200, {"results": [town], "generationtime_ms": 0.5})

    settings.VOICECHAT_OPEN_METEO_URL = (await serve(geocoder)).url
    assert await items("what time is it in Sintra") == [
        "In Sintra it is 11:30 PM on Thursday, 15 January."
    ]


@pytest.mark.parametrize(
    "body",
    [
        {"generationtime_ms": 0.5},
        {"results": [{"name": "X", "latitude": 1, "longitude": 1, "timezone": "../../etc/passwd"}]},
        {"results": [{"name": "X", "latitude": 1, "longitude": 1, "timezone": "Mars/Base"}]},
    ],
)
async def test_an_unknown_place_is_told(
    serve: Serve, settings: Settings, body: dict[str, object]
) -> None:
    async def geocoder(exchange: Exchange) -> None:
        await exchange.json(200, body)

    settings.VOICECHAT_OPEN_METEO_URL = (await serve(geocoder)).url
    assert await items("time in Xyzzyville") == ["I do not know what time it is in Xyzzyville."]


async def test_without_a_network_an_unknown_place_is_told(settings: Settings) -> None:
    settings.VOICECHAT_OPEN_METEO_URL = "http://127.0.0.1:1"
    assert await items("time in Xyzzyville") == ["I do not know what time it is in Xyzzyville."]
