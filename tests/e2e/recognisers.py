"""Recognisers of the worse kind: VOICECHAT_STT=tests.e2e.recognisers.Broken."""

from __future__ import annotations

from speech.stt.engine import OnPartial, Recogniser, Stream


class Broken(Recogniser):
    """Breaks its promise never to raise."""

    id = "broken"

    def listen(self, language: str, on_partial: OnPartial, speaker: str = "") -> Stream:
        raise RuntimeError("a secret of the recogniser")


class Crowded(Recogniser):
    """Keeps up with nobody."""

    id = "crowded"
    crowded = True

    def listen(self, language: str, on_partial: OnPartial, speaker: str = "") -> Stream:
        raise NotImplementedError
