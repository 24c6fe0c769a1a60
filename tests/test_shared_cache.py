"""One cache for all instances, and nobody is kept out while it is away."""

from __future__ import annotations

import math
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest
from django.core.cache import caches
from django.test import Client

from tests.services import free_port
from voicechat.shared_cache import SharedCache, _away_until, shared_cache


def a_cache(url: str) -> SharedCache:
    entry = shared_cache(url)
    return SharedCache(url, {key: entry[key] for key in ("KEY_PREFIX", "OPTIONS")})


@pytest.fixture
def away() -> str:
    """The address of a Redis that is not there."""
    return f"redis://127.0.0.1:{free_port()}/0"


def test_what_one_instance_counts_the_others_know(redis_server: str) -> None:
    one, two = a_cache(redis_server), a_cache(redis_server)
    one.set("attempts", 1)
    assert two.incr("attempts") == 2
    assert one.get("attempts") == 2
    assert not two.add("attempts", 0)
    assert not one.own.has_key("attempts")


def test_while_it_is_away_an_instance_counts_by_itself(away: str) -> None:
    cache = a_cache(away)
    assert cache.add("attempts", 1)
    assert not cache.add("attempts", 1)
    assert cache.get_many(["attempts", "others"]) == {"attempts": 1}
    cache.delete("attempts")
    assert cache.get("attempts", "none") == "none"


@pytest.fixture
def silent() -> Iterator[tuple[str, socket.socket]]:
    """The address of a Redis that takes connections and answers nothing; and where they wait."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield f"redis://127.0.0.1:{server.getsockname()[1]}/0", server


def connections(server: socket.socket) -> int:
    """How many have come since."""
    count = 0
    with suppress(BlockingIOError):
        while True:
            server.accept()[0].close()
            count += 1
    return count


def test_one_that_hangs_is_waited_for_once_in_a_while(
    silent: tuple[str, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, server = silent
    assert a_cache(url).add("attempts", 1)
    assert connections(server)
    # Another thread's.
    assert a_cache(url).incr("attempts") == 2
    assert not connections(server)
    monkeypatch.setitem(_away_until, url, 0.0)
    assert a_cache(url).incr("attempts") == 3
    assert connections(server)


def test_while_one_finds_out_whether_it_is_back_the_others_do_not_wait(
    silent: tuple[str, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, server = silent
    a_cache(url).add("attempts", 1)
    connections(server)
    monkeypatch.setitem(_away_until, url, 0.0)
    finds_out = threading.Thread(target=a_cache(url).incr, args=["attempts"])
    finds_out.start()
    while not (asked := connections(server)):
        time.sleep(0.01)
    a_cache(url).get("attempts")
    finds_out.join()
    # Of the one who found out, who tries twice.
    assert asked + connections(server) == 2


def test_one_that_is_back_is_asked_again(
    redis_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(_away_until, redis_server, math.inf)
    cache = a_cache(redis_server)
    cache.set("alone", 1)
    monkeypatch.setitem(_away_until, redis_server, 0.0)
    assert cache.get("alone") is None
    assert cache.own.get("alone") == 1


@pytest.mark.django_db
def test_people_log_in_while_it_is_away(
    away: str, settings, client: Client, django_user_model
) -> None:
    django_user_model.objects.create_user("anna", password="a long enough one")
    settings.CACHES = {"default": shared_cache(away)}
    wrong = client.post("/accounts/login/", {"login": "anna", "password": "not this one"})
    assert wrong.status_code == 200
    done = client.post("/accounts/login/", {"login": "anna", "password": "a long enough one"})
    assert done.status_code == 302
    assert isinstance(caches["default"], SharedCache)
