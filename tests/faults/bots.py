"""A bot for people who talk while things break: VOICECHAT_DIALOGUE=tests.faults.bots.Steady."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from dialogue.engine import Piece, Text, UserTurn

SENTENCES = ("One moment. ", "I am thinking about it. ", "Here it comes. ", "That was it. ", "Yes.")
EVERY_S = 0.2


class Steady:
    """Takes a second for each answer, for ``a slow one`` a minute. Of ``a long one`` it has all at once."""

    async def reply(self, turn: UserTurn) -> AsyncIterator[Piece]:
        if turn.text == "a long one":
            yield Text("\N{GRINNING FACE}" * 19_900)  # 80 kB, told four times
            return
        times = 60 if turn.text.startswith("a slow one") else 1
        for sentence in SENTENCES * times:
            yield Text(sentence)
            await asyncio.sleep(EVERY_S)
