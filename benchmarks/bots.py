"""Scripted bots, so that a benchmark measures the server and not a language model."""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import AsyncIterator

from dialogue.engine import Text, UserTurn

TOKEN_S = float(os.environ.get("BENCH_TOKEN_MS", "0")) / 1000

_count = itertools.count(1)


def five_sentences() -> str:
    """An answer of five sentences, about 20 s of speech, never the same twice (speech is cached)."""
    number = next(_count)
    return (
        f"Here is the answer to your question, which is number {number} today. "
        f"The first thing to know is that {number} people have asked about it before. "
        "Most of them wanted to hear about the rooms, the garden and the price. "
        f"There are {number % 9 + 2} rooms, and the garden looks to the south. "
        f"If you like, I can arrange a visit on the {number % 28 + 1}th of next month. "
    )


class FiveSentences:
    """Writes word by word, one each ``BENCH_TOKEN_MS`` (0: all at once)."""

    async def reply(self, turn: UserTurn) -> AsyncIterator[Text]:
        for word in five_sentences().split(" ")[:-1]:
            if TOKEN_S:
                await asyncio.sleep(TOKEN_S)
            yield Text(f"{word} ")


class OneSentence:
    """A short answer, always the same: its speech is replayed from the cache."""

    async def reply(self, turn: UserTurn) -> AsyncIterator[Text]:
        yield Text("Yes, there is a room free, and it looks to the south.")


class Talkative:
    """Half a minute of speech, always the same, so that there is something to interrupt."""

    async def reply(self, turn: UserTurn) -> AsyncIterator[Text]:
        for subject in ("The garden", "The kitchen", "The house", "The street", "The town") * 3:
            yield Text(f"{subject} is larger than it looks in the pictures. ")
