"""One cache for all instances, and nobody is kept out while it is away."""

from __future__ import annotations

import pytest
from django.core.cache import caches
from django.test import Client

from tests.services import free_port
from voicechat.shared_cache import SharedCache, shared_cache


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
