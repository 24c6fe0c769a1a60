"""What a server costs, as the kernel counts it: asked from outside, so that asking costs it nothing."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_PAGE_MB = os.sysconf("SC_PAGE_SIZE") / 1024 / 1024


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU seconds since the start, and resident memory now: of a process, and of its children."""

    cpu_s: float
    rss_mb: float
    children_cpu_s: float
    children_rss_mb: float


def cost(pid: int) -> Cost:
    """Of a process that runs, and of those that it has started (Linux: proc(5))."""
    children = [_of(child) for child in _children(pid)]
    return Cost(*_of(pid), sum(cpu for cpu, _ in children), sum(rss for _, rss in children))


def _children(pid: int) -> list[int]:
    threads = Path(f"/proc/{pid}/task").iterdir()
    return [int(child) for task in threads for child in (task / "children").read_text().split()]


def _of(pid: int) -> tuple[float, float]:
    # The second field is the program's name in brackets, which may hold blanks.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    user, system, pages = int(fields[11]), int(fields[12]), int(fields[21])
    return (user + system) / _TICKS_PER_S, pages * _PAGE_MB
