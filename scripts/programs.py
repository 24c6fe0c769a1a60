"""The programs beside Python that tests and lint run, where to find them and how to get them.

Recordings of people count as programs: a package brings them as well.

``python scripts/programs.py test`` installs what is missing for the tests, ``… lint`` for lint:
on Debian and Ubuntu with apt (as root or through sudo), on a Mac with brew. A person at a
terminal is asked first. Anywhere else it says what is missing, and fails.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from itertools import chain
from pathlib import Path


@dataclass(frozen=True)
class Program:
    """One program: its names on PATH, other places (patterns from /), and the packages that bring it.

    Without ``brew`` no package brings it to a Mac.
    """

    names: tuple[str, ...]
    apt: tuple[str, ...]
    brew: str | None
    elsewhere: tuple[str, ...] = ()


PROGRAMS = {
    "chromium": Program(
        ("chromium", "chromium-browser", "google-chrome"),
        apt=("chromium", "fonts-liberation"),
        brew="chromium",
        elsewhere=(
            "Applications/Chromium.app/Contents/MacOS/Chromium",
            "Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
        ),
    ),
    "redis-server": Program(("redis-server",), apt=("redis-server",), brew="redis"),
    # Debian keeps the server's programs off PATH, in a folder named after the version.
    "initdb": Program(
        ("initdb",),
        apt=("postgresql",),
        brew="postgresql",
        elsewhere=("usr/lib/postgresql/*/bin/initdb",),
    ),
    "nginx": Program(("nginx",), apt=("nginx-light",), brew="nginx", elsewhere=("usr/sbin/nginx",)),
    "msgfmt": Program(("msgfmt",), apt=("gettext",), brew="gettext"),
    "node": Program(("node",), apt=("nodejs",), brew="node"),
    "npm": Program(("npm",), apt=("npm",), brew="node"),
    "sphinx-recordings": Program(
        (),
        apt=("pocketsphinx-testdata",),
        brew=None,
        elsewhere=("usr/share/pocketsphinx/test/data/cards/001.wav",),
    ),
    "alsa-recordings": Program(
        (),
        apt=("alsa-utils",),
        brew=None,
        elsewhere=("usr/share/sounds/alsa/Front_Center.wav",),
    ),
}
NEEDED = {
    "test": (
        "chromium",
        "redis-server",
        "initdb",
        "nginx",
        "msgfmt",
        "node",
        "npm",
        "sphinx-recordings",
        "alsa-recordings",
    ),
    "lint": ("node", "npm"),
}


class ProgramMissing(Exception):
    """The program is not on this machine; the message says how to get it."""


def find(name: str) -> Path:
    """Where the program ``name`` of PROGRAMS is. Raises ProgramMissing."""
    program = PROGRAMS[name]
    on_path = map(shutil.which, program.names)
    elsewhere = (path for pattern in program.elsewhere for path in Path("/").glob(pattern))
    place = next(filter(None, chain(on_path, elsewhere)), None)
    if place is None:
        by_hand = f"apt install {' '.join(program.apt)}"
        raise ProgramMissing(f"{name} is not installed. 'make test' does it; by hand: {by_hand}")
    return Path(place)


def is_missing(name: str) -> bool:
    try:
        find(name)
    except ProgramMissing:
        return True
    return False


def debian_packages(missing: list[str]) -> list[str]:
    return sorted({package for name in missing for package in PROGRAMS[name].apt})


def install_commands(missing: list[str]) -> list[list[str]]:
    """What brings the missing programs to this machine; empty if nothing here can."""
    if shutil.which("apt-get"):
        asks = sys.stdin.isatty()
        if os.geteuid() == 0:
            before = []
        elif shutil.which("sudo"):
            before = ["sudo"] if asks else ["sudo", "-n"]
        else:
            return []
        apt = [*before, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq"]
        return [
            [*apt, "update"],
            [*apt, "install", "--no-install-recommends", "-y", *debian_packages(missing)],
        ]
    formulas = sorted({brew for name in missing if (brew := PROGRAMS[name].brew)})
    if shutil.which("brew") and formulas:
        return [["brew", "install", *formulas]]
    return []


def main() -> None:
    missing = [name for name in NEEDED[sys.argv[1]] if is_missing(name)]
    if not missing:
        return
    print(f"Missing on this machine: {', '.join(missing)}.", flush=True)
    commands = install_commands(missing)
    if not commands:
        packages = " ".join(debian_packages(missing))
        sys.exit(f"Please install them (on Debian and Ubuntu: apt install {packages}).")
    print("They come with:\n" + "\n".join("  " + shlex.join(command) for command in commands))
    has_a_say = sys.stdin.isatty() and not os.environ.get("CI")
    if has_a_say and input("Run that now? [Y/n] ").strip().lower() not in {"", "y", "yes"}:
        sys.exit("Nothing was installed.")
    print("Installing …", flush=True)
    for command in commands:
        # What a package prints while it is set up is of interest only when it fails.
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            sys.exit(f"{shlex.join(command)} failed:\n{done.stdout[-2000:]}")
    still = [name for name in missing if is_missing(name)]
    if still:
        sys.exit(
            f"Installed, but still not found: {', '.join(still)}. Please install them by hand."
        )


if __name__ == "__main__":
    main()
