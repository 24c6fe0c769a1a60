"""The rooms of the house: who may import whom stands in pyproject.toml."""

import subprocess
import sys
from pathlib import Path

from .services import ROOT


def test_imports_point_one_way():
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
