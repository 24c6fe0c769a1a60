"""Exports from a real server: to a reviewer's browser, and to clients that stop reading or leave."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from playwright.async_api import Browser, Page, expect

from tests.services import ROOT, VoicechatServer, environment_without_settings

LIST = "/admin/conversations/conversation/"
AXE = ROOT / "node_modules/axe-core/axe.min.js"
AXE_RUN = (
    "axe.run().then(r => JSON.stringify(r.violations.map(v => [v.id, v.nodes.map(n => n.html)])))"
)
MOST_OF_ONE = 4  # views.REVIEWERS
DEADLINE_S = 15
# Conversations of two calls each; the last one's first call is said to go on for three hours.
KEEP = """
import django; django.setup()
from accounts.models import Person
from conversations.models import AudioSegment
from tests.conversations.export.recorded import keep_two_calls
one, other, long = (keep_two_calls(Person.objects.create()) for _ in range(3))
AudioSegment.objects.filter(turn__conversation=long, turn__seq=1).update(start_ms=3 * 3_600_000)
print(one.pk, other.pk, long.pk)
"""


@pytest.fixture(scope="module")
def kept(live_server_process: VoicechatServer) -> list[str]:
    """The ids of two conversations, and of one whose first call is a WAV of a gigabyte."""
    environment = {
        **environment_without_settings(),
        "VOICECHAT_DATA_DIR": str(live_server_process.data_dir),
        "DJANGO_SETTINGS_MODULE": "voicechat.settings",
    }
    told = subprocess.run(
        [sys.executable, "-c", KEEP],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return told.stdout.split()


@pytest.fixture
def reviewer(live_server_process: VoicechatServer) -> Iterator[httpx.Client]:
    """A program that has logged in to the admin."""
    with httpx.Client(base_url=live_server_process.url, timeout=DEADLINE_S) as client:
        client.get("/accounts/login/")
        answer = client.post(
            "/accounts/login/",
            data={
                "login": "admin",
                "password": live_server_process.password,
                "csrfmiddlewaretoken": client.cookies["csrftoken"],
            },
        )
        assert answer.status_code == 302
        yield client


def memory_mb(server: VoicechatServer) -> float:
    """What the server's process has in memory."""
    pages = int(Path(f"/proc/{server.process.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def test_clients_that_do_not_read_or_leave_cost_nothing(
    live_server_process: VoicechatServer, reviewer: httpx.Client, kept: list[str]
) -> None:
    path = f"{LIST}{kept[-1]}/export/?format=wav&call=1"
    before = memory_mb(live_server_process)
    reading: list[Iterator[bytes]] = []  # one that is forgotten hangs up
    with ExitStack() as downloads:
        for _ in range(MOST_OF_ONE):
            response = downloads.enter_context(reviewer.stream("GET", path))
            assert response.status_code == 200
            assert int(response.headers["Content-Length"]) > 1_000_000_000
            reading.append(response.iter_raw(1000))
            assert next(reading[-1]).startswith(b"RIFF")
        time.sleep(1)  # nobody reads: whoever does not wait would make hundreds of megabytes
        assert memory_mb(live_server_process) - before < 40
        assert reviewer.get(path).status_code == 503
        reading.clear()
    give_up = time.monotonic() + DEADLINE_S
    while True:
        with reviewer.stream("GET", path) as response:
            if response.status_code == 200:
                break
        assert time.monotonic() < give_up, "those who left still take a place"
        time.sleep(0.05)


async def test_a_reviewer_exports_a_selection_and_sees_how_far_it_is(
    live_server_process: VoicechatServer, kept: list[str], chromium: Browser, tmp_path: Path
) -> None:
    page = await chromium.new_page(base_url=live_server_process.url)
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    await _log_in(page, live_server_process.password)
    await page.goto(LIST)
    for id in kept[:2]:
        await page.locator(f"[name=_selected_action][value='{id}']").check()
    await page.get_by_label("Action:").select_option("export_selected")
    await page.get_by_role("button", name="Go").click()
    await expect(page.get_by_text("2 conversations")).to_be_visible()
    assert await _faults(page) == []
    await page.get_by_label("WAV").check()
    complaints.clear()  # the admin's login page has some of its own
    async with page.expect_download() as started:
        await page.get_by_role("button", name="Download zip").click()
    download = await started.value
    await download.save_as(tmp_path / "export.zip")
    await expect(page.get_by_role("status")).to_contain_text("Exported")
    assert await _faults(page) == []
    archive = zipfile.ZipFile(tmp_path / "export.zip")
    assert archive.testzip() is None
    for id in kept[:2]:
        sounds = [name for name in archive.namelist() if id in name and name.endswith(".wav")]
        assert [name.rpartition("/")[2] for name in sounds] == ["call-1.wav", "call-2.wav"]
    account = json.loads(archive.read("manifest.json"))
    assert (account["selected"], account["exported"], account["problems"]) == (2, 2, [])
    not_started = [text for text in complaints if "404" not in text]  # asked before it began
    assert not_started == []


async def _log_in(page: Page, password: str) -> None:
    await page.goto("/accounts/login/")
    await page.locator("[name=login]").fill("admin")
    await page.locator("[name=password]").fill(password)
    await page.keyboard.press("Enter")
    await page.wait_for_url(lambda url: "/login/" not in url)


async def _faults(page: Page) -> object:
    await page.evaluate(AXE.read_text())
    return json.loads(await page.evaluate(AXE_RUN))
