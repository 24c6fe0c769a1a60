"""A person whose client does what docs/protocol.md asks of one: it comes back, resumes and resends."""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import websockets

# As chat/static/chat/socket.js.
BACK_OFF_S = 0.5
BACK_OFF_MAX_S = 4.0
READY_S = 15.0
# Whoever has no answer by then asks the next.
ANSWER_S = 6.0
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
        # Up to which revision nothing was still being said; and what was seen at all.
        self.rev = 0
        self._seen_rev = 0
        self._said_something = False
        self.outbox: dict[str, str] = {}
        self.asked: dict[str, Asked] = {}
        # Of every reply that has ended, how, and when that was told first.
        self.ended: dict[str, str] = {}
        self.ended_at: dict[str, float] = {}
        self.closes: Counter[int] = Counter()
        self.errors: Counter[str] = Counter()
        self.told_to_leave = 0
        # When each turn was sent last; and the longest that an answer took that was a refusal.
        self._posted_at: dict[str, float] = {}
        self.told_s = 0.0
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
                self._see(message["rev"])
                self._open.set()
                for id, text in self.outbox.items():
                    self._post(id, text)
            case "ack":
                self._acknowledged(message["id"], message["turn"], message["reply"])
                self.rev = max(self.rev, 1)
                self._see(message["rev"])
            case "turn":
                self._take_turn(message["turn"])
                self._see(message["rev"])
            case "reply_end":
                self._has_ended(message["reply"], message["status"])
                self._see(message["rev"])
            case "going_away":
                self.told_to_leave += 1
                return float(message["retry_after"])
            case "error":
                self.errors[message["code"]] += 1
                if message["id"] in self._posted_at:
                    waited_s = time.monotonic() - self._posted_at[message["id"]]
                    self.told_s = max(self.told_s, waited_s)
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
                self._has_ended(turn["id"], turn["status"])

    def _see(self, rev: int) -> None:
        self._seen_rev = max(self._seen_rev, rev)
        if all(asked.reply in self.ended for asked in self.asked.values() if asked.turn):
            self.rev = self._seen_rev

    def _has_ended(self, reply: str, how: str) -> None:
        self.ended[reply] = how
        self.ended_at.setdefault(reply, time.monotonic())

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
            self._posted_at[id] = time.monotonic()
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

    def follow(self, conversation: str) -> None:
        """Come into a conversation of one's own, as another tab does. Before ``live``."""
        self.conversation, self._said_something = conversation, True

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

    async def talk(self, words: str, pauses_s: tuple[float, float]) -> None:
        """Ask again and again, each after a pause when the answer before has ended, until cancelled."""
        await asyncio.sleep(random.uniform(0, 1.0))
        while True:
            asked = self.ask(words)
            await self.until(lambda: asked.reply in self.ended, ANSWER_S)  # noqa: B023
            await asyncio.sleep(random.uniform(*pauses_s))
