"""A recogniser that knows what will be said, so that a benchmark measures the server.

VOICECHAT_STT=benchmarks.scripted_stt.ScriptedRecogniser
"""

from __future__ import annotations

from speech.stt.engine import OnPartial, Recogniser

TEXT = "Two of spades and the ten of clubs."


class ScriptedStream:
    engine = "scripted"

    def feed(self, pcm: bytes) -> None:
        pass

    async def final(self) -> str:
        return TEXT

    def close(self) -> None:
        pass


class ScriptedRecogniser(Recogniser):
    id = "scripted"

    def listen(self, language: str, on_partial: OnPartial, speaker: str = "") -> ScriptedStream:
        """A stream that always understands ``TEXT``."""
        return ScriptedStream()
