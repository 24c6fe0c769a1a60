"""A recogniser that may be out of reach, and one that is not."""

from __future__ import annotations

import logging

from speech.stt.engine import OnPartial, Recogniser, Stream, STTError

log = logging.getLogger(__name__)


class WithFallback(Recogniser):
    """Each utterance goes to ``first`` if it is available, else to ``second`` if that knows the language.

    Which of them it is does not change in the middle of an utterance. ``second`` is not started: it
    comes up when it is first needed, and takes no memory before.
    """

    def __init__(self, first: Recogniser, second: Recogniser) -> None:
        self.id = first.id
        self.remote = first.remote
        self._first, self._second = first, second

    @property
    def available(self) -> bool:
        """Of the first: while it is not, the second takes what it can."""
        return self._first.available

    @property
    def crowded(self) -> bool:
        return self._first.crowded if self._first.available else self._second.crowded

    def understands(self, language: str) -> bool:
        return self._first.understands(language) or self._second.understands(language)

    async def start(self) -> None:
        try:
            await self._first.start()
        except STTError as error:
            log.error("%s; %s listens instead", error, self._second.id)

    async def aclose(self) -> None:
        await self._first.aclose()
        await self._second.aclose()

    def listen(self, language: str, on_partial: OnPartial, speaker: str = "") -> Stream:
        is_good = self._first.available and self._first.understands(language)
        chosen = self._first if is_good or not self._second.understands(language) else self._second
        return chosen.listen(language, on_partial, speaker)
