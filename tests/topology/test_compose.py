"""docker-compose.yml and the Dockerfiles are sound, and say the same as each other and as the code."""

from __future__ import annotations

import io
import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from compose_spec import PyCompose
from dockerfile_parse import DockerfileParser

from deploy.make_secrets import make_secrets
from tests.services import ROOT, environment_without_settings
from voicechat import server

from . import compose
from .image import DOCKERFILE
from .topology import PORTS

COMPOSE = compose.read()
SERVICES: dict[str, Any] = COMPOSE["services"]
OURS = ("web1", "web2", "migration")
STORE = ROOT / "deploy" / "store.Dockerfile"
TAG = re.compile(r":[\w][\w.-]*$")
# A variable that the settings read, by itself or from its file.
READ = re.compile(
    r"""(?:env\.\w+|secret)\(\s*"(?P<name>\w+)"|os\.environ\.get\(\s*"(?P<direct>\w+)\"""",
    re.VERBOSE,
)
SECRET = re.compile(r'secret\(\s*"(\w+)"')


class Expanded(yaml.SafeDumper):
    """Without anchors, which the specification leaves to YAML."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def instructions(file: Path) -> list[dict[str, str]]:
    return list(DockerfileParser(fileobj=io.BytesIO(file.read_bytes())).structure)


def values(file: Path, name: str) -> list[str]:
    return [one["value"] for one in instructions(file) if one["instruction"] == name]


def known_variables() -> set[str]:
    """What voicechat/environment.py reads."""
    text = (ROOT / "voicechat" / "environment.py").read_text()
    names = {match["name"] or match["direct"] for match in READ.finditer(text)}
    return names | {f"{name}_FILE" for name in SECRET.findall(text)}


@pytest.mark.parametrize("files", [(compose.COMPOSE,), (compose.COMPOSE, compose.DAPHNE)])
def test_the_file_keeps_to_the_specification(files: tuple[Path, ...]) -> None:
    text = yaml.dump(compose.read(*files), Dumper=Expanded, sort_keys=False)
    assert PyCompose.from_yaml(text).service_names() == list(SERVICES)


def test_there_are_two_instances_and_all_that_they_share() -> None:
    assert set(SERVICES) == {"nginx", *OURS, "redis", "postgres", "store"}
    differs = {"volumes"}
    one, two = SERVICES["web1"], SERVICES["web2"]
    assert {key for key in one if one[key] != two[key]} == differs


@pytest.mark.parametrize("name", SERVICES)
def test_nothing_runs_as_root_or_writes_to_its_image(name: str) -> None:
    service = SERVICES[name]
    user, group = service["user"].split(":")
    assert int(user) > 0
    assert int(group) > 0
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert any(mount.startswith("/tmp:") for mount in service["tmpfs"])


@pytest.mark.parametrize("name", SERVICES)
def test_everything_is_limited_checked_and_ended_with_patience(name: str) -> None:
    service = SERVICES[name]
    assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory", "pids"}
    assert service["logging"]["options"]["max-size"]
    compose.stop_signal(service)
    assert compose.grace_s(service) >= 10
    if name == "migration":
        assert service["restart"] == "no"
    else:
        assert service["restart"] == "unless-stopped"
        assert service["healthcheck"]["test"][0] == "CMD"


@pytest.mark.parametrize("name", SERVICES)
def test_images_have_a_tag_and_no_registry(name: str) -> None:
    image = compose.filled_in(SERVICES[name]["image"], {})
    assert TAG.search(image)
    if "build" not in SERVICES[name]:
        assert not image.endswith(":latest")
    assert "." not in image.partition(":")[0]


@pytest.mark.parametrize("file", [DOCKERFILE, STORE])
def test_images_are_built_on_pinned_ones_and_run_as_nobody_of_note(file: Path) -> None:
    for base in values(file, "FROM"):
        image = base.split()[0]
        assert TAG.search(image)
        assert not image.endswith(":latest")
        assert "." not in image.partition(":")[0]
    user, group = values(file, "USER")[-1].split(":")
    assert int(user) > 0
    assert int(group) > 0


def test_the_image_and_the_compose_file_start_the_same() -> None:
    web = SERVICES["web1"]
    assert json.loads(values(DOCKERFILE, "CMD")[-1]) == web["command"]
    assert values(DOCKERFILE, "USER")[-1] == web["user"]
    assert values(DOCKERFILE, "STOPSIGNAL")[-1] == web["stop_signal"]
    assert values(DOCKERFILE, "EXPOSE")[-1] == str(PORTS["web1"])
    check = values(DOCKERFILE, "HEALTHCHECK")[-1]
    assert json.loads(check.partition("CMD ")[2])[0:] == web["healthcheck"]["test"][1:]
    data = web["environment"]["VOICECHAT_DATA_DIR"]
    assert values(DOCKERFILE, "VOLUME") == [data]
    for name in OURS:
        [mount] = SERVICES[name]["volumes"]
        assert mount.partition(":")[2] == data


def test_the_store_starts_as_its_image_does() -> None:
    store = SERVICES["store"]
    assert json.loads(values(STORE, "CMD")[-1]) == store["command"]
    assert values(STORE, "USER")[-1] == store["user"]
    assert f":{PORTS['store']}" in store["command"]
    assert f"chown {store['user']} /data" in " ".join(values(STORE, "RUN"))


def test_what_the_image_is_made_of_is_there_and_holds_no_secret() -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    taken = [line[1:] for line in ignored if line.startswith("!")]
    assert ignored.index("*") < ignored.index(f"!{taken[0]}")
    assert all((ROOT / name).exists() for name in taken)
    assert not {"deploy", "tests", "var", ".env"} & set(taken)
    modules = {json.loads(values(DOCKERFILE, "CMD")[-1])[2], SERVICES["migration"]["command"][2]}
    for module in modules:
        assert (ROOT / f"{module.replace('.', '/')}.py").exists()


@pytest.mark.parametrize(
    "command",
    [
        # As the Dockerfile does.
        ("manage.py", "collectstatic", "--noinput", "--verbosity", "0"),
        ("-c", "import voicechat.asgi, voicechat.prepare, voicechat.server"),
    ],
    ids=["collects static files", "starts"],
)
def test_nothing_that_it_needs_is_missing(tmp_path: Path, command: tuple[str, ...]) -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    image = tmp_path / "app"
    image.mkdir()
    for name in [line[1:] for line in ignored if line.startswith("!")]:
        if (ROOT / name).is_dir():
            no_caches = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, image / name, ignore=no_caches)
        else:
            shutil.copyfile(ROOT / name, image / name)
    done = subprocess.run(
        [sys.executable, *command],
        cwd=image,
        env={
            **environment_without_settings(),
            "DJANGO_SECRET_KEY": "only-to-collect",
            "DJANGO_ALLOWED_HOSTS": "localhost",
            "DJANGO_SETTINGS_MODULE": "voicechat.settings",
            "VOICECHAT_STATIC_ROOT": str(tmp_path / "static"),
            "VOICECHAT_DATA_DIR": str(tmp_path / "data"),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert not done.returncode, done.stdout


@pytest.mark.parametrize("name", OURS)
def test_the_settings_know_every_variable(name: str) -> None:
    assert set(SERVICES[name]["environment"]) <= known_variables()


def test_the_page_names_every_secret_that_may_come_as_a_file() -> None:
    page = (ROOT / "docs" / "operations.md").read_text()
    section = page.partition("### Secrets")[2].partition("\n## ")[0]
    named = set(re.findall(r"`([A-Z_]+)`", section))
    assert named == {
        name.removesuffix("_FILE") for name in known_variables() if name.endswith("_FILE")
    }


@pytest.mark.parametrize("file", ["voicechat.env.example", "compose.env.example"])
def test_the_examples_name_what_there_is(file: str) -> None:
    lines = (ROOT / "deploy" / file).read_text().splitlines()
    named = {match[1] for line in lines if (match := re.match(r"(?:# )?([A-Z_]+)=", line))}
    assert named
    if file.startswith("compose"):
        assert named == set(re.findall(r"\$\{(VOICECHAT_\w+)", compose.COMPOSE.read_text()))
    else:
        assert named <= known_variables()


def test_the_image_sets_nothing_that_the_settings_do_not_know() -> None:
    ours = [
        name
        for value in values(DOCKERFILE, "ENV")
        for name in re.findall(r"\b(VOICECHAT_\w+)=", value)
    ]
    assert set(ours) <= known_variables()
    assert "VOICECHAT_STATIC_ROOT" in ours


def test_every_secret_is_a_file_that_is_made_and_handed_over(tmp_path: Path) -> None:
    make_secrets(tmp_path)
    certificate = {"tls_certificate", "tls_key"}
    assert set(COMPOSE["secrets"]) == {path.name for path in tmp_path.iterdir()} | certificate
    for name, secret in COMPOSE["secrets"].items():
        assert secret == {"file": f"deploy/secrets/{name}"}
    for service in SERVICES.values():
        given = set(service.get("secrets", ()))
        for value in (service.get("environment") or {}).values():
            if str(value).startswith("/run/secrets/"):
                assert str(value).removeprefix("/run/secrets/") in given
    assert "deploy/secrets/" in (ROOT / ".gitignore").read_text()


def test_no_secret_is_written_into_the_file() -> None:
    for service in SERVICES.values():
        for name, value in (service.get("environment") or {}).items():
            if re.search("KEY|SECRET|PASSWORD|TOKEN", name):
                assert name.endswith("_FILE")
                assert str(value).startswith("/run/secrets/")


def test_only_nginx_can_be_reached_from_outside() -> None:
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["nginx"]
    assert COMPOSE["networks"]["inside"]["internal"] is True
    for name in ("redis", "postgres", "store", "migration"):
        assert SERVICES[name]["networks"] == ["inside"]


def test_nginx_is_told_all_that_its_configuration_asks_for() -> None:
    text = (ROOT / "deploy" / "nginx.conf").read_text()
    asked = set(re.findall(r"\$\{(VOICECHAT_\w+)\}", text))
    told = {name for name in SERVICES["nginx"]["environment"] if name.startswith("VOICECHAT_")}
    assert asked == told
    prefix = SERVICES["nginx"]["command"][SERVICES["nginx"]["command"].index("-p") + 1]
    assert SERVICES["nginx"]["environment"]["NGINX_ENVSUBST_OUTPUT_DIR"] == prefix
    mounts = [mount.split(":") for mount in SERVICES["nginx"]["volumes"]]
    places = {place: file for file, place, _ in mounts}
    assert places["/etc/nginx/templates/nginx.conf.template"] == "./deploy/nginx.conf"
    assert (
        places[SERVICES["nginx"]["environment"]["VOICECHAT_TLS"] + "/tls.conf"]
        == "./deploy/nginx-tls.conf"
    )
    assert {mode for _, _, mode in mounts} == {"ro"}
    files = int(re.findall(r"worker_rlimit_nofile (\d+)", text)[0])
    assert SERVICES["nginx"]["ulimits"]["nofile"] == {"soft": files, "hard": files}
    servers = SERVICES["nginx"]["environment"]["VOICECHAT_WEB_SERVERS"]
    assert re.findall(r"server (\w+):(\d+)", servers) == [
        ("web1", str(PORTS["web1"])),
        ("web2", str(PORTS["web1"])),
    ]
    accelerated = SERVICES["web1"]["environment"]["VOICECHAT_X_ACCEL_REDIRECT"]
    assert f"location {accelerated} {{" in text


def test_the_instances_have_longer_to_stop_than_they_take() -> None:
    assert compose.grace_s(SERVICES["web1"]) > server.SHUTDOWN_S


def test_postgresql_has_connections_for_all() -> None:
    command = shlex.join(SERVICES["postgres"]["command"])
    limit = re.search(r"max_connections=(\d+)", command)
    assert limit is not None
    # Four threads for sockets, and as many for pages as Python starts (two cores: six).
    assert int(limit[1]) >= 4 * (4 + 6)


def test_it_waits_for_what_it_needs() -> None:
    needs = {name: set(service.get("depends_on", ())) for name, service in SERVICES.items()}
    assert needs["web1"] == {"migration", "redis"}
    assert needs["migration"] == {"postgres", "store"}
    assert needs["nginx"] == {"web1", "web2"}
    for service in SERVICES.values():
        for name, condition in service.get("depends_on", {}).items():
            has_ended = name == "migration"
            expected = "service_completed_successfully" if has_ended else "service_healthy"
            assert condition == {"condition": expected}
