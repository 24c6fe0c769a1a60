"""Measures what docs/benchmarks.md says, and writes it there with its plots.

python -m benchmarks                  everything (about three quarters of an hour)
python -m benchmarks typed            typed chat, beside the original way
python -m benchmarks calls            callers on one core, beside Pipecat and FastRTC
python -m benchmarks fastrtc          callers in FastRTC's WebSocket mode, beside FastRTC
python -m benchmarks interruptions    from a voice over the bot to its silence, on the wire
python -m benchmarks browser          the same, to the loudspeaker of Chromium
python -m benchmarks recognition      how well and how fast words are understood
python -m benchmarks speech_service   text to speech over the PlayAI socket, per format and in a crowd
python -m benchmarks review           the reviewer's list and search with a million turns
python -m benchmarks instances        a hop between instances, idle sockets, what a second one adds
python -m benchmarks faults           what becomes of turns when parts of a deployment break (needs root)

--quick measures less, in two minutes at most, and prints instead of writing.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from importlib import import_module
from typing import cast

from . import report

MEASUREMENTS = (
    "typed",
    "calls",
    "fastrtc",
    "interruptions",
    "browser",
    "recognition",
    "speech_service",
    "review",
    "instances",
    "faults",
)


def main() -> None:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    arguments.add_argument("which", nargs="*", metavar="NAME", help=", ".join(MEASUREMENTS))
    arguments.add_argument("--quick", action="store_true", help="measure less, write nothing")
    given = arguments.parse_args()
    chosen = given.which or MEASUREMENTS
    if unknown := set(chosen) - set(MEASUREMENTS):
        arguments.error(f"there is no {', '.join(sorted(unknown))}")
    for name in chosen:
        # Each brings its own libraries, and some of them start threads.
        measurement = import_module(f"{__package__}.{name}")
        section = cast("Callable[[bool], report.Section]", measurement.section)(given.quick)
        print(section.text)
        if not given.quick:
            report.write(section)


if __name__ == "__main__":
    main()
