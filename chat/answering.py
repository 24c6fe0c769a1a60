"""Engines at work for one call: a dialogue engine that writes, a voice that speaks."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Callable
from contextlib import aclosing

from django.conf import settings

from dialogue.asking import Field
from dialogue.engine import BotInfo, DialogueError, NotAnswered, UserTurn, ask
from dialogue.engines import engine_for, engine_if_made
from speech.tts.chain import Chain
from speech.tts.engine import TTSError

from . import effects as do
from . import events as ev
from .messages import AudioFormat
from .metrics import ENGINE_FAILURES
from .protocols.base import Manners
from .tasks import Tasks
from .voice import Voice
from .where import where

log = logging.getLogger(__name__)

# How long somebody may take to fill in a form.
INPUT_S = 300.0


class Answering:
    """``tell`` takes events to the session, and waits where they pile up."""

    def __init__(
        self,
        bot: BotInfo,
        language: str,
        audio: AudioFormat | None,
        *,
        voices: Chain,
        manners: Manners,
        tasks: Tasks,
        tell: Callable[[ev.Event], Awaitable[None]],
    ) -> None:
        self._bot = bot
        self._language = language
        self._audio = audio
        self._chain = voices
        self._manners = manners
        self._tasks = tasks
        self._tell = tell
        self._voices: dict[str, Voice] = {}
        self._alive: set[str] = set()
        # By the reply whose engine waits: what the person fills in, and the engine's own patience.
        self._asked: dict[str, asyncio.Future[dict[str, str]]] = {}
        self._patience: dict[str, asyncio.Timeout] = {}

    def _choose_voice(self, reply: str, wished: str, spoken: bool) -> str | None:
        self._alive.add(reply)
        if not spoken or self._audio is None:
            return None
        chosen = self._chain.choose(wished or self._bot.voice, self._language)
        self._voices[reply] = Voice(
            chosen, self._audio, self._manners.chunk_ms, self._manners.fill_chunks
        )
        return self._voices[reply].id

    def forget(self, reply: str) -> None:
        """The reply has ended."""
        self._alive.discard(reply)
        self._voices.pop(reply, None)

    @property
    def replies_in_progress(self) -> int:
        return len(self._alive)

    # --- writing ------------------------------------------------------------------------------

    def greet(self, effect: do.Greet) -> None:
        self._tasks.start(f"greet {effect.reply}", self._greet(effect), effect.reply)

    async def _greet(self, effect: do.Greet) -> None:
        voice = self._choose_voice(effect.reply, effect.voice, effect.spoken)
        await self._tell(ev.ReplyBegan(effect.reply, voice))

    def think(self, effect: do.Think, turn: Callable[[], Awaitable[UserTurn]]) -> None:
        """Answer what ``turn`` finds out."""
        self._tasks.start(f"think {effect.reply}", self._think(effect, turn), effect.reply)

    def stop_thinking(self, reply: str) -> None:
        self._tasks.stop(f"think {reply}")

    async def _think(self, effect: do.Think, turn: Callable[[], Awaitable[UserTurn]]) -> None:
        voice = self._choose_voice(effect.reply, effect.voice, effect.spoken)
        await self._tell(ev.ReplyBegan(effect.reply, voice))
        ended = await self._ask(effect.reply, turn)
        if ended.code:
            engine = self._bot.engine or settings.VOICECHAT_DIALOGUE
            ENGINE_FAILURES.labels("dialogue", engine).inc()
        await self._tell(ended)

    async def _ask(self, reply: str, turn: Callable[[], Awaitable[UserTurn]]) -> ev.ThoughtEnded:
        patience_s = settings.VOICECHAT_DIALOGUE_TIMEOUT_S
        loop = asyncio.get_running_loop()
        said_something = False
        try:
            async with asyncio.timeout(patience_s) as patience:
                self._patience[reply] = patience
                # Making an engine may read certificates or a model.
                engine = engine_if_made(self._bot.engine)
                if engine is None:
                    engine = await asyncio.to_thread(engine_for, self._bot.engine)
                async with aclosing(ask(engine, await turn())) as pieces:
                    async for piece in pieces:
                        said_something = True
                        # Waits when much is waiting: an endless engine does not hold the loop.
                        await self._tell(ev.PieceArrived(reply, piece))
                        patience.reschedule(loop.time() + patience_s)
        except DialogueError as error:
            return ev.ThoughtEnded(reply, "dialogue_failed", str(error))
        except TimeoutError:
            return ev.ThoughtEnded(reply, "dialogue_timeout", "The bot took too long to answer.")
        except Exception as error:
            log.error("reply %s: the dialogue engine failed: %s", reply, where(error))
            return ev.ThoughtEnded(reply, "dialogue_failed", "The bot could not answer this.")
        finally:
            self._patience.pop(reply, None)
        if not said_something:
            return ev.ThoughtEnded(reply, "dialogue_failed", "The bot had no answer to this.")
        return ev.ThoughtEnded(reply)

    async def ask_person(self, reply: str, fields: tuple[Field, ...]) -> dict[str, str]:
        """What the person fills in. Raises ``NotAnswered``. Whoever speaks or stops cuts it short."""
        if reply in self._asked:
            raise TypeError("A dialogue engine asks one thing at a time.")
        patience = self._patience[reply]
        answer: asyncio.Future[dict[str, str]] = asyncio.get_running_loop().create_future()
        self._asked[reply] = answer
        patience.reschedule(None)
        try:
            await self._tell(ev.InputWanted(reply, uuid.uuid4().hex, fields))
            async with asyncio.timeout(INPUT_S):
                return await answer
        except TimeoutError:
            raise NotAnswered("You did not fill in what was asked.") from None
        finally:
            del self._asked[reply]
            patience_s = settings.VOICECHAT_DIALOGUE_TIMEOUT_S
            patience.reschedule(asyncio.get_running_loop().time() + patience_s)

    def give_input(self, effect: do.GiveInput) -> None:
        answer = self._asked.get(effect.reply)
        if answer is not None and not answer.done():
            answer.set_result(effect.values)

    # --- speaking -----------------------------------------------------------------------------

    def synthesize(self, effect: do.Synthesize) -> None:
        self._tasks.start(f"speak {effect.reply}", self._speak(effect), effect.reply)

    def stop_speaking(self, reply: str) -> None:
        self._tasks.stop(f"speak {reply}")

    async def _speak(self, effect: do.Synthesize) -> None:
        reply, sentence = effect.reply, effect.sentence
        voice = self._voices[reply]
        try:
            sounds = voice.sounds(effect.text, effect.speed, urgent=sentence == 0)
            async with aclosing(sounds):
                async for sound in sounds:
                    await self._tell(ev.SoundArrived(reply, sentence, sound))
        except Exception as error:
            # An engine's own failure is expected; anything else is a fault of ours.
            level = logging.WARNING if isinstance(error, TTSError) else logging.ERROR
            ENGINE_FAILURES.labels("tts", voice.engine).inc()
            log.log(level, "reply %s: the voice failed: %s", reply, where(error))
            text = "The voice failed; the answer goes on as text."
            await self._tell(ev.SpeechFailed(reply, sentence, text))
        else:
            await self._tell(ev.SentenceSynthesised(reply, sentence))
