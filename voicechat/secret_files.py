"""Secrets that come as files, as Docker and Kubernetes hand them over: ``NAME_FILE`` for ``NAME``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured


def secret(name: str, default: str = "", environment: Mapping[str, str] = os.environ) -> str:
    """The value of ``NAME``, or what the file holds that ``NAME_FILE`` names, less blanks at its ends.

    Raises ImproperlyConfigured with a sentence where both are set, or the file is missing, empty or
    cannot be read. Nothing of a secret is ever in it.
    """
    path = environment.get(f"{name}_FILE", "")
    if not path:
        return environment.get(name, default)
    if environment.get(name):
        raise ImproperlyConfigured(f"{name} and {name}_FILE are both set. Take one of them away.")
    try:
        value = Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ImproperlyConfigured(
            f"{name}_FILE: {path} cannot be read: {error.strerror}."
        ) from None
    except UnicodeDecodeError:
        raise ImproperlyConfigured(f"{name}_FILE: {path} is no text.") from None
    if not value:
        raise ImproperlyConfigured(f"{name}_FILE: {path} is empty.")
    return value
