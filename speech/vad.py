"""How likely a window of sound is speech: the Silero VAD (v6) on onnxruntime."""

import functools
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import onnxruntime

WINDOW: Final = 512
"""Samples in a window: 32 ms at 16 kHz."""
_CONTEXT: Final = 64  # samples of the window before that the model sees again
_STATE_SHAPE: Final = (1, 1, 128)
_FULL_SCALE: Final = 32_768
_OUTPUTS: Final = ("speech_probs", "hn", "cn")


class VadMissing(Exception):
    """The model is not installed."""


class SileroVad:
    """Judges the consecutive windows of one caller's audio; remembers 4 KB from each to the next.

    The model itself is loaded once per process. A window takes some 50-90 µs of one core, less
    than handing it to another thread would. Raises ``VadMissing``.
    """

    def __init__(self) -> None:
        self._session = _session()
        self._input = np.zeros((1, _CONTEXT + WINDOW), np.float32)
        self.reset()

    def reset(self) -> None:
        """Forget what was heard: the next window begins another stretch of audio."""
        self._input.fill(0)
        self._h = self._c = np.zeros(_STATE_SHAPE, np.float32)

    def __call__(self, window: npt.NDArray[np.int16] | npt.NDArray[np.float32]) -> float:
        """The probability, 0-1, of speech in the next 512 samples at 16 kHz (int16, or float32 within ±1).

        Raises ``ValueError`` for another number of samples.
        """
        self.pass_over(window)
        probability, self._h, self._c = self._session.run(
            _OUTPUTS, {"input": self._input, "h": self._h, "c": self._c}
        )
        return float(probability[0])

    def pass_over(self, window: npt.NDArray[np.int16] | npt.NDArray[np.float32]) -> None:
        """The next window is not to be judged, only to be known when the one after it is."""
        if window.shape != (WINDOW,):
            raise ValueError(f"a window has {WINDOW} samples, not {window.shape}")
        samples = self._input[0]
        samples[:_CONTEXT] = samples[-_CONTEXT:]
        if window.dtype == np.int16:
            np.divide(window, _FULL_SCALE, out=samples[_CONTEXT:], dtype=np.float32)
        else:
            samples[_CONTEXT:] = window


@functools.cache
def _session() -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    # One small model called from the event loop: threads would cost more than they bring, and
    # an arena would keep what it once took.
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.enable_cpu_mem_arena = False
    return onnxruntime.InferenceSession(_model(), options, providers=["CPUExecutionProvider"])


def _model() -> Path:
    # Importing faster_whisper would bring its whole engine along.
    package = find_spec("faster_whisper")
    if package is None or package.origin is None:
        raise VadMissing("faster-whisper, which brings the Silero VAD, is not installed")
    model = Path(package.origin).parent / "assets" / "silero_vad_v6.onnx"
    if not model.is_file():
        raise VadMissing(f"faster-whisper holds no {model.name}: version 1.2.1 has it")
    return model
