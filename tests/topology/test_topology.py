"""The whole deployment on this machine: what one instance takes in, the other one knows."""

from __future__ import annotations

import asyncio
import re
import signal
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack

import httpx
import psycopg
import pytest

from tests.e2e.person import Person, guest_cookies, person

from .reviewer import reviewer_cookies
from .topology import Topology, topology

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module", params=["uvicorn", "daphne"])
def deployed(request: pytest.FixtureRequest) -> Iterator[Topology]:
    with topology(server=request.param) as running:
        yield running


async def sound_of(anna: Person, reply: str) -> str:
    """The address of the sound of a reply, once it is kept."""
    while True:
        turn = (await anna.until("turn"))["turn"]
        if turn["id"] == reply and turn["audio"]:
            return str(turn["audio"][0]["url"])


async def test_another_tab_follows_on_another_instance_and_hears_it_again(
    deployed: Topology,
) -> None:
    cookies = await guest_cookies(deployed.url)
    elsewhere = deployed.url_of("web2")
    async with (
        person(deployed.socket_url, cookies, origin=deployed.url) as anna,
        person(deployed.socket_url_of("web2"), cookies, origin=elsewhere) as also_anna,
    ):
        conversation = (await anna.hello(audio=True))["conversation"]
        await anna.ask("good morning")
        await also_anna.hello(conversation=conversation)
        asked = await anna.type("What can you do?")
        reply = (await anna.until("ack", id=asked))["reply"]
        end = await anna.until("reply_end", reply=reply)
        followed = await also_anna.until("reply_end", reply=reply)
        assert followed["text"] == end["text"]
        sound = await sound_of(also_anna, reply)

    kept = deployed.store_client().list_objects_v2(Bucket=deployed.bucket)["Contents"]
    assert any(conversation in file["Key"] for file in kept)
    assert not any([*(deployed.data_of(web) / "media").rglob("*")] for web in deployed.web)

    async with httpx.AsyncClient(headers={"Cookie": cookies}) as browser:
        async with asyncio.timeout(60):  # another process of either instance makes it small
            while True:
                head = await browser.head(deployed.url + sound)
                if head.headers["Content-Type"] == "audio/mpeg":
                    break
                await asyncio.sleep(0.1)
        part = await browser.get(deployed.url + sound, headers={"Range": "bytes=4-11"})
        assert part.status_code == 206, part.text
        assert len(part.content) == 8
        whole = await browser.get(deployed.url + sound)
        assert whole.content[4:12] == part.content
        assert int(head.headers["Content-Length"]) == len(whole.content)
        assert not {"x-amz-request-id", "x-amz-id-2"} & set(whole.headers)
        told = await browser.get(elsewhere + sound)
        assert told.headers["X-Accel-Redirect"].startswith("/recordings/")
    async with httpx.AsyncClient() as stranger:
        assert (await stranger.get(deployed.url + sound)).status_code == 404

    cookies = await reviewer_cookies(deployed.url, deployed.admin_password)
    async with httpx.AsyncClient(headers={"Cookie": cookies}) as browser:
        page = await browser.get(
            f"{deployed.url}/admin/conversations/conversation/{conversation}/change/"
        )
        assert page.status_code == 200
        assert "What can you do?" in page.text
        assert (await browser.get(deployed.url + sound)).status_code == 200
        # A whole call is mixed by the instance, out of the store.
        call = re.search(rf"/conversations/{conversation}/calls/[\w-]+/audio\.wav", page.text)
        assert call is not None
        mixed = await browser.get(deployed.url + call[0], headers={"Range": "bytes=0-96043"})
        assert mixed.status_code == 206
        assert mixed.content[:4] == b"RIFF"
        assert len(mixed.content) == 96044
        mixed = await browser.get(deployed.url + call[0])
        assert any(mixed.content[44:])


async def test_sockets_that_are_idle_hold_no_connection_to_the_database(
    deployed: Topology,
) -> None:
    def until_there_are_none() -> None:
        """Sweeps and leases come and go."""
        give_up = time.monotonic() + 20
        with psycopg.connect(deployed.database_url, autocommit=True) as own:
            others = (
                "select count(*) from pg_stat_activity"
                " where backend_type = 'client backend' and pid <> pg_backend_pid()"
            )
            while own.execute(others).fetchone() != (0,):
                assert time.monotonic() < give_up
                time.sleep(0.1)

    cookies = await guest_cookies(deployed.url)
    async with AsyncExitStack() as people:
        for _ in range(20):
            anna = person(deployed.socket_url, cookies, origin=deployed.url)
            await (await people.enter_async_context(anna)).hello()
        await asyncio.to_thread(until_there_are_none)


async def test_what_is_for_the_inside_is_not_served_outside(deployed: Topology) -> None:
    async with httpx.AsyncClient(base_url=deployed.url) as stranger:
        for address in ("/metrics", "/readyz", "/recordings/recordings/sound/x"):
            assert (await stranger.get(address)).status_code == 404


async def test_pages_and_their_files_come_through_nginx(deployed: Topology) -> None:
    async with httpx.AsyncClient(base_url=deployed.url) as browser:
        page = await browser.get("/")
        assert page.status_code == 200
        assert "media-src 'self' blob:;" in page.headers["Content-Security-Policy"]
        style = re.search(r'href="(/static/[^"]+\.css)"', page.text)
        assert style is not None
        assert (await browser.get(style[1])).status_code == 200
        assert (await browser.get("/static/of-another-version.css")).status_code == 404


async def test_an_instance_that_is_gone_is_not_asked(deployed: Topology) -> None:
    deployed["web1"].kill()
    try:
        for _ in range(6):
            async with person(
                deployed.socket_url, await guest_cookies(deployed.url), origin=deployed.url
            ) as anna:
                await anna.hello()
    finally:
        deployed["web1"].start()


async def test_the_signal_of_the_compose_file_ends_an_instance_in_its_grace(
    deployed: Topology,
) -> None:
    web = deployed["web2"]
    async with person(
        deployed.socket_url_of("web2"),
        await guest_cookies(deployed.url),
        origin=deployed.url_of("web2"),
    ) as anna:
        await anna.hello()
        web.signal(web.stop_signal)
        code = await anna.closed()
    status = await asyncio.to_thread(web.wait)
    web.start()
    assert web.stop_signal == signal.SIGTERM
    assert code in {1012, 1000}  # daphne cannot write 1012
    assert status in {0, -signal.SIGTERM}
