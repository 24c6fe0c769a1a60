"""pocketsphinx as a recogniser: no network, no download, English, words as they are spoken."""

from __future__ import annotations

import asyncio
import logging
import os
from collections import deque
from typing import Final

from cachetools import LRUCache

from speech.pcm import SAMPLE_BYTES
from speech.stt.engine import RATE, OnPartial, Recogniser, Stream, STTError
from speech.stt.pool import STALL_S, Decoder, Pool

log = logging.getLogger(__name__)

LONGEST_S: Final = 60
"""Of an utterance that are kept: so much may wait for a decoder, or be decoded again."""

_BYTES_PER_MS: Final = RATE // 1000 * SAMPLE_BYTES
_LONGEST: Final = LONGEST_S * 1000 * _BYTES_PER_MS
_LEAST: Final = 40 * _BYTES_PER_MS  # is sent, unless the text is asked for: fewer wake-ups
_PIECE: Final = 100 * _BYTES_PER_MS
_UNREPORTED: Final = 600 * _BYTES_PER_MS  # at most: what is sent cannot be called back
_ATTEMPTS: Final = 2
_SPEAKERS: Final = 1000


class PocketsphinxRecogniser(Recogniser):
    """``processes`` decoders at most (default: one core less than there are), 96 MB each.

    Measured on recordings of four people, 112 words in 19 utterances. What the decoder can do after
    its first pass, with 300 ms of faint noise before each utterance:

    ========================  ===========  =====================  ====================
    search                    wrong words  time per s of speech   to end an utterance
    ========================  ===========  =====================  ====================
    first pass only           33           0.20-0.26 s            8 ms, at most 24
    and bestpath              28           0.20 s                 17 ms, at most 77
    and fwdflat               35           0.20 s                 95 ms, at most 254
    both                      31           0.23 s                 107 ms, at most 260
    ========================  ===========  =====================  ====================

    The differences in words are chance; the first pass alone is used. Its text at a pause is read
    without ending the utterance, which takes 0.05 ms and has as many wrong words (26 of 118 in
    pairs of sentences with a pause, either way), so that the person may go on.

    How many words and sounds are considered at a time (``maxhmmpf``) decides whether it keeps up at
    the end of a word, where most are:

    =======  ===========  =====================  ==========================
    at most  wrong words  time per s of speech   for 40 ms of it, 99 %, max
    =======  ===========  =====================  ==========================
    30 000   25           0.25 s                 67 ms, 102 ms
    10 000   25           0.20 s                 40 ms, 61 ms
    5 000    25           0.14 s                 24 ms, 38 ms
    3 000    25           0.11 s                 15 ms, 30 ms
    2 000    25           0.12 s                 17 ms, 28 ms
    1 500    30           0.13 s                 18 ms, 28 ms
    1 000    40           0.09 s                 13 ms, 17 ms
    =======  ===========  =====================  ==========================

    What does matter for the words is the cepstral mean that speech is compared with, which the decoder adapts from
    utterance to utterance. Wrong words of the 112, with the noise and without:

    ====================================  =====================  ==================
    mean at the beginning                 every utterance alone  kept for a speaker
    ====================================  =====================  ==================
    the decoder's own (40, …)             48, 38                 33, 34
    of a microphone at full level (55,…)  30, 31                 26, 26
    ====================================  =====================  ==================

    Finding the mean in the first 400-1200 ms of each utterance went from 24 to 50 wrong words: no.
    """

    id = "pocketsphinx:en-us"
    remote = False

    def __init__(self, processes: int | None = None, stall_s: float = STALL_S) -> None:
        self.pool = Pool(processes or max(1, (os.cpu_count() or 1) - 1), stall_s)
        self._means: LRUCache[str, str] = LRUCache(_SPEAKERS)

    @property
    def crowded(self) -> bool:
        return self.pool.crowded

    def understands(self, language: str) -> bool:
        return language.lower().partition("-")[0] in {"", "en"}

    async def start(self) -> None:
        await self.pool.start()

    async def aclose(self) -> None:
        await self.pool.aclose()

    def listen(self, language: str, on_partial: OnPartial, speaker: str = "") -> Stream:
        utterance = _Utterance(self.pool, on_partial, self._means, speaker)
        if not self.understands(language):
            utterance.failed(f"pocketsphinx understands English only, not {language!r}")
        return utterance


