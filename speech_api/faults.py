"""What went wrong on our side and where, for the log."""

from __future__ import annotations

import traceback
from pathlib import Path


def where(error: BaseException) -> str:
    """The kind of an error and the last places it came through: its message may hold a text."""
    places = traceback.extract_tb(error.__traceback__)[-6:]
    steps = (f"{Path(place.filename).name}:{place.lineno} {place.name}" for place in places)
    return f"{type(error).__name__} at {' > '.join(steps)}"
