"""The server purges once a day and scrubs after deletions, by itself."""

from __future__ import annotations

import asyncio
import logging

import pytest
from django.core.cache import cache
from django.db import OperationalError, connection

from conversations.database import in_database
from conversations.models import Conversation
from conversations.retention import background, scrubbing
from conversations.retention.background import DAYS_KEY, Retention, purge_once_a_day

from .aged import WORD, aged_conversation, segments_of, turns_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def no_purge_yet():
    cache.delete(DAYS_KEY)
    yield
    cache.delete(DAYS_KEY)


@pytest.fixture
def short_waits(monkeypatch):
    for name in ("FIRST_S", "LOOK_S", "ASKED_EVERY_S"):
        monkeypatch.setattr(background, name, 0.01)


async def until(is_so, *, within_s: float = 10) -> None:
    async with asyncio.timeout(within_s):
        while not await in_database(is_so):  # noqa: ASYNC110 (the database has no event)
            await asyncio.sleep(0.01)


async def test_a_purge_goes_by_the_settings(settings):
    settings.VOICECHAT_KEEP_SOUND_DAYS = 30
    old = [await in_database(aged_conversation, 31) for _ in range(background.BATCH + 1)]
    young = await in_database(aged_conversation, 1)
    await purge_once_a_day()
    assert not any([await in_database(segments_of, one) for one in old])
    assert await in_database(segments_of, young)
    assert (await in_database(turns_of, old[0]))[0].text


async def test_there_is_one_a_day(settings):
    settings.VOICECHAT_KEEP_TEXT_DAYS = 30
    await purge_once_a_day()
    later = await in_database(aged_conversation, 31)
    await purge_once_a_day()
    assert (await in_database(turns_of, later))[0].text
    cache.delete(DAYS_KEY)  # tomorrow
    await purge_once_a_day()
    assert not (await in_database(turns_of, later))[0].text


async def test_one_that_failed_is_tried_again(settings, monkeypatch):
    def fail(*args, **how):
        raise OperationalError(f"near {WORD}")

    settings.VOICECHAT_KEEP_TEXT_DAYS = 30
    old = await in_database(aged_conversation, 31)
    with monkeypatch.context() as patched:
        patched.setattr(background, "purge_some", fail)
        with pytest.raises(OperationalError):
            await purge_once_a_day()
    await purge_once_a_day()
    assert not (await in_database(turns_of, old))[0].text


async def test_one_that_is_stopped_in_the_middle_is_gone_on_with(settings, monkeypatch):
    begun = asyncio.Event()

    async def hang(*_args):
        begun.set()
        await asyncio.Event().wait()

    settings.VOICECHAT_KEEP_TEXT_DAYS = 30
    old = await in_database(aged_conversation, 31)
    with monkeypatch.context() as patched:
        patched.setattr(background, "_purge", hang)
        stopped = asyncio.create_task(purge_once_a_day())
        await begun.wait()
        stopped.cancel()
        with pytest.raises(asyncio.CancelledError):
            await stopped
    await purge_once_a_day()
    assert not (await in_database(turns_of, old))[0].text


async def test_it_all_happens_in_a_process_that_runs(settings, short_waits, caplog):
    caplog.set_level(logging.INFO)
    settings.VOICECHAT_KEEP_SOUND_DAYS = settings.VOICECHAT_KEEP_TEXT_DAYS = 30
    await in_database(aged_conversation, 31)
    retention = Retention()
    retention.start()
    try:
        await until(lambda: "deleted the text of 1 conversations for its age" in caplog.text)
        if connection.vendor == "sqlite":
            await until(lambda: not scrubbing.is_asked())
    finally:
        await retention.stop()
    assert await in_database(Conversation.objects.filter(text_purged_at__isnull=False).exists)
    assert WORD not in caplog.text


async def test_where_everything_is_kept_nothing_is_purged(short_waits):
    old = await in_database(aged_conversation, 9999)
    retention = Retention()
    retention.start()
    await asyncio.sleep(0.1)
    await retention.stop()
    assert await in_database(segments_of, old)


async def test_what_goes_wrong_is_logged_without_what_was_said(
    settings, short_waits, monkeypatch, caplog
):
    failed = asyncio.Event()

    async def fail() -> None:
        failed.set()
        raise OperationalError(f"near {WORD}")

    settings.VOICECHAT_KEEP_TEXT_DAYS = 30
    monkeypatch.setattr(background, "purge_once_a_day", fail)
    retention = Retention()
    retention.start()
    async with asyncio.timeout(10):
        await failed.wait()
    await retention.stop()
    assert "retention: OperationalError" in caplog.text
    assert WORD not in caplog.text
