"""People whose clients do what docs/protocol.md asks of a client: they come back, resume and resend.

Each has a conversation and asks one question after the other. What was sent, acknowledged, kept and
kept twice is counted in the end; a close that is not documented, or an acknowledged turn that cannot
be found, is a failure of the server's.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
import psycopg
import websockets

# As chat/static/chat/socket.js.
BACK_OFF_S = 0.5
BACK_OFF_MAX_S = 4.0
READY_S = 15.0
DOCUMENTED = {1000, 1001, 1006, 1011, 1012, 1013, 4408, 4429}

_numbers = itertools.count(1)


@dataclass(slots=True)
class Asked:
    """A turn. Times are monotonic seconds."""

    text: str
    sent_at: float
    acked_at: float | None = None
    turn: str = ""
    reply: str = ""


class Caller:
    def __init__(self, address: str, cookies: str, *, audio: bool = False) -> None:
        """``address`` is that of the deployment, such as http://127.0.0.1:8443."""
        self._origin = address
        self._address = address.replace("http", "ws", 1) + "/ws/voice-chat/"
        self._headers = {"Cookie": cookies}
        self._audio = audio
        self._socket: websockets.ClientConnection | None = None
        self._open = asyncio.Event()
        self._changed = asyncio.Event()
        self.conversation: str | None = None
        self.rev = 0
        self._said_something = False
        self.outbox: dict[str, str] = {}
        self.asked: dict[str, Asked] = {}
        # Of every reply that has ended, how.
        self.ended: dict[str, str] = {}
        self.closes: Counter[int] = Counter()
        self.errors: Counter[str] = Counter()
        self.told_to_leave = 0
        self.sound_bytes = 0
        self.reading = asyncio.Event()
        self.reading.set()

    async def live(self) -> None:
        """Be connected, again and again, until cancelled."""
        attempt = 0
        while True:
            asked_to_wait_s = 0.0
            try:
                async with asyncio.timeout(READY_S):
                    socket = await websockets.connect(
                        self._address,
                        additional_headers=self._headers,
                        origin=self._origin,  # type: ignore[arg-type]
                        max_size=None,
                        open_timeout=5,
                        close_timeout=0.5,
                        compression=None,
                    )
            except (OSError, TimeoutError, websockets.WebSocketException):
                self.closes[1006] += 1
            else:
                try:
                    await self._hello(socket)
                    async for frame in socket:
                        await self.reading.wait()
                        wait_s = self._take(frame)
                        if wait_s is not None:
                            asked_to_wait_s = wait_s
                        if self._open.is_set():
                            attempt = 0
                except websockets.WebSocketException:
                    pass
                finally:
                    self._open.clear()
                    self._socket = None
                    socket.transport.abort()
                code = socket.close_code or 1006
                self.closes[code] += 1
                assert code in DOCUMENTED or (code == 4403 and not self.rev), code
            longest = min(BACK_OFF_MAX_S, BACK_OFF_S * 2**attempt)
            attempt += 1
            await asyncio.sleep(asked_to_wait_s + longest * random.uniform(0.5, 1.0))

    async def _hello(self, socket: websockets.ClientConnection) -> None:
        self._socket = socket
        hello = {
            "type": "hello",
            "version": 1,
            # As soon as something was said in it: it may have been kept.
            "conversation": self.conversation if self._said_something else None,
            "last_rev": self.rev,
            "audio": {"out": {}} if self._audio else None,
        }
        await socket.send(json.dumps(hello))

    def _take(self, frame: str | bytes) -> float | None:
        """Returns how long the server asks to stay away, if it does."""
        if isinstance(frame, bytes):
            self.sound_bytes += len(frame)
            return None
        message: dict[str, Any] = json.loads(frame)
        match message["type"]:
            case "ready":
                self.conversation = message["conversation"]
                for turn in message["turns"]:
                    self._take_turn(turn)
                self._open.set()
                for id, text in self.outbox.items():
                    self._post(id, text)
            case "ack":
                self._acknowledged(message["id"], message["turn"], message["reply"])
                self.rev = max(self.rev, 1)
            case "turn":
                self._take_turn(message["turn"])
            case "reply_end":
                self.ended[message["reply"]] = message["status"]
            case "going_away":
                self.told_to_leave += 1
                return float(message["retry_after"])
            case "error":
                self.errors[message["code"]] += 1
                if message["code"] == "unknown_conversation" and not self.rev:
                    self._said_something = False  # it was not
                elif message["id"] in self.outbox:
                    asyncio.get_running_loop().call_later(
                        message["retry"] or 1.0, self._post_again, message["id"]
                    )
                elif message["id"] is None and message["retry"] is not None:
                    return float(message["retry"])
        self._changed.set()
        return None

    def _take_turn(self, turn: dict[str, Any]) -> None:
        if turn["client_id"] in self.asked:
            self._acknowledged(turn["client_id"], turn["id"], "")
        if turn["reply_to"] is not None:
            for asked in self.asked.values():
                if asked.turn == turn["reply_to"]:
                    asked.reply = turn["id"]
            if turn["status"] != "streaming":
                self.ended[turn["id"]] = turn["status"]

    def _acknowledged(self, id: str, turn: str, reply: str) -> None:
        self.outbox.pop(id, None)
        asked = self.asked[id]
        asked.turn = turn
        asked.reply = reply or asked.reply
        if asked.acked_at is None:
            asked.acked_at = time.monotonic()

    def _post(self, id: str, text: str) -> None:
        socket = self._socket
        if socket is not None and self._open.is_set():
            self._said_something = True
            sending = socket.send(json.dumps({"type": "text", "id": id, "text": text}))
            task = asyncio.ensure_future(sending)
            task.add_done_callback(lambda done: done.cancelled() or done.exception())

    def _post_again(self, id: str) -> None:
        if id in self.outbox:
            self._post(id, self.outbox[id])

    @property
    def is_connected(self) -> bool:
        return self._open.is_set()

    # --- what they do ---------------------------------------------------------------------------

    async def connected(self) -> None:
        await self._open.wait()

    def ask(self, words: str) -> Asked:
        """Say something now, or as soon as there is a connection."""
        number = next(_numbers)
        id, text = f"q-{number}", f"{words} ({number})"
        asked = self.asked[id] = Asked(text, time.monotonic())
        self.outbox[id] = text
        self._post(id, text)
        return asked

    async def until(self, is_so: Callable[[], bool], within_s: float) -> bool:
        """Wait until something that is told by the server is so; False: it is not."""
        try:
            async with asyncio.timeout(within_s):
                while not is_so():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            return False
        return True

    async def talk(self, words: str, patience_s: float = 6.0) -> None:
        """Ask again and again, each when the answer before has ended, until cancelled."""
        await asyncio.sleep(random.uniform(0, 1.0))
        while True:
            asked = self.ask(words)
            await self.until(lambda: asked.reply in self.ended, patience_s)  # noqa: B023
            await asyncio.sleep(random.uniform(0.2, 1.5))


