"""How an answer ended is kept until the database takes it, and then written once and in order."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import replace
from pathlib import Path

import pytest
from asgiref.sync import async_to_sync
from django.db import OperationalError

from chat import unwritten
from chat.unwritten import End, Unwritten
from conversations import recorder
from conversations.database import in_database
from conversations.models import Turn
from conversations.stored import FinishedReply, StoredTurn
from tests.conversations.live_call import a_call, begin

pytestmark = pytest.mark.django_db(transaction=True)


def an_end(text: str = "It is noon.") -> End:
    """Of a reply that streams in the database."""
    call = a_call()
    begun = begin(call, "What time is it?")
    kept = replace(call, is_new=False, is_open=True)
    return End(kept, FinishedReply(begun.reply, "generic", "done", text))


class Told:
    def __init__(self) -> None:
        self.ends: list[str] = []

    async def __call__(self, end: End, turns: tuple[StoredTurn, ...]) -> None:
        self.ends.append(end.reply.id)
        assert all(turn.id == end.reply.id for turn in turns)


def row_of(end: End) -> Turn:
    return Turn.objects.get(pk=end.reply.id)


def files(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


@pytest.fixture
def refusing(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """While it is not empty the database takes nothing."""
    away = [True]
    written = recorder.write_conversation_data_into_database

    def write(*what: object) -> object:
        if away:
            raise OperationalError("away")
        return written(*what)  # type: ignore[arg-type]

    monkeypatch.setattr(recorder, "write_conversation_data_into_database", write)
    return away


def test_it_waits_in_a_file_while_the_database_is_away_and_is_then_written(
    tmp_path: Path, refusing: list[bool]
) -> None:
    end, told = an_end(), Told()
    waiting = Unwritten(tmp_path, told)

    async def away_and_back() -> None:
        await waiting.add(end)
        await waiting.settle()
        assert (len(waiting), waiting.replies) == (1, [end.reply.id])
        assert files(tmp_path) == [f"{end.reply.id}.end.json"]
        refusing.clear()
        await waiting.settle()

    async_to_sync(away_and_back)()
    row = row_of(end)
    assert (row.status, row.text) == ("done", "It is noon.")
    assert told.ends == [end.reply.id]
    assert not len(waiting)
    assert not files(tmp_path)


def test_what_a_dead_process_left_is_written_by_the_next_one(tmp_path: Path) -> None:
    end, told = an_end(), Told()

    async def die_and_start() -> None:
        await Unwritten(tmp_path, Told()).add(end)
        (tmp_path / "broken.end.json").write_text("{")
        await_next = Unwritten(tmp_path, told)
        await await_next._load()
        await await_next.settle()

    async_to_sync(die_and_start)()
    assert row_of(end).text == "It is noon."
    assert told.ends == [end.reply.id]


def test_of_one_conversation_only_that_is_tried(tmp_path: Path) -> None:
    one, two, told = an_end(), an_end(), Told()
    waiting = Unwritten(tmp_path, told)

    async def settle_one() -> None:
        await waiting.add(one)
        await waiting.add(two)
        await waiting.settle(two.call.conversation)

    async_to_sync(settle_one)()
    assert told.ends == [two.reply.id]
    assert row_of(one).status == "streaming"


async def test_whoever_says_something_elsewhere_does_not_wait_for_the_others(
    tmp_path: Path,
) -> None:
    one = await in_database(an_end)
    waiting = Unwritten(tmp_path, Told())
    await waiting.add(one)
    async with waiting._writing, asyncio.timeout(5):
        await waiting.settle(str(uuid.uuid4()))


def test_one_that_the_database_refuses_keeps_nobody_else_waiting(tmp_path: Path) -> None:
    refused, fine, told = an_end(), an_end(), Told()
    no_json = {"ended": float("nan")}
    refused = replace(refused, reply=replace(refused.reply, timings=no_json))
    waiting = Unwritten(tmp_path, told)

    async def settle() -> None:
        await waiting.add(refused)
        await waiting.add(fine)
        await waiting.settle()
        await waiting.settle()

    async_to_sync(settle)()
    assert told.ends == [fine.reply.id]
    # Its row is the sweeper's now.
    assert len(waiting) == 1
    assert not waiting.replies


def test_of_a_reply_that_was_ended_elsewhere_meanwhile_it_adds_what_was_said(
    tmp_path: Path,
) -> None:
    end = an_end()
    begin(end.call, "?")

    async def late() -> None:
        waiting = Unwritten(tmp_path, Told())
        await waiting.add(end)
        await waiting.settle()

    async_to_sync(late)()
    row = row_of(end)
    assert (row.status, row.text) == ("interrupted", "It is noon.")


def test_of_a_deleted_conversation_nothing_remains(tmp_path: Path) -> None:
    end, told = an_end(), Told()

    async def late() -> None:
        waiting = Unwritten(tmp_path, told)
        await waiting.add(end)
        await in_database(lambda: Turn.objects.all().delete())
        await waiting.settle()
        assert not len(waiting)

    async_to_sync(late)()
    assert not files(tmp_path)


def test_too_many_give_up_the_oldest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refusing: list[bool]
) -> None:
    monkeypatch.setattr(unwritten, "ENDS", 2)
    ends = [an_end() for _ in range(3)]
    waiting = Unwritten(tmp_path, Told())

    async def fill() -> None:
        for end in ends:
            await waiting.add(end)

    async_to_sync(fill)()
    assert waiting.replies == [end.reply.id for end in ends[1:]]
    assert waiting.lost == 1
    assert len(files(tmp_path)) == 2


def test_a_disk_that_is_full_leaves_it_in_memory(tmp_path: Path) -> None:
    end = an_end()
    folder = tmp_path / "a file"
    folder.write_text("where the folder should be")

    async def keep() -> None:
        waiting = Unwritten(folder, Told())
        await waiting.add(end)
        await waiting.settle()

    async_to_sync(keep)()
    assert row_of(end).status == "done"
