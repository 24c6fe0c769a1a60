"""The weather, against a server that speaks Open-Meteo's wire form."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from pytest_django import Settings

from dialogue.engine import Said, UserTurn
from dialogue.realtime import open_meteo
from dialogue.realtime.weather import Weather
from tests.dialogue.wire import Exchange, LocalServer

Serve = Callable[..., Awaitable[LocalServer]]

LISBON = {
    "results": [
        {
            "id": 2267057,
            "name": "Lisbon",
            "latitude": 38.71667,
            "longitude": -9.13333,
            "elevation": 45.0,
            "feature_code": "PPLC",
            "country_code": "PT",
            "admin1_id": 2267056,
            "timezone": "Europe/Lisbon",
            "population": 517802,
            "country_id": 2264397,
            "country": "Portugal",
            "admin1": "Lisbon",
        }
    ],
    "generationtime_ms": 0.57,
}
FORECAST: dict[str, Any] = {
    "latitude": 38.71,
    "longitude": -9.13,
    "generationtime_ms": 0.11,
    "utc_offset_seconds": 0,
    "timezone": "Europe/Lisbon",
    "timezone_abbreviation": "WET",
    "elevation": 45.0,
    "current_units": {"time": "iso8601", "interval": "seconds", "temperature_2m": "°C"},
    "current": {
        "time": "2026-11-20T16:15",
        "interval": 900,
        "temperature_2m": 17.6,
        "apparent_temperature": 16.9,
        "weather_code": 61,
        "wind_speed_10m": 12.4,
    },
    "daily_units": {"time": "iso8601", "temperature_2m_max": "°C"},
    "daily": {
        "time": ["2026-11-20", "2026-11-21"],
        "weather_code": [61, 3],
        "temperature_2m_max": [19.2, 20.7],
        "temperature_2m_min": [11.0, 12.1],
        "precipitation_probability_max": [80, 30],
    },
}


def open_meteo_with(
    place: dict[str, Any] = LISBON, forecast: dict[str, Any] = FORECAST
) -> Callable[[Exchange], Awaitable[None]]:
    async def answer(exchange: Exchange) -> None:
        await exchange.json(200, place if exchange.request.path == "/v1/search" else forecast)

    return answer


async def items(text: str, *history: Said) -> list[str]:
    return [item async for item in Weather().items(UserTurn(text, history=history))]


@pytest.mark.parametrize(
    "text",
    [
        "weather in Lisbon", "what's the weather like", "will it rain tomorrow in Porto",
        "is it going to snow", "how cold is it in Oslo", "do I need an umbrella", "and tomorrow?",
        "temperature in Paris", "forecast for London",
    ],
)  # fmt: skip
def test_it_is_asked(text: str) -> None:
    assert Weather().matches(text)


@pytest.mark.parametrize(
    "text",
    [
        "flat in Lisbon", "what time is it", "hello", "", "😀", "tomorrow",
        "the weather in my heart is stormy", "I love the weather in Lisbon",
    ],
)  # fmt: skip
def test_it_is_not_asked(text: str) -> None:
    assert not Weather().matches(text)


async def test_it_says_how_it_is(serve: Serve, settings: Settings) -> None:
    server = await serve(open_meteo_with())
    settings.VOICECHAT_OPEN_METEO_URL = server.url
    assert await items("What's the weather like in lisbon today?") == [
        "In Lisbon it is 18 degrees, with light rain and a wind of 12 kilometres an hour. Today it "
        "gets up to 19."
    ]
    search, forecast = server.requests
    assert (search.path, search.query["name"]) == ("/v1/search", "Lisbon")
    assert forecast.path == "/v1/forecast"
    assert forecast.query["latitude"] == "38.71667"
    assert "temperature_2m" in forecast.query["current"].split(",")


async def test_it_says_how_it_will_be_tomorrow(serve: Serve, settings: Settings) -> None:
    settings.VOICECHAT_OPEN_METEO_URL = (await serve(open_meteo_with())).url
    expected = [
        "Tomorrow in Lisbon: 12 to 21 degrees, with an overcast sky. The chance of rain is 30 percent."
    ]
    assert await items("weather in Lisbon tomorrow") == expected
    assert await items("and tomorrow?", Said("user", "weather in Lisbon")) == expected


async def test_what_is_not_forecast_is_left_out(serve: Serve, settings: Settings) -> None:
    nothing = {name: [None, None] for name in FORECAST["daily"]}
    settings.VOICECHAT_OPEN_METEO_URL = (
        await serve(open_meteo_with(forecast={**FORECAST, "daily": nothing}))
    ).url
    assert await items("weather in Lisbon tomorrow") == [
        "There is no forecast for Lisbon tomorrow."
    ]
    assert (await items("weather in Lisbon"))[0].endswith("12 kilometres an hour.")


async def test_each_place_is_an_item_of_its_own(serve: Serve, settings: Settings) -> None:
    settings.VOICECHAT_OPEN_METEO_URL = (await serve(open_meteo_with())).url
    assert len(await items("weather in Lisbon and Sintra")) == 2


async def test_a_place_is_asked_once_in_ten_minutes(serve: Serve, settings: Settings) -> None:
    server = await serve(open_meteo_with())
    settings.VOICECHAT_OPEN_METEO_URL = server.url
    await items("weather in Lisbon")
    await items("will it rain in Lisbon tomorrow")
    assert len(server.requests) == 2


async def test_without_a_place_it_asks() -> None:
    assert await items("what's the weather like") == [
        "For which city would you like to know the weather?"
    ]


async def test_an_unknown_place_is_told(serve: Serve, settings: Settings) -> None:
    settings.VOICECHAT_OPEN_METEO_URL = (
        await serve(open_meteo_with(place={"generationtime_ms": 0.3}))
    ).url
    assert await items("weather in Xyzzyville") == ["I could not find a place called Xyzzyville."]


DOES_NOT_ANSWER = [
    "The weather service does not answer just now, so I cannot tell you about Lisbon."
]


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, {"error": True, "reason": "Latitude must be in range of -90 to 90"}),
        (429, {"error": True, "reason": "Hourly API request limit exceeded"}),
        (500, {}),
        (200, {"results": "nonsense"}),
        (200, []),
    ],
)
async def test_a_failing_service_is_told(
    serve: Serve, settings: Settings, status: int, body: object
) -> None:
    async def fails(exchange: Exchange) -> None:
        await exchange.json(status, body)

    settings.VOICECHAT_OPEN_METEO_URL = (await serve(fails)).url
    assert await items("weather in Lisbon") == DOES_NOT_ANSWER


async def test_a_slow_service_is_given_up(
    serve: Serve, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hangs(exchange: Exchange) -> None:
        await exchange.disconnected()

    monkeypatch.setattr(open_meteo, "TIMEOUT_S", 0.1)
    settings.VOICECHAT_OPEN_METEO_URL = (await serve(hangs)).url
    assert await items("weather in Lisbon") == DOES_NOT_ANSWER


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "nonsense", "http://[::bad", "ftp://a"])
async def test_an_unreachable_service_is_told(settings: Settings, url: str) -> None:
    settings.VOICECHAT_OPEN_METEO_URL = url
    assert await items("weather in Lisbon") == DOES_NOT_ANSWER


async def test_no_log_says_what_was_asked(
    serve: Serve, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.VOICECHAT_OPEN_METEO_URL = (await serve(open_meteo_with())).url
    with caplog.at_level(logging.INFO):
        await items("weather in Lisbon")
    assert "Lisbon" not in caplog.text


def test_the_public_geocoder_has_its_own_host() -> None:
    assert (
        open_meteo._geocoding_url("https://api.open-meteo.com/")
        == "https://geocoding-api.open-meteo.com"
    )
    assert open_meteo._geocoding_url("http://mirror:8080/") == "http://mirror:8080"
