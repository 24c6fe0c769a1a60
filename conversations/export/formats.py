"""What an export may hold."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Format(models.TextChoices):
    """``WAV`` is each call mixed to one file, ``SEGMENTS`` is every stretch of sound as it is kept."""

    JSON = "json", _("JSON: everything that is kept, for programs")
    CSV = "csv", _("CSV: one row for each turn, for spreadsheets")
    VTT = "vtt", _("WebVTT: what was said in each call, as captions")
    WAV = "wav", _("WAV: each call as stereo sound, person left and bot right")
    SEGMENTS = "segments", _("Sound files as they are kept, one or more for each turn")


TEXT = frozenset({Format.JSON, Format.CSV, Format.VTT})
SOUND = frozenset({Format.WAV, Format.SEGMENTS})
# Their text, readable by programs and by people, and their sound without loss.
OWN = frozenset({Format.JSON, Format.VTT, Format.SEGMENTS})
