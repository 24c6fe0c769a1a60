"""faster-whisper as a recogniser: many languages and punctuation, on a core that is not the loop's."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

import numpy as np

from speech.stt.batch import BatchUtterance
from speech.stt.engine import OnPartial, Recogniser, Stream, STTError

if TYPE_CHECKING:
    from faster_whisper import WhisperModel

T = TypeVar("T")

log = logging.getLogger(__name__)

MODEL: Final = "small"

_FILES: Final = (
    "config.json",
    "preprocessor_config.json",
    "model.bin",
    "tokenizer.json",
    "vocabulary.*",
)
_FULL_SCALE: Final = 32_768


class WhisperRecogniser(Recogniser):
    """``model``: a name ("small"), a repository ("Systran/faster-whisper-small") or a folder.

    One thread takes one utterance after the other; CTranslate2 gives up the GIL and uses cores of
    its own. A partial text is asked for after each second of speech if nobody else is waiting. A
    name that is not on this machine is downloaded in the background, with a bar on the terminal;
    until it is there, ``available`` is False. ``device`` and ``compute_type`` as CTranslate2 has
    them ("cpu", "cuda"; "int8", "float16").
    """

    remote = False

    def __init__(
        self, model: str = MODEL, device: str = "auto", compute_type: str = "default"
    ) -> None:
        self.id = f"faster-whisper:{Path(model).name}"
        self._name, self._device, self._compute_type = model, device, compute_type
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="whisper")
        self._jobs = 0
        self._model: WhisperModel | None = None
        self._download: asyncio.Task[None] | None = None

    @property
    def available(self) -> bool:
        return self._model is not None

    def understands(self, language: str) -> bool:
        return not self._name.endswith(".en") or language.lower().partition("-")[0] in {"", "en"}

    async def start(self) -> None:
        """Load the model, or begin to download it. Raises ``STTError`` if it cannot be loaded."""
        loop = asyncio.get_running_loop()
        folder = await loop.run_in_executor(self._executor, find_model, self._name)
        if folder is None:
            log.warning("the model %s is downloaded; it listens when it is there", self._name)
            self._download = asyncio.create_task(self._fetch(), name="whisper download")
        else:
            await self._load(folder)

    async def aclose(self) -> None:
        if self._download is not None:
            self._download.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._download
        self._executor.shutdown(wait=False, cancel_futures=True)

    def listen(self, language: str, on_partial: OnPartial, speaker: str = "") -> Stream:
        transcribe = partial(self._transcribe, language)
        return BatchUtterance(self.id, transcribe, on_partial, is_idle=lambda: not self._jobs)

    async def _fetch(self) -> None:
        try:
            await self._load(await _in_daemon(partial(fetch_model, self._name)))
        except STTError as error:
            log.error("%s", error)

    async def _load(self, folder: Path) -> None:
        loop = asyncio.get_running_loop()
        load = partial(_load_model, folder, self._device, self._compute_type)
        self._model = await loop.run_in_executor(self._executor, load)

    async def _transcribe(self, language: str, pcm: bytes) -> str:
        if self._model is None:
            raise STTError(f"{self.id}: the model is not on this machine, or not loaded yet")
        cancelled = threading.Event()
        call = partial(_transcribe, self._model, pcm, language, cancelled)
        loop = asyncio.get_running_loop()
        self._jobs += 1
        try:
            return await loop.run_in_executor(self._executor, call)
        finally:
            self._jobs -= 1
            cancelled.set()


async def _in_daemon(call: Callable[[], T]) -> T:
    """Run what may take an hour in a thread that does not keep the process from ending."""
    loop = asyncio.get_running_loop()
    result: asyncio.Future[T] = loop.create_future()

    def settle(outcome: Callable[[], None]) -> None:
        if not result.done():
            outcome()

    def run() -> None:
        try:
            outcome = partial(result.set_result, call())
        except Exception as error:  # it is raised where it is awaited
            outcome = partial(result.set_exception, error)
        with contextlib.suppress(RuntimeError):  # the loop may be closed by now
            loop.call_soon_threadsafe(settle, outcome)

    threading.Thread(target=run, name="whisper download", daemon=True).start()
    return await result


def model_names() -> list[str]:
    """The names that faster-whisper knows, small models first."""
    from faster_whisper import available_models  # noqa: PLC0415 - takes a second, and who has none?

    names: list[str] = available_models()
    return names


def find_model(name: str) -> Path | None:
    """The folder of a model if it is on this machine. Blocks.

    Raises ``STTError`` for what is no folder, no name that faster-whisper knows and no repository.
    """
    if name and Path(name).is_dir():
        return Path(name)
    folder = _snapshot(name, local=True)
    # A download that broke off leaves its folder behind.
    return folder if folder is not None and (folder / "model.bin").exists() else None


def fetch_model(name: str) -> Path:
    """Download what is missing of a model, with a bar on the terminal. Blocks for long.

    Raises ``STTError`` with what to do, if the name is not known or the model hub not reachable.
    """
    folder = find_model(name) or _snapshot(name, local=False)  # which goes on where it broke off
    assert folder is not None
    return folder


def _snapshot(name: str, *, local: bool) -> Path | None:
    # Not faster_whisper.download_model, which shows no progress.
    from faster_whisper.utils import _MODELS  # noqa: PLC0415 - as above
    from huggingface_hub import snapshot_download  # noqa: PLC0415
    from huggingface_hub.errors import LocalEntryNotFoundError  # noqa: PLC0415

    repository = _MODELS.get(name, name)
    if repository.count("/") != 1 or name.startswith((".", "/")):
        raise STTError(
            f"there is no folder and no speech model {name!r}. Use a folder with a CTranslate2 "
            f"model, a repository such as Systran/faster-whisper-small, or {', '.join(_MODELS)}"
        )
    try:
        return Path(
            snapshot_download(repository, allow_patterns=list(_FILES), local_files_only=local)
        )
    except LocalEntryNotFoundError as error:
        if local:
            return None
        raise STTError(_advice(name, error)) from error
    # The hub's client raises its own, its HTTP library's and the system's.
    except Exception as error:
        raise STTError(_advice(name, error)) from error


def _advice(name: str, error: Exception) -> str:
    return (
        f"the speech model {name!r} could not be downloaded ({type(error).__name__}). Check the name "
        "and the network, or copy a CTranslate2 model to this machine and set "
        "VOICECHAT_WHISPER_MODEL to its folder"
    )


def _load_model(folder: Path, device: str, compute_type: str) -> WhisperModel:
    from faster_whisper import WhisperModel  # noqa: PLC0415 - as above

    try:
        return WhisperModel(str(folder), device=device, compute_type=compute_type)
    except Exception as error:  # CTranslate2 raises RuntimeError, ValueError and others
        raise STTError(f"the speech model in {folder} cannot be loaded: {error}") from error


def _transcribe(model: WhisperModel, pcm: bytes, language: str, cancelled: threading.Event) -> str:
    if cancelled.is_set():
        return ""
    code = language.lower().partition("-")[0] or "en"
    samples = np.frombuffer(pcm, "<i2").astype(np.float32) / _FULL_SCALE
    try:
        segments, _ = model.transcribe(
            samples,
            language=code if code in model.supported_languages else None,
            # One try, not a ladder of temperatures: a person is waiting.
            temperature=0.0,
            beam_size=1,
            condition_on_previous_text=False,
            without_timestamps=True,
        )
        texts = []
        for segment in segments:  # each is decoded when it is asked for
            if cancelled.is_set():
                break
            texts.append(segment.text.strip())
    except Exception as error:  # as above
        raise STTError(f"faster-whisper: {type(error).__name__}") from error
    return " ".join(filter(None, texts))
