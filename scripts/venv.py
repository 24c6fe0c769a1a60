"""Make ``.venv`` hold what a requirements file names: ``python3 scripts/venv.py requirements.txt``.

Costs nothing when that was done before for the very same requirements. Runs on the machine's own
Python, which may be too old for voicechat: standard library only, and nothing newer than 3.8.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
VENV_PYTHON = VENV / "bin" / "python"
OLDEST = (3, 11)
TOO_OLD = """\
voicechat needs Python {}.{} or newer, and this is {}.
Install one (Debian, Ubuntu: apt install python3.11 python3.11-venv; macOS: brew install python)
or say where it is: make run PYTHON=/path/to/python3.12"""
NO_VENV = """\
{} cannot make virtual environments.
On Debian and Ubuntu that is a package of its own: apt install python3-venv"""


def main() -> None:
    requirements = ROOT / sys.argv[1]
    files = with_includes(requirements)
    stamps = {VENV / f"{file.stem}.stamp": fingerprint(with_includes(file)) for file in files}
    if is_usable(str(VENV_PYTHON)) and all(
        stamp.is_file() and stamp.read_text() == value for stamp, value in stamps.items()
    ):
        return
    make_venv()
    install(requirements, wanted=sum(file.read_text().count("==") for file in files))
    for stamp, value in stamps.items():
        stamp.write_text(value)


def with_includes(requirements: Path) -> list[Path]:
    """The file itself and those that it names with ``-r``."""
    names = re.findall(r"^-r (\S+)", requirements.read_text(), re.MULTILINE)
    return [requirements, *(requirements.parent / name for name in names)]


def fingerprint(files: list[Path]) -> str:
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def is_usable(python: str) -> bool:
    """Whether this interpreter starts, which a version manager's stub may not, and is new enough."""
    test = f"import sys; sys.exit(sys.version_info < {OLDEST})"
    try:
        return not subprocess.run([python, "-c", test], stderr=subprocess.DEVNULL).returncode
    except OSError:
        return False


def make_venv() -> None:
    if is_usable(str(VENV_PYTHON)):
        return
    newer = (shutil.which(f"python3.{minor}") for minor in range(20, OLDEST[1] - 1, -1))
    python = next((path for path in (sys.executable, *newer) if path and is_usable(path)), None)
    if python is None:
        sys.exit(TOO_OLD.format(*OLDEST, sys.version.split()[0]))
    made = subprocess.run(
        [python, "-m", "venv", "--clear", str(VENV)], capture_output=True, text=True
    )
    if made.returncode:
        shutil.rmtree(VENV, ignore_errors=True)  # half of one would pass for a whole one
        sys.exit(NO_VENV.format(python) + "\n" + made.stdout + made.stderr)


def install(requirements: Path, wanted: int) -> None:
    say(f"Installing {wanted} Python packages of {requirements.name} into .venv (once) …\n")
    started = time.monotonic()
    pip = [str(VENV_PYTHON), "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
    with subprocess.Popen(
        [*pip, "--progress-bar", "off", "-r", str(requirements)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    ) as process:
        assert process.stdout is not None
        output, found = [], 0
        for line in process.stdout:
            output.append(line)
            step = re.match(r"(Collecting|Requirement already satisfied:|Installing) (\S+)", line)
            if step and sys.stdout.isatty():
                found += step[1] != "Installing" and " (from -r" in line
                what = "installing" if step[1] == "Installing" else step[2]
                say(f"\r\033[K  {found} of {wanted}: {what}")
    if process.returncode:
        sys.exit("\nThe packages could not be installed:\n" + "".join(output[-20:]))
    if sys.stdout.isatty():
        say("\r\033[K")
    say(f"Installed in {time.monotonic() - started:.0f} s.\n")


def say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


if __name__ == "__main__":
    main()
