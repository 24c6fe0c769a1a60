"""Any OpenAI-compatible endpoint (``/chat/completions``, streamed) as a dialogue engine."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from itertools import groupby

import httpx2
import openai
from django.conf import settings
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from openai import AsyncStream
from openai._streaming import ServerSentEvent
from openai.types.chat import ChatCompletionChunk, ChatCompletionMessageParam

from .engine import DialogueError, Piece, Said, Text, UserTurn

CONNECT_TIMEOUT_S = 5.0

BROKEN_OFF = gettext_lazy("The language model broke off in mid-answer. Please ask again.")
FAULTS: tuple[tuple[type[Exception], str | Promise], ...] = (
    (
        openai.AuthenticationError,
        gettext_lazy(
            "The language model refuses our key. The operator needs to check "
            "VOICECHAT_OPENAI_API_KEY."
        ),
    ),
    (
        openai.PermissionDeniedError,
        gettext_lazy(
            "The language model is not open to our key. The operator needs to check "
            "VOICECHAT_OPENAI_API_KEY and VOICECHAT_OPENAI_MODEL."
        ),
    ),
    (
        openai.NotFoundError,
        gettext_lazy(
            "The language model “%(model)s” is not known there. The operator needs to check "
            "VOICECHAT_OPENAI_MODEL and VOICECHAT_OPENAI_BASE_URL."
        ),
    ),
    (
        openai.RateLimitError,
        gettext_lazy(
            "The language model is asked too much at the moment, or its quota is used up. Please "
            "try again in a minute."
        ),
    ),
    (
        openai.BadRequestError,
        gettext_lazy(
            "The language model does not accept this conversation. Start a new one, or ask the "
            "operator to check VOICECHAT_OPENAI_MODEL."
        ),
    ),
    (
        openai.APITimeoutError,
        gettext_lazy("The language model takes too long to answer. Please try again."),
    ),
    (
        httpx2.TimeoutException,
        gettext_lazy("The language model takes too long to answer. Please try again."),
    ),
    (
        openai.APIConnectionError,
        gettext_lazy(
            "The language model cannot be reached. The operator needs to check "
            "VOICECHAT_OPENAI_BASE_URL and that the server there is running."
        ),
    ),
    (httpx2.HTTPError, BROKEN_OFF),
    (Exception, gettext_lazy("The language model has a fault. Please try again in a minute.")),
)
"""What the person is told, by the kind of error; the first that fits."""

SPOKEN = (
    "Your answer will be spoken aloud: use short sentences in plain words, without markdown, lists, "
    "tables, links or emoji. The person's language is {language}."
)

log = logging.getLogger(__name__)


class OpenAIEngine:
    """Streams what the model of ``VOICECHAT_OPENAI_*`` says. One client serves the whole process."""

    def __init__(self) -> None:
        self._model: str = settings.VOICECHAT_OPENAI_MODEL
        self._client = openai.AsyncOpenAI(
            base_url=settings.VOICECHAT_OPENAI_BASE_URL,
            # Local servers need none, but an empty one would not make a valid header.
            api_key=settings.VOICECHAT_OPENAI_API_KEY or "none",
            timeout=httpx2.Timeout(
                settings.VOICECHAT_DIALOGUE_TIMEOUT_S, connect=CONNECT_TIMEOUT_S
            ),
            # A person is waiting: they ask again sooner than a second attempt would answer.
            max_retries=0,
        )

    async def reply(self, turn: UserTurn) -> AsyncIterator[Piece]:
        is_empty, reason = True, None
        try:
            opened = await self._client.chat.completions.create(
                model=self._model, messages=messages(turn), stream=True
            )
            stream = _Stream(
                cast_to=ChatCompletionChunk, response=opened.response, client=self._client
            )
            # Leaving this block, for whatever reason, closes the connection.
            async with stream:
                async for chunk in stream:
                    delta, finished = _read(chunk)
                    reason = finished or reason
                    if delta:
                        is_empty = False
                        yield Text(delta)
        except (openai.OpenAIError, httpx2.HTTPError, ValueError) as error:
            log.warning("The language model did not answer: %s", _for_the_log(error))
            raise DialogueError(
                _in_words(error, self._model, turn.language, has_begun=not is_empty)
            ) from error
        if is_empty or (reason is None and not stream.is_done):
            with translation.override(turn.language):
                raise DialogueError(
                    _("The language model gave no answer. Please ask again.")
                    if is_empty
                    else str(BROKEN_OFF)
                )


class _Stream(AsyncStream[ChatCompletionChunk]):
    """Remembers whether the server said ``[DONE]``: some servers give no reason for the end."""

    is_done = False

    async def _iter_events(self) -> AsyncIterator[ServerSentEvent]:
        async for event in super()._iter_events():
            self.is_done = self.is_done or event.data.startswith("[DONE]")
            yield event


def messages(turn: UserTurn) -> list[ChatCompletionMessageParam]:
    """The conversation as the endpoint takes it: the bot's prompt, what was heard, the new text.

    Neighbours of one role become one message, as strict servers want the roles to alternate: a
    failed reply leaves nothing between two texts of the person.
    """
    spoken = SPOKEN.format(language=turn.language)
    system = "\n\n".join(part for part in (turn.bot.prompt.strip(), spoken) if part)
    told: list[ChatCompletionMessageParam] = [{"role": "system", "content": system}]
    # Interrupted before a word was heard, a reply is empty.
    heard = [said for said in turn.history if said.text.strip()]
    for role, neighbours in groupby([*heard, Said("user", turn.text)], lambda said: said.role):
        content = "\n".join(said.text for said in neighbours)
        if role == "user":
            told.append({"role": "user", "content": content})
        else:
            told.append({"role": "assistant", "content": content})
    return told


def _in_words(error: Exception, model: str, language: str, *, has_begun: bool) -> str:
    is_cut = has_begun and isinstance(error, openai.APIConnectionError)
    with translation.override(language):
        if is_cut and not isinstance(error, openai.APITimeoutError):
            return str(BROKEN_OFF)
        text = next(text for kind, text in FAULTS if isinstance(error, kind))
        return str(text).replace("%(model)s", model)


def _read(chunk: ChatCompletionChunk) -> tuple[str, str | None]:
    """Delta and finish reason. The package checks no types: a server may send anything."""
    try:
        # A usage chunk has no choices; a first chunk often has a role and no content.
        if not chunk.choices:
            return "", None
        choice = chunk.choices[0]
        delta = choice.delta.content if choice.delta else None
    except (AttributeError, LookupError, TypeError) as error:
        raise ValueError("This is no chunk of a chat completion.") from error
    return (delta if isinstance(delta, str) else ""), choice.finish_reason


def _for_the_log(error: Exception) -> str:
    """Kind and status only: a body may repeat the key or what was said."""
    status = getattr(error, "status_code", None)
    return type(error).__name__ if status is None else f"{type(error).__name__} {status}"
