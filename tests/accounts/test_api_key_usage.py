"""What was done with keys, per key and day."""

from __future__ import annotations

import asyncio

import pytest
from django.utils import timezone

from accounts.api_keys import usage as module
from accounts.api_keys.making import make_key
from accounts.api_keys.usage import Counts, Usage, write
from accounts.models import ApiKeyUsage, User

pytestmark = pytest.mark.django_db


def test_counts_add_up_and_tell_when_a_key_was_used():
    key, _text = make_key(User.objects.create_user("ann"))
    now = timezone.now()
    for _ in range(2):
        write({(key.pk, now.date()): Counts(1, 20, 300, 0, 1)}, {key.pk: now})
    row = ApiKeyUsage.objects.get()
    assert (row.commands, row.characters, row.spoken_ms, row.refused) == (2, 40, 600, 2)
    key.refresh_from_db()
    assert key.last_used_at == now


def test_a_key_that_is_gone_is_passed_over():
    write({(99, timezone.now().date()): Counts(1)}, {99: timezone.now()})
    assert not ApiKeyUsage.objects.exists()


async def test_it_is_written_by_itself_and_at_the_end(monkeypatch):
    monkeypatch.setattr(module, "WRITE_S", 0.01)
    written = []
    done = asyncio.Event()

    async def in_database(_write, counts, _used):
        written.append({key: counts[key].commands for key in counts})
        done.set()

    usage = Usage(in_database)
    usage.count(1, commands=1)
    usage.count(1, commands=2)
    await asyncio.wait_for(done.wait(), 5)
    usage.count(2, commands=4)
    await usage.stop()
    day = timezone.now().date()
    assert written == [{(1, day): 3}, {(2, day): 4}]


async def test_what_could_not_be_written_is_not_lost():
    written = []

    async def in_database(_write, counts, _used):
        if not written:
            written.append(None)
            raise OSError
        written.append({key: counts[key].commands for key in counts})

    usage = Usage(in_database)
    usage.count(1, commands=1)
    await usage.stop()
    usage.count(1, commands=2)
    await usage.stop()
    assert written[1:] == [{(1, timezone.now().date()): 3}]
