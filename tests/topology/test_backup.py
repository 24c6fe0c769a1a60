"""What docs/operations.md says of backing up and restoring, done with its own commands."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from scripts import programs
from tests.e2e.person import guest_cookies, person
from tests.services import ROOT

from .reviewer import reviewer_cookies
from .test_topology import sound_of
from .topology import Topology, topology

pytestmark = pytest.mark.timeout(300)
PAGE = (ROOT / "docs" / "operations.md").read_text()


def commands_of(title: str) -> list[str]:
    section = re.search(rf"^## {title}\n.*?```sh\n(.*?)```", PAGE, re.DOTALL | re.MULTILINE)
    assert section is not None
    return section[1].splitlines()


def give(deployed: Topology, command: str, backup: Path) -> None:
    """One of the page's commands, on the processes of a deployment. Raises if it fails.

    What starts containers is left out: the caller starts processes.
    """
    command = command.replace("/backup", str(backup))
    if command.startswith("cp -a"):
        source, target = command.split()[2:]
        place = {"deploy/secrets": str(deployed.secrets), "deploy/": str(deployed.folder)}
        subprocess.run(
            ["cp", "-a", place.get(source, source), place.get(target, target)], check=True
        )
    elif match := re.fullmatch(r"docker compose exec -T postgres (.*?)( [<>] (\S+))?", command):
        in_postgres(deployed, shlex.split(match[1]), match[2], match[3])
    elif match := re.fullmatch(
        r"docker compose (?:run .*?migration|exec web1) python (.*)", command
    ):
        done = deployed.run(*shlex.split(match[1]))
        assert not done.returncode, done.stdout
    elif match := re.fullmatch(r"docker compose run --rm migration", command):
        deployed.migrate()
    else:
        assert command.startswith("docker compose up "), command


def in_postgres(deployed: Topology, command: list[str], way: str | None, file: str | None) -> None:
    program = programs.find("initdb").resolve().with_name(command[0])
    assert way is not None
    assert file is not None
    into = way.startswith(" <")
    with Path(file).open("rb" if into else "wb") as stream:
        subprocess.run(
            [program, *command[1:]],
            env={
                **os.environ,
                "PGHOST": "127.0.0.1",
                "PGPORT": str(deployed.port("postgres")),
                "PGPASSWORD": deployed.secret("postgres_password"),
            },
            **{"stdin" if into else "stdout": stream},
            check=True,
        )


@pytest.fixture
def backup(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "backup"
    folder.mkdir()
    yield folder
    shutil.rmtree(folder)


async def test_a_deployment_is_lost_and_comes_back(backup: Path) -> None:
    with topology(instances=1) as lost:
        cookies = await guest_cookies(lost.url)
        async with person(lost.socket_url, cookies, origin=lost.url) as anna:
            conversation = (await anna.hello(audio=True))["conversation"]
            asked = await anna.type("good morning")
            reply = (await anna.until("ack", id=asked))["reply"]
            await anna.until("reply_end", reply=reply)
            sound = await sound_of(anna, reply)
        password = lost.admin_password
        for command in commands_of("Back up"):
            give(lost, command, backup)
    assert set(os.listdir(backup)) == {"secrets", "sound", "voicechat.dump"}  # noqa: PTH208

    def restore(empty: Topology) -> None:
        give(empty, step("pg_restore"), backup)

    with topology(instances=1, secrets=backup / "secrets", before=restore) as restored:
        give(restored, step("copy_sound"), backup)
        give(restored, step("check_sound"), backup)
        async with person(restored.socket_url, cookies, origin=restored.url) as anna:
            ready = await anna.hello(conversation=conversation)
            assert [turn["text"] for turn in ready["turns"] if turn["role"] == "user"] == [
                "good morning"
            ]
            await anna.ask("What can you do?")
        async with httpx.AsyncClient(headers={"Cookie": cookies}) as browser:
            heard = await browser.get(restored.url + sound)
            assert heard.status_code == 200
            assert len(heard.content) > 1_000
        await reviewer_cookies(restored.url, password)


def step(name: str) -> str:
    """The command of a restore that has ``name`` in it."""
    [found] = [command for command in commands_of("Restore") if name in command]
    return found


def test_the_page_restores_in_the_order_that_is_tested() -> None:
    steps = [command for command in commands_of("Restore") if " up " not in command]
    order = ["cp -a", "pg_restore", "run --rm migration", "copy_sound", "check_sound"]
    assert [step(name) for name in order if name != "run --rm migration"] == [
        command for command in steps if not command.endswith("run --rm migration")
    ]
    assert steps[2].endswith("run --rm migration")
