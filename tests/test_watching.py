"""What machines ask a server that runs, and who is told."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from .e2e.person import guest_cookies, person
from .e2e.speaking import Talker
from .services import VoicechatServer, postgres_server, redis_server

TOKEN = "only-for-tests-0123456789"
StartServer = Callable[..., VoicechatServer]


def figures(text: str) -> dict[tuple[str, ...], float]:
    """Samples by their name and the values of their labels, in the order of the labels' names."""
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def ask(server: VoicechatServer, path: str, **headers: str) -> httpx.Response:
    async with httpx.AsyncClient() as machine:
        return await machine.get(server.url + path, headers=headers)


async def test_a_server_is_live_and_ready(live_server_process):
    assert (await ask(live_server_process, "/livez")).text == "alive\n"
    ready = await ask(live_server_process, "/readyz")
    assert ready.status_code == 200
    assert ready.json() == {
        "ready": True,
        "draining": False,
        "parts": {"database": "ok", "store": "ok"},
    }


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics"])
async def test_it_is_answered_whatever_the_host_is_called(live_server_process, path):
    answer = await ask(live_server_process, path, Host="10.1.2.3:8000")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics"])
async def test_nothing_can_be_posted_there(live_server_process, path):
    async with httpx.AsyncClient() as machine:
        assert (await machine.post(live_server_process.url + path)).status_code == 405
        head = await machine.head(live_server_process.url + path)
    assert (head.status_code, head.content) == (200, b"")


async def test_each_part_that_is_away_is_named_and_it_is_ready_again_when_that_is_back(
    start_server,
):
    """A Redis that is stopped and started again, and a folder of recordings that is none."""
    with redis_server() as redis:
        port = int(redis.rpartition(":")[2].split("/")[0])
        server = start_server(REDIS_URL=redis)
        assert (await ask(server, "/readyz")).json()["parts"]["redis"] == "ok"
    without = await until_ready(server, False)
    assert (without.status_code, without.json()["ready"]) == (503, False)
    parts = without.json()["parts"]
    assert parts["redis"] not in {"ok", "TimeoutError"}
    assert parts["database"] == parts["store"] == "ok"
    assert (await ask(server, "/livez")).status_code == 200
    with redis_server(port):
        assert (await until_ready(server, True)).json()["parts"]["redis"] == "ok"
        shutil.rmtree(server.data_dir / "media", ignore_errors=True)
        (server.data_dir / "media").write_bytes(b"")
        assert (await until_ready(server, False)).json()["parts"]["store"] == "StoreUnfit"


async def test_a_database_that_is_away_is_named_soon_and_the_loop_lives_on(start_server):
    with postgres_server() as database:
        server = start_server(DATABASE_URL=database)
        assert (await ask(server, "/readyz")).status_code == 200
    async with asyncio.timeout(10):
        without = await until_ready(server, False)
    assert without.json()["parts"] == {"database": "OperationalError", "store": "ok"}
    assert (await ask(server, "/livez")).status_code == 200
    away = figures((await ask(server, "/metrics")).text)
    assert away["voicechat_part_ready", "database"] == 0
    assert away["voicechat_part_ready", "store"] == 1


async def until_ready(server: VoicechatServer, ready: bool) -> httpx.Response:
    async with asyncio.timeout(10):
        while True:
            answer = await ask(server, "/readyz")
            if answer.json()["ready"] is ready:
                return answer
            await asyncio.sleep(0.1)


async def test_a_turn_is_counted_and_timed(start_server):
    server = start_server()
    before = figures((await ask(server, "/metrics")).text)
    cookies = await guest_cookies(server.url)
    async with person(server.socket_url, cookies, origin=server.url) as guest:
        await guest.hello(audio=True)
        assert (await guest.ask("hello"))["status"] == "done"
        during = figures((await ask(server, "/metrics")).text)
    assert before["voicechat_turns_total", "typed"] == 0
    assert during["voicechat_turns_total", "typed"] == 1
    assert during["voicechat_sockets", "voice-chat-1"] == during["voicechat_calls",] == 1
    assert during["voicechat_replies_total", "done"] >= 1
    for stage in ("stored", "first_text", "first_sound", "first_audio", "ended"):
        assert during["voicechat_reply_stage_seconds_count", stage] == 1, stage
        assert 0 < during["voicechat_reply_stage_seconds_sum", stage] < 60
    assert during["voicechat_feed_published_total",] > before["voicechat_feed_published_total",]
    assert during["process_resident_memory_bytes",] > 1e7
    async with asyncio.timeout(10):
        while True:
            after = figures((await ask(server, "/metrics")).text)
            if after["voicechat_calls",] == 0:
                break
            await asyncio.sleep(0.05)


async def test_what_goes_wrong_is_counted_where_it_does(start_server):
    """An engine that fails, one out of reach, sound that comes too fast, a tab that missed something."""
    server = start_server(
        VOICECHAT_DIALOGUE="tests.e2e.bots.Moody",
        VOICECHAT_TTS="gtts,espeak",
        VOICECHAT_GTTS_URL="http://127.0.0.1:9",
        VOICECHAT_LIMIT_TURNS_PER_PERSON="2/minute",
    )
    cookies = await guest_cookies(server.url)
    async with (
        person(server.socket_url, cookies, origin=server.url) as guest,
        person(server.socket_url, cookies, origin=server.url) as tab,
    ):
        talker = Talker(guest)
        ready = await talker.hello()
        assert (await guest.ask("raise"))["status"] == "failed"
        await tab.hello(conversation=ready["conversation"])
        for _ in range(10):
            await talker.send(b"\0" * 32_000)
        await guest.until("error", code="audio_too_fast")
        assert (await guest.ask("refuse"))["status"] == "failed"
        await tab.until("reply_end")
        assert (await guest.until("error", id=await guest.type("too many")))["code"] == "busy"
        found = figures((await ask(server, "/metrics")).text)
    engine = "tests.e2e.bots.Moody"
    assert found["voicechat_engine_failures_total", engine, "dialogue"] == 2
    assert found["voicechat_replies_total", "failed"] == 2
    assert found["voicechat_breaker_open", "gtts", "tts"] == 1
    assert found["voicechat_dropped_frames_total", "too_fast"] >= 7
    assert found["voicechat_feed_received_total",] > 0
    assert found["voicechat_turns_not_stored_total", "busy"] == 1
    assert found["voicechat_refused_total", "turns_person"] == 1
    assert found["voicechat_sockets", "voice-chat-1"] == 2


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-For": "203.0.113.9"},
        {"Forwarded": "for=203.0.113.9"},
        {"X-Real-IP": "127.0.0.1"},
    ],
)
async def test_who_comes_through_a_proxy_sees_no_metrics(live_server_process, headers):
    answer = await ask(live_server_process, "/metrics", **headers)
    assert answer.status_code == 403
    assert "voicechat_" not in answer.text


async def test_with_a_token_only_its_holder_sees_metrics(start_server):
    server = start_server(VOICECHAT_METRICS_TOKEN=TOKEN)
    for wrong in ({}, {"Authorization": f"Bearer {TOKEN}x"}, {"Authorization": TOKEN}):
        answer = await ask(server, "/metrics", **wrong)
        assert answer.status_code == 403
        assert "voicechat_" not in answer.text
    through_proxy = {"X-Forwarded-For": "203.0.113.9", "Authorization": f"Bearer {TOKEN}"}
    assert "voicechat_sockets" in (await ask(server, "/metrics", **through_proxy)).text
