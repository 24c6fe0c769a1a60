"""docs/benchmarks.md: a section for each measurement, written by the measurement itself."""

from __future__ import annotations

import os
import platform
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

DOCS = Path(__file__).parent.parent / "docs"
PAGE = DOCS / "benchmarks.md"
IMAGES = DOCS / "images"
HEAD = """# Benchmarks

Each section is written by the command that it names; only ratios within a section hold on other machines.
"""


@dataclass(frozen=True, slots=True)
class Section:
    """``text`` is Markdown without a heading; ``command`` makes it. ``cores``: who has which."""

    title: str
    command: str
    text: str
    cores: str = "server on one, clients on the other"


def write(section: Section) -> None:
    """Put the section in the place of its earlier self, or at the end."""
    page = PAGE.read_text() if PAGE.exists() else HEAD
    written = (
        f"## {section.title}\n\n`{section.command}`, {datetime.now(UTC):%Y-%m-%d}, "
        f"Python {platform.python_version()}, {os.cpu_count()} cores: {section.cores}."
        f"\n\n{section.text.strip()}\n"
    )
    earlier = re.compile(rf"## {re.escape(section.title)}\n.*?(?=\n## |\Z)", re.DOTALL)
    if earlier.search(page):
        page = earlier.sub(lambda _: written, page)
    else:
        page = f"{page.rstrip()}\n\n{written}"
    PAGE.write_text(page)
