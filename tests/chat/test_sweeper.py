"""What processes that died have left is ended, whatever else goes wrong with a sweep."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from asgiref.sync import async_to_sync
from django.db.models.functions import Now

from chat.sweeper import Sweeper
from conversations import spool
from conversations.models import Turn
from tests.conversations.live_call import a_call, begin

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def left() -> Turn:
    """A reply whose holder died."""
    reply = begin(a_call()).reply
    Turn.objects.filter(pk=reply).update(lease_until=Now() - timedelta(seconds=1))
    return Turn.objects.get(pk=reply)


def sweep(directory: Path, held: list[str]) -> None:
    async_to_sync(Sweeper("here", directory, list, lambda: held)._sweep)()


def test_a_reply_that_nobody_holds_is_ended_as_interrupted(left: Turn, tmp_path: Path) -> None:
    sweep(tmp_path, held=[])
    left.refresh_from_db()
    assert left.status == "interrupted"


def test_what_goes_on_here_is_not(left: Turn, tmp_path: Path) -> None:
    sweep(tmp_path, held=[str(left.pk)])
    left.refresh_from_db()
    assert left.status == "streaming"


def test_a_spool_that_cannot_be_tidied_keeps_no_reply_from_being_ended(
    left: Turn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> int:
        raise PermissionError

    monkeypatch.setattr(spool, "remove_abandoned", broken)
    with pytest.raises(PermissionError):
        sweep(tmp_path, held=[])
    left.refresh_from_db()
    assert left.status == "interrupted"
