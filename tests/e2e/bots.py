"""Bots of the worse kind, for a server under test: VOICECHAT_DIALOGUE=tests.e2e.bots.Moody."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from dialogue.asking import Field
from dialogue.engine import Card, Cards, DialogueError, Piece, Text, UserTurn


class Moody:
    """Does what it is told."""

    async def reply(self, turn: UserTurn) -> AsyncIterator[Piece]:
        match turn.text.split():
            case ["raise"]:
                yield Text("Before the fault. ")
                raise RuntimeError("a secret of the engine")
            case ["refuse"]:
                raise DialogueError("I would rather not.")
            case ["hang"]:
                yield Text("Before the silence. ")
                await asyncio.Event().wait()
            case ["nothing"]:
                pass
            case ["rubbish"]:
                yield "not a piece"  # type: ignore[misc]
            case ["endless"]:
                while True:
                    yield Text("on and on ")
            case ["slowly", words]:
                for n in range(int(words)):
                    yield Text(f"Sentence number {n} is here. ")
                    await asyncio.sleep(0.05)
            case ["history"]:
                yield Text(" | ".join(f"{said.role}: {said.text}" for said in turn.history))
            case _:
                yield Text(f"You said: {turn.text}")


class Asking:
    """Wants to know a name before it answers."""

    async def reply(self, turn: UserTurn) -> AsyncIterator[Piece]:
        yield Text("One moment. ")
        answers = await turn.ask([Field("name", "Your name", required=True), Field("city")])
        yield Cards([Card("Flat", price="9")])
        yield Text(f"Welcome {answers['name']} of {answers['city'] or 'nowhere'}.")
