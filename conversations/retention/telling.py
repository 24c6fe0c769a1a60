"""What the commands say while they work and afterwards."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from tqdm import tqdm


def progress(command: BaseCommand, total: int, unit: str, verbosity: int) -> Any:
    """A bar on stderr, where that is a terminal; none with ``--verbosity 0``."""
    is_off = None if verbosity else True  # None: tqdm asks whether it is a terminal
    return tqdm(total=total, unit=f" {unit}", file=command.stderr, disable=is_off)


def counted(count: int, noun: str) -> str:
    """``1 turn``, ``2 turns``."""
    return f"{count} {noun}{'' if count == 1 else 's'}"
