"""Which mixes of settings are refused, and that those that ship are not."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from django.core.checks import CheckMessage, run_checks

from feed.layers import redis_layer
from voicechat import checks

from .services import ROOT, environment_without_settings, free_port
from .topology import compose

REDIS_URL = "redis://localhost:6379/0"
REDIS_CACHE = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache"}}
POSTGRES = {"ENGINE": "django.db.backends.postgresql", "CONN_MAX_AGE": 0}
# What docker-compose.yml gives its instances; what it has in files is given here.
_COMPOSE = compose.read(variables={"VOICECHAT_HOSTS": "chat.example.org"})
_WEB = _COMPOSE["services"]["web1"]["environment"]
PRODUCTION = {name: value for name, value in _WEB.items() if not name.endswith("_FILE")} | {
    "DJANGO_SECRET_KEY": "k3-" + "aZ09-_xYq" * 6,
    "DATABASE_URL": "postgres://voicechat:secret@postgres:5432/voicechat",
    "VOICECHAT_MEDIA_ACCESS_KEY": "access",
    "VOICECHAT_MEDIA_SECRET_KEY": "secret",
    "VOICECHAT_METRICS_TOKEN": "0123456789abcdef",
}

Check = Callable[[], Iterator[CheckMessage]]


def found(check: Check) -> list[str]:
    """The ids of what it says; each with what to do about it."""
    messages = list(check())
    assert all(message.hint for message in messages)
    return [str(message.id) for message in messages]


def test_the_settings_of_the_tests_are_fine() -> None:
    assert not [message for message in run_checks() if message.is_serious()]


class TestSeveralProcesses:
    @pytest.fixture(params=["VOICECHAT_INSTANCES", "VOICECHAT_WORKERS"], autouse=True)
    def several(self, request, settings):
        setattr(settings, request.param, 2)

    def test_they_need_a_layer_and_a_cache_that_they_share(self):
        assert found(checks.several_processes) == ["voicechat.E001", "voicechat.E002"]

    def test_with_redis_they_have_both(self, settings):
        settings.CHANNEL_LAYERS = {"default": redis_layer(REDIS_URL)}
        settings.CACHES = REDIS_CACHE
        assert found(checks.several_processes) == []


def test_one_process_needs_nothing_shared(settings):
    assert found(checks.several_processes) == found(checks.several_instances) == []


class TestSeveralInstances:
    @pytest.fixture(autouse=True)
    def several(self, settings, monkeypatch):
        settings.VOICECHAT_INSTANCES = 2
        monkeypatch.setitem(settings.DATABASES, "default", POSTGRES)
        settings.VOICECHAT_MEDIA_IS_SHARED = True
        settings.VOICECHAT_SECRET_KEY_IS_LOCAL = False

    def test_with_all_of_it_shared_they_are_fine(self):
        assert found(checks.several_instances) == []

    def test_they_cannot_share_a_file_as_database(self, settings, monkeypatch):
        file = {"ENGINE": "django.db.backends.sqlite3"}
        monkeypatch.setitem(settings.DATABASES, "default", file)
        assert found(checks.several_instances) == ["voicechat.E003"]

    def test_they_need_one_store_of_recordings(self, settings):
        settings.VOICECHAT_MEDIA_IS_SHARED = False
        assert found(checks.several_instances) == ["voicechat.E004"]

    def test_they_need_one_secret(self, settings):
        settings.VOICECHAT_SECRET_KEY_IS_LOCAL = True
        assert found(checks.several_instances) == ["voicechat.W001"]


def test_workers_behind_one_port_cannot_be_watched(settings):
    assert found(checks.several_workers) == []
    settings.VOICECHAT_WORKERS = 2
    assert found(checks.several_workers) == ["voicechat.W002"]


@pytest.mark.parametrize(
    ("age", "ids"), [(0, []), (60, ["voicechat.E005"]), (None, ["voicechat.E005"])]
)
def test_connections_to_postgresql_are_not_kept(settings, monkeypatch, age, ids):
    monkeypatch.setitem(settings.DATABASES, "default", {**POSTGRES, "CONN_MAX_AGE": age})
    assert found(checks.database) == ids


@pytest.mark.parametrize(
    ("option", "value", "ids"),
    [
        ("init_command", "PRAGMA synchronous=NORMAL;", ["voicechat.E006"]),
        ("init_command", "pragma JOURNAL_MODE = wal;", []),
        ("transaction_mode", "DEFERRED", ["voicechat.E007"]),
        ("transaction_mode", None, ["voicechat.E007"]),
    ],
)
def test_sqlite_has_its_write_ahead_log_and_takes_its_lock_at_once(
    settings, monkeypatch, option, value, ids
):
    assert settings.DATABASES["default"]["ENGINE"].endswith("sqlite3")
    assert found(checks.database) == []
    monkeypatch.setitem(settings.DATABASES["default"]["OPTIONS"], option, value)
    assert found(checks.database) == ids


class TestChannelLayer:
    def host(self, **options: Any) -> dict[str, Any]:
        layer = redis_layer(REDIS_URL)
        layer["CONFIG"]["hosts"][0].update(options)
        return {"default": layer}

    def test_ours_is_fine(self, settings):
        settings.CHANNEL_LAYERS = self.host()
        assert found(checks.channel_layer) == []

    @pytest.mark.parametrize(
        "options",
        [{"socket_timeout": 5}, {"retry": None}, {"health_check_interval": 0}],
        ids=lambda options: next(iter(options)),
    )
    def test_one_that_does_not_outlive_silence_or_a_restart_is_refused(self, settings, options):
        settings.CHANNEL_LAYERS = self.host(**options)
        [problem] = checks.channel_layer()
        assert problem.id == "voicechat.E009"
        assert next(iter(options)) in problem.msg

    def test_one_without_a_timeout_waits_as_long_as_the_layer_does(self, settings):
        settings.CHANNEL_LAYERS = self.host(socket_timeout=None)
        assert found(checks.channel_layer) == []

    @pytest.mark.parametrize("hosts", [[REDIS_URL], [("localhost", 6379)], []])
    def test_a_bare_address_has_the_clients_own_settings(self, settings, hosts):
        layer = redis_layer(REDIS_URL)
        layer["CONFIG"]["hosts"] = hosts
        settings.CHANNEL_LAYERS = {"default": layer}
        [problem] = checks.channel_layer()
        for option in ("socket_timeout", "retry", "health_check_interval"):
            assert option in problem.msg

    def test_one_whose_queues_have_no_bound_is_refused(self, settings):
        settings.CHANNEL_LAYERS = self.host()
        settings.CHANNEL_LAYERS["default"]["BACKEND"] = checks.PUBSUB_LAYER
        assert found(checks.channel_layer) == ["voicechat.E008"]


@pytest.mark.parametrize(
    ("hosts", "debug", "ids"),
    [
        (["chat.example.org"], False, []),
        (["chat.example.org", "*"], False, ["voicechat.E010"]),
        (["*"], True, []),
    ],
)
def test_any_host_is_refused_in_production(settings, hosts, debug, ids):
    settings.ALLOWED_HOSTS, settings.DEBUG = hosts, debug
    assert found(checks.hosts) == ids


@pytest.mark.parametrize(
    ("network", "ids"),
    [("10.0.0.0/8", []), ("0.0.0.0/0", ["voicechat.E011"]), ("::/0", ["voicechat.E011"])],
)
def test_not_everybody_is_a_proxy(settings, network, ids):
    settings.VOICECHAT_TRUST_PROXY = True
    settings.VOICECHAT_TRUSTED_PROXIES = [ip_network("10.9.0.1"), ip_network(network)]
    assert found(checks.hosts) == ids


@pytest.mark.parametrize(("trusted", "ids"), [(True, []), (False, ["voicechat.W003"])])
def test_proxies_that_are_named_are_trusted_in_all_they_say(settings, trusted, ids):
    settings.VOICECHAT_TRUSTED_PROXIES = [ip_network("10.9.0.1")]
    settings.VOICECHAT_TRUST_PROXY = trusted
    assert found(checks.hosts) == ids


@pytest.mark.parametrize(
    ("backend", "ids"),
    [
        ("voicechat.static_storage.ModuleManifestStorage", []),
        ("django.contrib.staticfiles.storage.StaticFilesStorage", []),
        ("django.contrib.staticfiles.storage.ManifestStaticFilesStorage", ["voicechat.E012"]),
    ],
)
def test_hashed_names_are_written_into_imports(settings, backend, ids):
    settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": backend}}
    assert found(checks.static_files) == ids


def check_deploy(data_dir: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=ROOT,
        env={
            **environment_without_settings(),
            **PRODUCTION,
            "VOICECHAT_DATA_DIR": str(data_dir),
            **environment,
        },
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_production_environment_is_clean(tmp_path):
    done = check_deploy(tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("name", "value", "id"),
    [
        ("REDIS_URL", "", "voicechat.E001"),
        ("DATABASE_URL", "sqlite:////data/db.sqlite3", "voicechat.E003"),
        ("DJANGO_ALLOWED_HOSTS", "*", "voicechat.E010"),
        ("WEB_CONCURRENCY", "4", "voicechat.W002"),
        ("VOICECHAT_TRUST_PROXY", "0", "security.W008"),
        ("DJANGO_SECRET_KEY", "short", "security.W009"),
        ("DJANGO_DEBUG", "1", "security.W018"),
    ],
)
def test_one_wrong_variable_is_told(tmp_path, name, value, id):
    done = check_deploy(tmp_path, **{name: value})
    assert done.returncode
    assert id in done.stderr


def test_a_server_that_could_not_serve_does_not_start(tmp_path):
    """And says which setting, and what to do."""
    done = subprocess.run(
        [sys.executable, "-m", "voicechat.start", "--port", str(free_port())],
        cwd=ROOT,
        env={
            **environment_without_settings(),
            "VOICECHAT_DATA_DIR": str(tmp_path),
            "VOICECHAT_INSTANCES": "2",
            "VOICECHAT_TTS": "espeak",
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "Set REDIS_URL" in done.stderr
    assert not (tmp_path / "db.sqlite3").exists()
