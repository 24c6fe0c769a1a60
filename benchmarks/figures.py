"""How figures are written, and what plots have in common."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

OURS, THEIRS, QUIET = "#0f766e", "#b45309", "#b0b5b9"


def percentile(values: Sequence[float], percent: float) -> float:
    """Not a number where there are no values."""
    return float(np.percentile(values, percent)) if values else float("nan")


def ms(value: float) -> str:
    """Milliseconds, rounded as far as they mean something; a dash where there are none."""
    if np.isnan(value):
        return "-"
    return f"{value:.1f} ms" if value < 20 else f"{value:.0f} ms"
