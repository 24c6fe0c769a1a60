"""Each peer has a virtual environment of its own, made when it is first measured."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from scripts.venv import fingerprint, is_usable

HERE = Path(__file__).parent
ENVIRONMENTS = HERE.parent.parent / ".build" / "peers"


def python_for(peer: str) -> Path:
    """The interpreter that has all of ``{peer}.txt``. Takes a minute when there is none yet.

    Raises ``subprocess.CalledProcessError`` if it cannot be installed.
    """
    folder = ENVIRONMENTS / peer
    python, stamp = folder / "bin" / "python", folder / "stamp"
    requirements = HERE / f"{peer}.txt"
    wanted = fingerprint([requirements])
    if stamp.exists() and stamp.read_text() == wanted and is_usable(str(python)):
        return python
    print(f"Installing {peer} into .build/peers (once) …")
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    pip = [str(python), "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
    subprocess.run([*pip, "-q", "-r", str(requirements)], check=True)
    stamp.write_text(wanted)
    return python
