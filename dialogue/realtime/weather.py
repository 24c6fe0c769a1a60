"""The weather anywhere, from Open-Meteo."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from typing import TypeVar

from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dialogue.engine import UserTurn
from dialogue.places import place_named, plain

from . import open_meteo
from .asked_places import asked_places

_ASKED = re.compile(
    r"\b(?:weather|forecast|temperature|raining|snowing|umbrella|how (?:hot|cold|warm|windy)"
    r"|(?:will|is|does) it (?:going to )?(?:be )?(?:rain|snow|hot|cold|warm|sunny|windy|cloudy|freez)\w*"
    r"|degrees (?:is it|outside))\b"
)
# "The weather in my heart is stormy" tells something.
_TOLD = re.compile(
    r"^(?:the |my |our )?(?:weather|forecast|temperature)\b.* (?:is|was|looks|feels|seems) (?!like\b)\w"
    r"|\b(?:love|hate|like|enjoy) (?:the|this) weather\b"
)
_TOMORROW = re.compile(r"\btomorrow\b")
_FOLLOW_UP = re.compile(r"^(?:and |what about |how about |and for )+(?:today|tomorrow)$")

# WMO code table 4677 as Open-Meteo uses it, in words that follow "with".
CONDITIONS = {
    0: gettext_lazy("a clear sky"),
    1: gettext_lazy("a mostly clear sky"),
    2: gettext_lazy("some clouds"),
    3: gettext_lazy("an overcast sky"),
    45: gettext_lazy("fog"),
    48: gettext_lazy("freezing fog"),
    51: gettext_lazy("light drizzle"),
    53: gettext_lazy("drizzle"),
    55: gettext_lazy("heavy drizzle"),
    56: gettext_lazy("freezing drizzle"),
    57: gettext_lazy("heavy freezing drizzle"),
    61: gettext_lazy("light rain"),
    63: gettext_lazy("rain"),
    65: gettext_lazy("heavy rain"),
    66: gettext_lazy("freezing rain"),
    67: gettext_lazy("heavy freezing rain"),
    71: gettext_lazy("light snow"),
    73: gettext_lazy("snow"),
    75: gettext_lazy("heavy snow"),
    77: gettext_lazy("snow grains"),
    80: gettext_lazy("light showers"),
    81: gettext_lazy("showers"),
    82: gettext_lazy("violent showers"),
    85: gettext_lazy("snow showers"),
    86: gettext_lazy("heavy snow showers"),
    95: gettext_lazy("a thunderstorm"),
    96: gettext_lazy("a thunderstorm and light hail"),
    99: gettext_lazy("a thunderstorm and heavy hail"),
}


Number = TypeVar("Number", int, float)


class Weather:
    """Says how it is now and will be today, or tomorrow, in every place that is asked for."""

    def matches(self, text: str) -> bool:
        words = plain(text)
        if _TOLD.search(words) is not None and "?" not in text:
            return False
        return _ASKED.search(words) is not None or _FOLLOW_UP.search(words) is not None

    async def items(self, turn: UserTurn) -> AsyncIterator[str]:
        names = asked_places(turn.text) or _places_before(turn)
        is_tomorrow = _TOMORROW.search(plain(turn.text)) is not None
        if not names:
            with translation.override(turn.language):
                question = _("For which city would you like to know the weather?")
            yield question
        for name in names:
            yield await _weather(name, turn.language, is_tomorrow=is_tomorrow)


def _places_before(turn: UserTurn) -> list[str]:
    """What the person asked about last: "and tomorrow?" names no place."""
    for said in reversed(turn.history):
        if said.role == "user" and (names := asked_places(said.text)):
            return names
    return []


async def _weather(name: str, language: str, *, is_tomorrow: bool) -> str:
    known = place_named(name)
    name = known.name if known is not None else name
    try:
        location = await open_meteo.locate(name, language)
        forecast = await open_meteo.forecast(location) if location is not None else None
    except open_meteo.Unreachable:
        with translation.override(language):
            return _(
                "The weather service does not answer just now, so I cannot tell you about %(place)s."
            ) % {"place": name}
    with translation.override(language):
        if location is None or forecast is None:
            return _("I could not find a place called %(place)s.") % {"place": name}
        if is_tomorrow:
            return _tomorrow(location.name, forecast.daily)
        return _now(location.name, forecast)


def _now(place: str, forecast: open_meteo.Forecast) -> str:
    current = forecast.current
    sentences = [
        _(
            "In %(place)s it is %(degrees)d degrees, with %(conditions)s and a wind of %(wind)d kilometres an hour."
        )
        % {
            "place": place,
            "degrees": round(current.temperature_2m),
            "conditions": _conditions(current.weather_code),
            "wind": round(current.wind_speed_10m),
        }
    ]
    highest = _day(forecast.daily.temperature_2m_max, 0)
    if highest is not None:
        sentences.append(_("Today it gets up to %(degrees)d.") % {"degrees": round(highest)})
    return " ".join(sentences)


def _tomorrow(place: str, daily: open_meteo.Daily) -> str:
    low, high = _day(daily.temperature_2m_min, 1), _day(daily.temperature_2m_max, 1)
    if low is None or high is None:
        return _("There is no forecast for %(place)s tomorrow.") % {"place": place}
    sentence = _("Tomorrow in %(place)s: %(low)d to %(high)d degrees, with %(conditions)s.") % {
        "place": place,
        "low": round(low),
        "high": round(high),
        "conditions": _conditions(_day(daily.weather_code, 1)),
    }
    rain = _day(daily.precipitation_probability_max, 1)
    if rain is None:
        return sentence
    return (
        sentence + " " + _("The chance of rain is %(percent)d percent.") % {"percent": round(rain)}
    )


def _conditions(code: int | None) -> str:
    known = None if code is None else CONDITIONS.get(code)
    return _("changing weather") if known is None else str(known)


def _day(days: Sequence[Number | None], day: int) -> Number | None:
    return days[day] if day < len(days) else None
