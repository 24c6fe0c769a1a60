"""What this app sets up once in every process."""

from __future__ import annotations

import logging

from django.core.checks import register as register_check

from . import answers
from .checks import check_dialogue
from .realtime.clock import Clock
from .realtime.source import register as register_source
from .realtime.weather import Weather


def start() -> None:
    """Called when all models are there."""
    register_check(check_dialogue)
    answers.watch()
    register_source(Clock())
    register_source(Weather())
    # Its INFO line is the address of a request, which holds what the person asked for.
    for client in ("httpx", "httpx2"):
        logging.getLogger(client).setLevel(logging.WARNING)
