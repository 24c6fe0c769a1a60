"""Measures what docs/benchmarks.md says, and writes it there with its plots.

python -m benchmarks            everything (about three minutes)
python -m benchmarks typed      only that
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

from . import report, typed

MEASUREMENTS: dict[str, Callable[[], report.Section]] = {"typed": typed.section}


def main() -> None:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    arguments.add_argument("which", nargs="*", metavar="NAME", help=", ".join(MEASUREMENTS))
    chosen = arguments.parse_args().which or list(MEASUREMENTS)
    if unknown := set(chosen) - set(MEASUREMENTS):
        arguments.error(f"there is no {', '.join(sorted(unknown))}")
    for name in chosen:
        section = MEASUREMENTS[name]()
        print(section.text)
        report.write(section)


if __name__ == "__main__":
    main()
