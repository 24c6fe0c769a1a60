"""kill -9 of an instance in the middle of its answers."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from .crowd import crowd
from .restartable import cluster as make_cluster


async def test_x() -> None:
    t = time.time()
    with make_cluster(VOICECHAT_DIALOGUE="tests.e2e.bots.Moody") as cluster:
        print("up", time.time() - t)
        addresses = [cluster.socket_url_of(name) for name in cluster.web]
        async with crowd(addresses, cluster.url_of("web1"), 50, audio=4) as people:
            await people.begin("slowly 20")
            print("begun", time.time() - t)
            await asyncio.sleep(4)
            await asyncio.to_thread(cluster["web2"].kill)
            back_s = await people.back_s(within_s=10)
            await asyncio.sleep(3)
            await people.end()
            print("ended", time.time() - t)
            tally = people.tally(cluster.database_url)
            tally.back_s = back_s
        print(tally)
        print([c.errors for c in people.callers])
        print(cluster.folder.joinpath("web1.log").read_text()[-3000:])
        assert 0
