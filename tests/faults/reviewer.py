"""A member of the staff who reads along while things break, as the admin's page does (live.js)."""

from __future__ import annotations

import asyncio
import contextlib
import html
import json
import random
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psycopg
import websockets

# As conversations/static/conversations/live.js.
BACK_OFF_S = 1.0
BACK_OFF_MAX_S = 4.0
DOCUMENTED = {1000, 1001, 1006, 1011, 1012, 1013, 4429}
# A turn that is told of to nobody is read within 5 s.
CAUGHT_UP_S = 20.0

TURN = re.compile(r'<li class="turn turn-(\w+) status-(\w+)" id="turn-([\w-]+)"')
TEXT = re.compile(r'<div class="turn-text" dir="auto">(.*?)</div>', re.DOTALL)
SAID_OF_THEM = re.compile(r'<span class="visually-hidden">.*?</span>', re.DOTALL)
TAG = re.compile(r"<[^>]*>")


@dataclass(slots=True)
class Shown:
    """A turn as it stands on the page: role and status as they are stored, and its words."""

    role: str
    status: str
    text: str


@dataclass(frozen=True, slots=True)
class Review:
    """What the page shows in the end, of how many turns that are stored.

    ``missed``: are not there, or not as they ended; ``doubled``: are there twice, or words of theirs.
    """

    turns: int
    missed: int
    doubled: int


class Reviewer:
    def __init__(self, address: str, cookies: str, conversation: str) -> None:
        """``address`` is that of the deployment."""
        self._origin = address
        self._url = address.replace("http", "ws", 1) + f"/ws/watch/{conversation}/"
        self._cookies = cookies
        self.conversation = conversation
        self.page: dict[str, Shown] = {}
        self.closes: Counter[int] = Counter()
        self._rev = 0
        self._changed = asyncio.Event()
        # Turns whose words were added to what they do not follow.
        self._stuttered: set[str] = set()

    async def live(self) -> None:
        """Read along, again and again, until cancelled."""
        attempt = 0
        while True:
            code = 1006
            with contextlib.suppress(OSError, TimeoutError, websockets.WebSocketException):
                async with websockets.connect(
                    f"{self._url}?rev={self._rev}",
                    additional_headers={"Cookie": self._cookies},
                    origin=self._origin,  # type: ignore[arg-type]
                    open_timeout=5,
                    close_timeout=0.5,
                    max_size=None,
                ) as socket:
                    try:
                        async for frame in socket:
                            if self._take(json.loads(frame)):
                                attempt = 0
                    finally:
                        code = socket.close_code or 1006
            self.closes[code] += 1
            assert set(self.closes) <= DOCUMENTED, self.closes
            longest = min(BACK_OFF_MAX_S, BACK_OFF_S * 2**attempt)
            attempt += 1
            await asyncio.sleep(longest * random.uniform(0.5, 1.0))

    def _take(self, message: dict[str, Any]) -> bool:
        """Whether it was something to see."""
        match message["type"]:
            case "text":
                self.page[message["turn"]].text += message["text"]
            case "turns":
                assert message["all"], "too much was missed"
                self._rev = message["rev"]
                for piece in message["turns"]:
                    self._put(piece)
        self._changed.set()
        return message["type"] == "turns"

    def _put(self, piece: str) -> None:
        found = TURN.search(piece)
        assert found is not None, piece
        role, status, id = found.groups()
        text = TEXT.search(piece)
        now = Shown(role, status, "" if text is None else _plain(text[1]))
        before = self.page.get(id)
        if before is not None and not _agree(now.text, before.text):
            self._stuttered.add(id)
        self.page[id] = now

    async def until(self, is_so: Callable[[], bool], within_s: float) -> bool:
        """Wait until something is shown; False: it is not."""
        try:
            async with asyncio.timeout(within_s):
                while not is_so():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            return False
        return True

    async def review(self, database_url: str) -> Review:
        """When all is over: the page beside the database, which it may take a moment to agree with."""
        stored = await asyncio.to_thread(self._stored, database_url)
        await self.until(lambda: not self._missed(stored), CAUGHT_UP_S)
        said = Counter(shown.text for shown in self.page.values() if shown.role == "user")
        doubled = sum(count > 1 for count in said.values()) + len(self._stuttered)
        return Review(len(stored), len(self._missed(stored)), doubled)

    def _missed(self, stored: dict[str, str]) -> list[str]:
        shown = self.page
        return [
            id for id, status in stored.items() if id not in shown or shown[id].status != status
        ]

    def _stored(self, database_url: str) -> dict[str, str]:
        """The status of each turn."""
        with psycopg.connect(database_url) as database:
            rows = database.execute(
                "select id::text, status from conversations_turn where conversation_id = %s",
                [self.conversation],
            )
            return dict(rows.fetchall())


def _plain(piece: str) -> str:
    """The words of a piece of page, without what it says of them."""
    return html.unescape(TAG.sub("", SAID_OF_THEM.sub("", piece)))


def _agree(one: str, other: str) -> bool:
    """Whether one goes on where the other ends. What is cut off is kept as far as it was stored."""
    shorter, longer = sorted(("".join(one.split()), "".join(other.split())), key=len)
    return longer.startswith(shorter)
