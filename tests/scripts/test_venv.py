"""Making .venv: once, and again when the requirements change."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.services import ROOT


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that requires nothing, so that no registry is asked, with its .venv made."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "scripts").mkdir()
    shutil.copy(ROOT / "scripts" / "venv.py", folder / "scripts")
    (folder / "requirements.txt").write_text("# nothing\n")
    (folder / "requirements-dev.txt").write_text("-r requirements.txt\n")
    done = make_venv(folder, "requirements-dev.txt")
    assert done.returncode == 0, done.stdout
    assert "Installing 0 Python packages of requirements-dev.txt" in done.stdout
    return folder


def make_venv(project: Path, requirements: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, project / "scripts" / "venv.py", requirements],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def test_nothing_is_done_twice(project):
    for requirements in ("requirements-dev.txt", "requirements.txt"):
        done = make_venv(project, requirements)
        assert (done.returncode, done.stdout) == (0, "")


def test_changed_requirements_are_installed(project):
    (project / "requirements.txt").write_text("# nothing, said otherwise\n")
    assert "Installing" in make_venv(project, "requirements.txt").stdout
    assert "Installing" in make_venv(project, "requirements-dev.txt").stdout
    assert make_venv(project, "requirements-dev.txt").stdout == ""


def test_a_failed_installation_is_told_and_tried_again(project):
    (project / "requirements.txt").write_text("./missing\n")
    for _ in range(2):
        done = make_venv(project, "requirements.txt")
        assert done.returncode == 1
        assert "could not be installed" in done.stdout
    (project / "requirements.txt").write_text("# nothing\n")
    assert make_venv(project, "requirements-dev.txt").returncode == 0


def test_a_broken_venv_is_made_anew(project):
    python = project / ".venv" / "bin" / "python"
    python.unlink()
    assert make_venv(project, "requirements.txt").returncode == 0
    assert python.exists()


def test_a_python_that_is_too_old_is_told(tmp_path):
    (tmp_path / "scripts").mkdir()
    script = (ROOT / "scripts" / "venv.py").read_text()
    assert "OLDEST = (3, 11)" in script
    (tmp_path / "scripts" / "venv.py").write_text(script.replace("(3, 11)", "(3, 99)"))
    (tmp_path / "requirements.txt").touch()
    done = make_venv(tmp_path, "requirements.txt")
    assert done.returncode == 1
    assert done.stdout.startswith("voicechat needs Python 3.99 or newer")
    assert not (tmp_path / ".venv").exists()
