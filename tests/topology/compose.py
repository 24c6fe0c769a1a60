"""What docker-compose.yml says of a service, and the same for a process on loopback."""

from __future__ import annotations

import re
import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.services import ROOT

COMPOSE = ROOT / "docker-compose.yml"
DAPHNE = ROOT / "deploy" / "daphne.yml"
_VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?::-(?P<default>[^}]*))?\}")


def read(*files: Path, variables: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The services and all else of the compose files, a later one over the earlier.

    ``${NAME:-default}`` is filled in from ``variables``.
    """
    merged: dict[str, Any] = {}
    for file in files or (COMPOSE,):
        merged = _over(merged, yaml.safe_load(filled_in(file.read_text(), variables or {})))
    return merged


def filled_in(text: str, variables: Mapping[str, str]) -> str:
    """As Compose does it."""

    def value(match: re.Match[str]) -> str:
        return variables.get(match["name"]) or match["default"] or ""

    return _VARIABLE.sub(value, text)


def grace_s(service: Mapping[str, Any]) -> float:
    """How long Docker waits after the stop signal."""
    number = re.fullmatch(r"(\d+)s", service["stop_grace_period"])
    assert number is not None
    return float(number[1])


def stop_signal(service: Mapping[str, Any]) -> signal.Signals:
    return signal.Signals[service["stop_signal"]]


@dataclass
class Places:
    """Where on this machine the things of the containers are."""

    ports: dict[tuple[str, int], int] = field(default_factory=dict)
    """Of a service's port, the one on loopback."""
    folders: dict[str, Path] = field(default_factory=dict)
    """Of a path in the container at hand, ours."""

    def here(self, text: str) -> str:
        """``text`` of the compose file as it is true on this machine."""
        ours = {f"{name}:{port}": f"127.0.0.1:{here}" for (name, port), here in self.ports.items()}
        ours |= {path: str(folder) for path, folder in self.folders.items()}
        longest_first = sorted(ours, key=len, reverse=True)
        known = re.compile(rf"(?<![\w.])({'|'.join(map(re.escape, longest_first))})(?![\w.-])")
        text = known.sub(lambda match: ours[match[0]], text)
        # Debian's nginx is older than "resolve"; an address needs none.
        return text.replace(" resolve;", ";")

    def command(self, service: str, command: list[str]) -> list[str]:
        """The same for a command, with ports of its own and loopback for every address."""
        own = {str(port): ours for (of, port), ours in self.ports.items() if of == service}
        return [
            "127.0.0.1" if part == "0.0.0.0" else str(own.get(part, self.here(part)))
            for part in command
        ]


def _over(below: Any, above: Any) -> Any:
    if isinstance(below, dict) and isinstance(above, dict):
        keys = [*below, *(key for key in above if key not in below)]
        return {
            key: _over(below[key], above[key])
            if key in below and key in above
            else above.get(key, below.get(key))
            for key in keys
        }
    return above
