"""Settings that each look right and do not fit together, refused before the first visitor finds out.

``manage.py check``, ``make run`` and ``voicechat.prepare`` look at them. Why each matters is measured: docs/operations.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from channels_redis.core import RedisChannelLayer
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register
from django.core.files.storage import FileSystemStorage
from django.utils.module_loading import import_string

from conversations import media

MEMORY_LAYER = "channels.layers.InMemoryChannelLayer"
PUBSUB_LAYER = "channels_redis.pubsub.RedisPubSubChannelLayer"
MEMORY_CACHE = "django.core.cache.backends.locmem.LocMemCache"
# channels-redis waits so long in one BZPOPMIN; a client that gives up sooner fails whenever all is quiet.
LAYER_BLOCKS_S = 5


@register
def several_processes(**_: Any) -> Iterator[CheckMessage]:
    """What each process would have of its own, where there are several."""
    if not _are_several():
        return
    which = f"{settings.VOICECHAT_INSTANCES} instances with {settings.VOICECHAT_WORKERS} workers"
    if settings.CHANNEL_LAYERS["default"]["BACKEND"] == MEMORY_LAYER:
        yield Error(
            f"There are {which}, and the channel layer is in the memory of one process: tabs and "
            "devices of a conversation on different ones would not hear of each other.",
            hint="Set REDIS_URL, or run one process: VOICECHAT_INSTANCES=1, WEB_CONCURRENCY=1.",
            id="voicechat.E001",
        )
    if settings.CACHES["default"]["BACKEND"] == MEMORY_CACHE:
        yield Error(
            f"There are {which}, and the cache is in the memory of one process: attempts to log in "
            "would be counted by each of them alone.",
            hint="Set REDIS_URL.",
            id="voicechat.E002",
        )


@register
def several_instances(**_: Any) -> Iterator[CheckMessage]:
    """What each machine would have of its own, where there are several."""
    if settings.VOICECHAT_INSTANCES == 1:
        return
    if _is_sqlite():
        yield Error(
            "There are several instances, and the database is an SQLite file: its locks and its "
            "write-ahead log hold on one machine only.",
            hint="Set DATABASE_URL to a PostgreSQL that all of them reach.",
            id="voicechat.E003",
        )
    if isinstance(media.storage(), FileSystemStorage) and not settings.VOICECHAT_MEDIA_IS_SHARED:
        yield Error(
            "There are several instances, and each keeps recordings in a folder of its own: nobody "
            "could hear what another one has recorded.",
            hint="Set VOICECHAT_MEDIA to an object store. If VOICECHAT_DATA_DIR/media is the same "
            "folder for all of them, set VOICECHAT_MEDIA_IS_SHARED=1.",
            id="voicechat.E004",
        )
    if settings.VOICECHAT_SECRET_KEY_IS_LOCAL:
        yield Warning(
            "There are several instances, and the secret key is from the data directory's .env: with "
            "different keys a session of one is none for the others.",
            hint="Set DJANGO_SECRET_KEY (or DJANGO_SECRET_KEY_FILE) for all of them.",
            id="voicechat.W001",
        )


@register
def several_workers(**_: Any) -> Iterator[CheckMessage]:
    """Workers share a port, so that one cannot be asked by itself."""
    if settings.VOICECHAT_WORKERS > 1:
        yield Warning(
            "Several workers share one port: /metrics and /readyz tell of whichever answers, and the "
            "limits of a process hold for each of them.",
            hint="Start instances with ports of their own instead, and leave WEB_CONCURRENCY out.",
            id="voicechat.W002",
        )


@register
def database(**_: Any) -> Iterator[CheckMessage]:
    """How the database is talked to from sockets."""
    found = settings.DATABASES["default"]
    if not _is_sqlite():
        if found.get("CONN_MAX_AGE", 0) != 0:
            yield Error(
                "CONN_MAX_AGE keeps connections open: under ASGI they would belong to threads, and "
                "not be closed when a request ends.",
                hint="Set CONN_MAX_AGE to 0; put PgBouncer in front where connecting is slow.",
                id="voicechat.E005",
            )
        return
    options = found.get("OPTIONS", {})
    start = options.get("init_command", "").lower().replace(" ", "")
    if "journal_mode=wal" not in start:
        yield Error(
            "SQLite is used without its write-ahead log: whoever reads keeps turns from being stored.",
            hint="OPTIONS of the database: 'init_command': 'PRAGMA journal_mode=WAL;'.",
            id="voicechat.E006",
        )
    if options.get("transaction_mode") != "IMMEDIATE":
        yield Error(
            "SQLite's transactions begin without the write lock: two turns at once end in 'database "
            "is locked', without waiting.",
            hint="OPTIONS of the database: 'transaction_mode': 'IMMEDIATE'.",
            id="voicechat.E007",
        )


@register
def channel_layer(**_: Any) -> Iterator[CheckMessage]:
    """How Redis is talked to (docs of redis-py 8 and channels-redis 4.3)."""
    layer = settings.CHANNEL_LAYERS["default"]
    if layer["BACKEND"] == PUBSUB_LAYER:
        yield Error(
            "RedisPubSubChannelLayer keeps what waits in queues without a bound.",
            hint="Use feed.layers.redis_layer(url), which REDIS_URL does.",
            id="voicechat.E008",
        )
    if not issubclass(import_string(layer["BACKEND"]), RedisChannelLayer):
        return
    for host in layer.get("CONFIG", {}).get("hosts") or ["localhost"]:
        wrong = list(_wrong_with(host))
        if wrong:
            yield Error(
                f"The channel layer's connection to Redis {', '.join(wrong)}.",
                hint="Use feed.layers.redis_layer(url), which REDIS_URL does.",
                id="voicechat.E009",
            )


def _wrong_with(host: Any) -> Iterator[str]:
    options = host if isinstance(host, dict) else {}
    # redis-py's own default is 5 s.
    timeout = options.get("socket_timeout", LAYER_BLOCKS_S)
    if timeout is not None and timeout <= LAYER_BLOCKS_S:
        yield f"gives up after {timeout} s (socket_timeout) where the layer waits {LAYER_BLOCKS_S} s"
    if options.get("retry") is None:
        yield "is not tried again (retry), so that a restart of Redis ends sockets"
    if not options.get("health_check_interval"):
        yield "is not looked after (health_check_interval), so that a dead one is used"


@register
def hosts(**_: Any) -> Iterator[CheckMessage]:
    """Whom requests may say that they are for, and whom they may say that they are from."""
    if not settings.DEBUG and "*" in settings.ALLOWED_HOSTS:
        yield Error(
            "DJANGO_ALLOWED_HOSTS is '*': any page could lead its visitors' browsers to this server "
            "under a name of its own, and be taken for one of ours.",
            hint="Name the hosts that people use, separated by commas.",
            id="voicechat.E010",
        )
    if settings.VOICECHAT_TRUSTED_PROXIES and not settings.VOICECHAT_TRUST_PROXY:
        yield Warning(
            "VOICECHAT_TRUSTED_PROXIES names proxies, and VOICECHAT_TRUST_PROXY is not set: what they say "
            "of addresses is believed, and what they say of HTTPS is not.",
            hint="Set VOICECHAT_TRUST_PROXY=1 too.",
            id="voicechat.W003",
        )
    if any(network.prefixlen == 0 for network in settings.VOICECHAT_TRUSTED_PROXIES):
        yield Error(
            "VOICECHAT_TRUSTED_PROXIES trusts everybody: anyone could choose the address that limits "
            "count them by.",
            hint="Name your proxies' addresses or networks.",
            id="voicechat.E011",
        )


@register
def static_files(**_: Any) -> Iterator[CheckMessage]:
    """The pages' modules import each other by their plain names."""
    if settings.DEBUG:
        return
    backend = import_string(settings.STORAGES["staticfiles"]["BACKEND"])
    if getattr(backend, "support_js_module_import_aggregation", True) is False:
        yield Error(
            "The storage of static files gives files new names, and does not write those into the "
            "imports of JavaScript modules: pages would load, and do nothing.",
            hint="Use voicechat.static_storage.ModuleManifestStorage.",
            id="voicechat.E012",
        )


def _are_several() -> bool:
    return settings.VOICECHAT_INSTANCES * settings.VOICECHAT_WORKERS > 1


def _is_sqlite() -> bool:
    return bool(settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"))