@dataclass(slots=True)
class Tally:
    """What became of all that was said."""

    people: int
    sent: int
    acknowledged: int
    found: int
    doubled: int
    unanswered: int
    answers: Counter[str] = field(default_factory=Counter)
    closes: Counter[int] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    told_to_leave: int = 0
    before_s: float = 0.0
    back_s: float = 0.0

    def __str__(self) -> str:
        closes = ", ".join(f"{code}: {count}" for code, count in sorted(self.closes.items()))
        errors = ", ".join(f"{code}: {count}" for code, count in sorted(self.errors.items()))
        answers = ", ".join(f"{how}: {count}" for how, count in sorted(self.answers.items()))
        back = f"; a turn took {self.before_s:.1f} s before and {self.back_s:.1f} s right after"
        return (
            f"{self.people} people: {self.sent} sent, {self.acknowledged} acknowledged, "
            f"{self.found} of them found, {self.doubled} doubled; answers {answers}; "
            f"closes {closes or 'none'}; errors {errors or 'none'}{back}"
        )


class Crowd:
    def __init__(self, callers: Sequence[Caller]) -> None:
        self.callers = callers
        self._talking: list[asyncio.Task[None]] = []
        self._before_s = 0.0

    async def begin(self, words: str) -> None:
        """All of them talk, until ``end``; when this returns they are in the middle of it."""
        await asyncio.gather(*(caller.connected() for caller in self.callers))
        self._talking = [asyncio.create_task(caller.talk(words)) for caller in self.callers]
        await asyncio.sleep(2)
        self._before_s = await self.back_s()

    async def end(self, database_url: str, back_s: float) -> Tally:
        """They say nothing more; when all that they said is acknowledged and answered, it is counted."""
        for task in self._talking:
            task.cancel()
        await asyncio.gather(*self._talking, return_exceptions=True)
        for caller in self.callers:
            settled = await caller.until(
                lambda: (
                    not caller.outbox  # noqa: B023
                    and all(asked.reply in caller.ended for asked in caller.asked.values())  # noqa: B023
                ),
                60.0,
            )
            assert settled, (caller.outbox, caller.closes, caller.errors, caller.asked)
        return await asyncio.to_thread(self._tally, database_url, back_s)

    async def back_s(self, within_s: float = 30.0) -> float:
        """Every third person asks something now; the seconds until the last of it is acknowledged."""
        began = time.monotonic()
        asking = self.callers[::3]
        asked = [caller.ask("still there?") for caller in asking]
        for caller, one in zip(asking, asked, strict=True):
            left_s = max(0.0, began + within_s - time.monotonic())
            acknowledged = await caller.until(lambda: one.acked_at is not None, left_s)  # noqa: B023
            assert acknowledged, (caller.closes, caller.errors)
        return max(one.acked_at or 0.0 for one in asked) - began

    def _tally(self, database_url: str, back_s: float) -> Tally:
        sent = [asked for caller in self.callers for asked in caller.asked.values()]
        acknowledged = [asked for asked in sent if asked.acked_at is not None]
        with psycopg.connect(database_url) as database:
            rows = database.execute(
                "select text, count(*) from conversations_turn where role = 'user' group by text"
            ).fetchall()
            replies = dict(
                database.execute(
                    "select question.text, reply.status from conversations_turn question"
                    " join conversations_turn reply on reply.reply_to_id = question.id"
                ).fetchall()
            )
        kept: dict[str, int] = {str(text): int(count) for text, count in rows}
        return Tally(
            people=len(self.callers),
            sent=len(sent),
            acknowledged=len(acknowledged),
            found=sum(asked.text in kept for asked in acknowledged),
            doubled=sum(kept.get(asked.text, 0) > 1 for asked in sent),
            unanswered=sum(
                replies.get(asked.text, "streaming") == "streaming" for asked in acknowledged
            ),
            answers=Counter(replies[asked.text] for asked in sent if asked.text in replies),
            closes=sum((caller.closes for caller in self.callers), Counter()),
            errors=sum((caller.errors for caller in self.callers), Counter()),
            told_to_leave=sum(caller.told_to_leave for caller in self.callers),
            before_s=self._before_s,
            back_s=back_s,
        )


@contextlib.asynccontextmanager
async def crowd(address: str, people: int, *, audio: int = 0) -> AsyncIterator[Crowd]:
    """So many people, of whom the first ``audio`` listen to their answers, too."""
    sessions = await _sessions(address, people)
    callers = [
        Caller(address, cookies, audio=number < audio) for number, cookies in enumerate(sessions)
    ]
    living = [asyncio.create_task(caller.live()) for caller in callers]
    try:
        yield Crowd(callers)
        for task in living:
            if task.done():
                task.result()  # a close that is not documented
    finally:
        for task in living:
            task.cancel()
        await asyncio.gather(*living, return_exceptions=True)


async def _sessions(page: str, people: int) -> list[str]:
    async def one() -> str:
        async with httpx.AsyncClient() as browser:
            (await browser.get(page + "/", timeout=30)).raise_for_status()
            return "; ".join(f"{name}={value}" for name, value in browser.cookies.items())

    return [
        cookies
        for _ in range(0, people, 5)
        for cookies in await asyncio.gather(*(one() for _ in range(5)))
    ][:people]
