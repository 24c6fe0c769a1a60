"""What goes wrong in the speech service, for whoever wrote the client. Pure."""

from __future__ import annotations


class SpeechError(Exception):
    """``status`` as in HTTP, ``code`` for programs, ``message`` for people.

    ``param``: the field that is to blame. ``retry_s``: after so many seconds it may go well.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        param: str | None = None,
        retry_s: float | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message
        self.param, self.retry_s = param, retry_s
