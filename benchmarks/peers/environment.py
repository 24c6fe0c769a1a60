"""Each peer has a virtual environment of its own, made when it is first measured."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from tqdm import tqdm

from scripts.venv import fingerprint, is_usable

HERE = Path(__file__).parent
ENVIRONMENTS = HERE.parent.parent / ".build" / "peers"


def python_for(peer: str, lists: Path = HERE) -> Path:
    """The interpreter that has all of ``{peer}.txt`` of the folder ``lists``. Takes minutes when there
    is none yet; exits with what pip said if it cannot be made.
    """
    folder = ENVIRONMENTS / peer
    python, stamp = folder / "bin" / "python", folder / "stamp"
    requirements = lists / f"{peer}.txt"
    wanted = fingerprint([requirements])
    if stamp.exists() and stamp.read_text() == wanted and is_usable(str(python)):
        return python
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    _install(python, requirements, peer)
    stamp.write_text(wanted)
    return python


def _install(python: Path, requirements: Path, peer: str) -> None:
    command = [str(python), "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
    output = []
    with (
        tqdm(total=requirements.read_text().count("=="), desc=f"installing {peer}") as bar,
        subprocess.Popen(
            [*command, "--progress-bar", "off", "-r", str(requirements)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as pip,
    ):
        assert pip.stdout is not None
        for line in pip.stdout:
            output.append(line)
            bar.update(line.startswith("Collecting "))
    if pip.returncode:
        sys.exit(f"{peer} could not be installed:\n" + "".join(output[-20:]))