class _Utterance:
    """Its audio, where it is told apart what was sent, what was asked for and what was answered.

    Positions are bytes since it began.
    """

    engine = PocketsphinxRecogniser.id

    def __init__(
        self, pool: Pool, on_partial: OnPartial, means: LRUCache[str, str], speaker: str
    ) -> None:
        self._pool, self._on_partial = pool, on_partial
        self._means, self._speaker = means, speaker
        self._decoder: Decoder | None = None
        self._attempts = 0
        self._error: STTError | None = None
        self._closed = False
        self._odd = b""
        self._audio = bytearray()  # the last of it
        self._first = 0  # where that begins
        self._fed = self._sent = self._done = 0
        self._replayed = 0  # up to here it is not news
        self._asked: deque[tuple[int, asyncio.Future[str]]] = deque()
        self._told = 0  # so many of those have been put to the decoder
        self._text = ""

    def feed(self, pcm: bytes) -> None:
        if self._error is not None:
            return
        pcm = self._odd + pcm
        whole = len(pcm) // SAMPLE_BYTES * SAMPLE_BYTES
        self._odd = pcm[whole:]
        if not whole:
            return
        self._audio += pcm[:whole]
        self._fed += whole
        self._keep_the_last()
        if not self._attempts:
            self._lease()
        self._pump()

    async def final(self) -> str:
        if self._error is not None:
            raise STTError(str(self._error))
        if not self._fed:
            return ""
        answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._asked.append((self._fed, answer))
        self._pump()
        return await answer

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._fail("the utterance is closed")
            self._pool.give_back(self)

    # -- told by the pool -------------------------------------------------------------------------

    def granted(self, decoder: Decoder) -> None:
        self._decoder = decoder
        decoder.begin(self._means.get(self._speaker, "") if self._speaker else "")
        self._pump()

    def heard(self, done: int, text: str, *, told: bool) -> None:
        self._done += done
        if told:
            _, answer = self._asked.popleft()
            self._told -= 1
            if not answer.done():
                answer.set_result(text)
        if self._error is None:
            if text != self._text and self._done > self._replayed:
                self._text = text
                self._report(text)
            self._pump()

    def lost(self) -> None:
        self._decoder = None
        if self._error is not None:
            return
        if self._attempts == _ATTEMPTS or self._first:
            self._fail("a process for speech recognition died, and again or after too long")
            return
        self._replayed = self._done
        self._sent = self._done = self._told = 0
        self._lease()

    def failed(self, reason: str) -> None:
        self._fail(reason)

    def ended(self, mean: str) -> None:
        if self._speaker:
            self._means[self._speaker] = mean

    # -- the audio --------------------------------------------------------------------------------

    def _lease(self) -> None:
        self._attempts += 1
        self._pool.lease(self)

    def _keep_the_last(self) -> None:
        too_much = len(self._audio) - _LONGEST
        if too_much <= 0:
            return
        del self._audio[:too_much]
        self._first += too_much
        self._sent = max(self._sent, self._first)

    def _pump(self) -> None:
        """Send what the decoder can take, and ask for the text where somebody waits for it."""
        decoder = self._decoder
        while decoder is not None and self._error is None:
            waiting = self._fed - self._sent
            least = _LEAST
            if self._told < len(self._asked):
                until, _ = self._asked[self._told]
                waiting = until - self._sent
                if waiting <= 0:
                    self._told += 1
                    decoder.tell()
                    continue
                least = SAMPLE_BYTES
            if waiting < least or decoder.unreported >= _UNREPORTED:
                return
            start = self._sent - self._first
            piece = bytes(self._audio[start : start + min(waiting, _PIECE)])
            self._sent += len(piece)
            decoder.hear(piece)

    def _report(self, text: str) -> None:
        try:
            self._on_partial(text)
        except Exception as error:  # the caller's fault must not end the process of the others
            log.error("a partial transcript was not taken: %s", type(error).__name__)

    def _fail(self, reason: str) -> None:
        if self._error is not None:
            return
        self._error = STTError(reason)
        for _, answer in self._asked:
            if not answer.done():
                answer.set_exception(STTError(reason))
        self._audio.clear()
