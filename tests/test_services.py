"""The services of the tests are there and are the real ones."""

from collections.abc import Callable
from urllib.request import urlopen

import psycopg
import redis
from playwright.async_api import Browser

from .services import VoicechatServer


def test_redis_answers(redis_server: str) -> None:
    with redis.Redis.from_url(redis_server) as client:
        assert client.ping()


def test_postgresql_answers(postgres_server: str) -> None:
    with psycopg.connect(postgres_server) as connection:
        assert connection.execute("select 1").fetchone() == (1,)


def test_a_server_answers(live_server_process: VoicechatServer) -> None:
    with urlopen(live_server_process.url) as answer:
        assert answer.status == 200


async def test_chromium_shows_the_page(
    live_server_process: VoicechatServer, chromium: Browser
) -> None:
    page = await chromium.new_page()
    answer = await page.goto(live_server_process.url)
    assert answer is not None
    assert answer.ok
    assert "voicechat" in (await page.title()).lower()


def test_a_server_can_be_given_settings(
    start_server: Callable[..., VoicechatServer], postgres_database: str, redis_server: str
) -> None:
    server = start_server(DATABASE_URL=postgres_database, REDIS_URL=redis_server)

    with psycopg.connect(postgres_database) as connection:
        users = connection.execute("select username from accounts_user").fetchall()
    assert users == [("admin",)]
    assert not (server.data_dir / "db.sqlite3").exists()
