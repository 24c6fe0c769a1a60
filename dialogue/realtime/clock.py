"""The time and the date anywhere."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings
from django.utils import timezone, translation
from django.utils.dateformat import format as format_date
from django.utils.translation import gettext as _

from dialogue.engine import UserTurn
from dialogue.places import LONGEST_TEXT, Place, place_named, plain

from . import open_meteo
from .asked_places import MOST_PLACES, asked_places

_ASKED = re.compile(
    r"\b(?:what time is it|what s the time|what is the time|what time it is|what time is|the time is it"
    r"|tell me the time|have you got the time|do you have the time|time is it"
    r"|(?:current|local|exact) time|time (?:right )?now|what time now"
    r"|what (?:day|date) is (?:it|today)|what s (?:the|today s) date|what is (?:the|today s) date"
    r"|what day is|today s date)\b"
    r"|^(?:the )?(?:time|date|clock)$"
    r"|^(?:and )?(?:what s |what is )?(?:the )?time (?:zone )?(?:in|at|for)\b"
    r"|^(?:what s|tell me) the time$"
    r"|^(?:utc|gmt)(?: \d{1,4}){0,2}$"
)
# "UTC+3", "GMT -5", "UTC+05:30"; the dashes are hyphen, minus and en dash.
_OFFSET = re.compile(
    r"\b(?:utc|gmt)\b(?:\s*([+\-\u2212\u2013])\s*(\d{1,2})(?::?(\d{2}))?)?", re.IGNORECASE
)
MOST_HOURS = 14  # that a clock anywhere is ahead of UTC
_ANOTHER_TIME = re.compile(r"\b(?:open|opening|close|closing|appointment|viewing|meeting)\b")


class Clock:
    """Says the time of every place that is asked for; without one, the server's own."""

    def __init__(self, now: Callable[[], datetime] = timezone.now) -> None:
        self._now = now

    def matches(self, text: str) -> bool:
        words = plain(text)
        return _ASKED.search(words) is not None and _ANOTHER_TIME.search(words) is None

    async def items(self, turn: UserTurn) -> AsyncIterator[str]:
        text = turn.text[:LONGEST_TEXT]
        offsets = list(_OFFSET.finditer(text))[:MOST_PLACES]
        names = asked_places(_OFFSET.sub(" ", text))
        for offset in offsets:
            yield self._from_utc(offset, turn.language)
        if not names and not offsets:
            yield self._here(turn.language)
        for name in names:
            try:
                place = await _place(name, turn.language)
            except open_meteo.Unreachable:
                place = None
            yield self._there(place, name, turn.language)

    def _here(self, language: str) -> str:
        zone = settings.TIME_ZONE
        with translation.override(language):
            return _(
                "It is %(time)s in the time zone %(zone)s. Which city would you like to know?"
            ) % {
                "time": _spoken(self._now().astimezone(ZoneInfo(zone))),
                "zone": zone,
            }

    def _from_utc(self, offset: re.Match[str], language: str) -> str:
        sign, hours, minutes = offset[1] or "+", int(offset[2] or 0), int(offset[3] or 0)
        name = offset[0].upper()
        with translation.override(language):
            if hours > MOST_HOURS or minutes > 59:
                return _("I do not know what time it is in %(place)s.") % {"place": name}
            ahead = timedelta(hours=hours, minutes=minutes) * (1 if sign == "+" else -1)
            return _("In %(place)s it is %(time)s.") % {
                "place": name,
                "time": _spoken((self._now() + ahead).astimezone(UTC)),
            }

    def _there(self, place: Place | None, name: str, language: str) -> str:
        with translation.override(language):
            if place is None:
                return _("I do not know what time it is in %(place)s.") % {"place": name}
            return _("In %(place)s it is %(time)s.") % {
                "place": place.name,
                "time": _spoken(self._now().astimezone(ZoneInfo(place.zone))),
            }


async def _place(name: str, language: str) -> Place | None:
    """The place from our own table, else from the geocoder, which knows every town."""
    if (known := place_named(name)) is not None:
        return known
    location = await open_meteo.locate(name, language)
    if location is None:
        return None
    try:
        ZoneInfo(location.timezone)
    except (ZoneInfoNotFoundError, ValueError):
        return None
    return Place(location.name, location.timezone)


def _spoken(moment: datetime) -> str:
    return format_date(moment, _("g:i A \\o\\n l, j F"))
