"""Getting the programs that tests and lint need."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts import programs

WANTED = "initdb"


@pytest.fixture
def machine(tmp_path: Path, monkeypatch) -> Path:
    """The folder of all programs of a machine that has none."""
    monkeypatch.setenv("PATH", str(tmp_path))
    nowhere = programs.Program(("initdb",), apt=("postgresql",), brew="postgresql")
    monkeypatch.setitem(programs.PROGRAMS, WANTED, nowhere)
    return tmp_path


def has(machine: Path, name: str) -> None:
    (machine / name).write_text("#!/bin/sh\n")
    (machine / name).chmod(0o755)


def test_a_program_is_found_on_the_path(machine):
    has(machine, WANTED)
    assert programs.find(WANTED) == machine / WANTED


def test_a_program_is_found_off_the_path(machine, monkeypatch):
    has(machine, WANTED)
    monkeypatch.setenv("PATH", "")
    pattern = str(machine / "init*").lstrip("/")
    there = programs.Program(("initdb",), apt=(), brew="", elsewhere=(pattern,))
    monkeypatch.setitem(programs.PROGRAMS, WANTED, there)
    assert programs.find(WANTED) == machine / WANTED


def test_a_missing_program_says_how_to_get_it(machine):
    with pytest.raises(programs.ProgramMissing, match="apt install postgresql"):
        programs.find(WANTED)


def test_root_installs_with_apt(machine, monkeypatch):
    has(machine, "apt-get")
    monkeypatch.setattr("os.geteuid", lambda: 0)
    update, install = programs.install_commands([WANTED])
    assert update[-1] == "update"
    assert install[0] == "env"
    assert install[-1] == "postgresql"


@pytest.mark.parametrize(
    ("at_terminal", "sudo"), [(True, ["sudo", "env"]), (False, ["sudo", "-n"])]
)
def test_others_install_with_sudo_which_asks_only_at_a_terminal(
    machine, monkeypatch, at_terminal, sudo
):
    has(machine, "apt-get")
    has(machine, "sudo")
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setattr("sys.stdin.isatty", lambda: at_terminal, raising=False)
    assert [command[:2] for command in programs.install_commands([WANTED])] == [sudo, sudo]


def test_without_root_and_sudo_nothing_can_be_installed(machine, monkeypatch):
    has(machine, "apt-get")
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert programs.install_commands([WANTED]) == []


def test_a_mac_installs_with_brew(machine):
    has(machine, "brew")
    assert programs.install_commands([WANTED]) == [["brew", "install", "postgresql"]]


@pytest.mark.parametrize("name", ["sphinx-recordings", "alsa-recordings"])
def test_recordings_are_found_where_debian_keeps_them(name):
    assert programs.find(name).suffix == ".wav"


def test_a_mac_installs_only_what_brew_has(machine):
    has(machine, "brew")
    missing = [WANTED, "sphinx-recordings"]
    assert programs.install_commands(missing) == [["brew", "install", "postgresql"]]
    assert programs.install_commands(["sphinx-recordings"]) == []


def test_where_nothing_can_be_installed_it_says_what_to_do(machine, monkeypatch):
    monkeypatch.setattr("sys.argv", ["programs", "test"])
    monkeypatch.setitem(programs.NEEDED, "test", (WANTED,))
    with pytest.raises(SystemExit, match="apt install postgresql"):
        programs.main()


def test_a_person_may_say_no(machine, monkeypatch):
    has(machine, "brew")
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setattr("sys.argv", ["programs", "test"])
    monkeypatch.setitem(programs.NEEDED, "test", (WANTED,))
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda prompt: "n")
    with pytest.raises(SystemExit, match="Nothing was installed"):
        programs.main()


def test_what_fails_to_install_shows_why(machine, monkeypatch):
    (machine / "brew").write_text("#!/bin/sh\necho no such formula\nexit 1\n")
    (machine / "brew").chmod(0o755)
    monkeypatch.setenv("CI", "true")
    monkeypatch.setattr("sys.argv", ["programs", "test"])
    monkeypatch.setitem(programs.NEEDED, "test", (WANTED,))
    with pytest.raises(SystemExit, match="no such formula"):
        programs.main()


def test_what_is_installed_is_found_afterwards(machine, monkeypatch, capsys):
    (machine / "brew").write_text(f"#!/bin/sh\n/bin/ln -s /bin/true {machine}/initdb\n")
    (machine / "brew").chmod(0o755)
    monkeypatch.setenv("CI", "true")
    monkeypatch.setattr("sys.argv", ["programs", "test"])
    monkeypatch.setitem(programs.NEEDED, "test", (WANTED,))
    programs.main()
    assert "brew install postgresql" in capsys.readouterr().out
    assert programs.find(WANTED).exists()
