"""The sockets: admit, accept, feed the runner, close. What happens between is the session's."""

from __future__ import annotations

import logging

from accounts.admission import NotAdmitted, admit
from conversations.database import in_database

from .direct_consumer import DirectConsumer
from .messages import encode_plain_error
from .process import process
from .protocols.base import Frame
from .protocols.voice_chat import choose
from .runner import Runner
from .where import where

log = logging.getLogger(__name__)


class VoiceChatConsumer(DirectConsumer):
    """``/ws/voice-chat/``, both faces."""

    _runner: Runner | None = None

    async def connect(self) -> None:
        # Accept first: a browser sees a refusal before that only as 1006.
        await self.accept()
        try:
            visitor = await in_database(admit, self.scope)
            await process().start()
        except NotAdmitted as error:
            await self._refuse("not_admitted", str(error), error.close)
            return
        except Exception as error:
            log.error("a socket could not be admitted: %s", where(error))
            await self._refuse("internal", "Something went wrong on our side.", 1011)
            return
        self._runner = Runner(self, choose, visitor, process())
        process().runners.add(self._runner)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if self._runner is not None:
            await self._runner.take(text_data if text_data is not None else bytes_data or b"")

    async def disconnect(self, code: int) -> None:
        await self._leave(code)

    async def left(self) -> None:
        await self._leave(None)

    async def _leave(self, code: int | None) -> None:
        if self._runner is not None:
            await self._runner.gone(code)

    async def _refuse(self, code: str, text: str, close: int) -> None:
        await self.send(text_data=encode_plain_error(code, text))
        await self.close(close)

    async def send_frame(self, frame: Frame) -> None:
        if isinstance(frame, str):
            await self.send(text_data=frame)
        else:
            await self.send(bytes_data=frame)

    async def close_socket(self, code: int) -> None:
        await self.close(code)
