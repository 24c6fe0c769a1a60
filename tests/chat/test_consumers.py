"""What a socket does before there is a call on it."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser

from accounts.admission import Visitor
from chat.consumers import VoiceChatConsumer
from chat.limits.limiter import Place
from chat.process import process


class Socket(VoiceChatConsumer):
    """One that is connected, and notes how it was refused."""

    def __init__(self) -> None:
        super().__init__()
        self.refused: list[tuple[str, int]] = []
        self._place = Place("192.0.2.1")

    async def refuse(self, code: str, text: str, close: int, retry_s: float | None = None) -> None:
        self.refused.append((code, close))


async def test_a_server_that_begins_to_end_while_somebody_comes_in_takes_no_call(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nobody would tell that call to come back elsewhere."""
    here, socket = process(), Socket()
    monkeypatch.setattr(here.draining, "is_on", False)

    async def enter(*_: object, **__: object) -> None:
        here.draining.is_on = True

    monkeypatch.setattr(here.limiter, "enter", enter)
    anna = Visitor("anna", "Anna", is_guest=True, user=AnonymousUser(), session=None)
    await socket.begin(anna)
    assert socket.refused == [("going_away", 1012)]
    assert not here.runners


async def test_a_place_is_given_back_whatever_goes_wrong_in_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    socket, left = Socket(), []

    async def leave(place: Place) -> None:
        left.append(place)

    async def gone(code: int | None) -> None:
        raise ConnectionError

    monkeypatch.setattr(process().limiter, "leave", leave)
    monkeypatch.setattr(socket, "_leave", gone)
    with pytest.raises(ConnectionError):
        await socket.left()
    assert left == [socket._place]
