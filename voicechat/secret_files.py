"""Secrets that come as files, as Docker and Kubernetes hand them over: ``NAME_FILE`` for ``NAME``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured


def read_secret(variable: Callable[[str, str], str], name: str, default: str = "") -> str:
    """The value of ``NAME``, or what the file holds that ``NAME_FILE`` names, less blanks at its ends.

    ``variable`` gives an environment variable, or what it is told to give where there is none. Raises ImproperlyConfigured with a sentence where both are set, or the file is missing, empty or
    cannot be read. Nothing of a secret is ever in it.
    """
    path = variable(f"{name}_FILE", "")
    if not path:
        return variable(name, default)
    if variable(name, ""):
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
