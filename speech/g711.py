"""G.711, the sound of telephones: mu-law and A-law at 8 bits a sample (ITU-T G.711).

The encoders quantise as the ITU's own reference code does (``ulaw_compress`` and
``alaw_compress`` of ITU-T G.191). Python's old ``audioop`` agrees on A-law; its mu-law rounds every
negative sample away from zero (-1 becomes -8), which turns soft noise into a DC offset. Decoding
knows no such freedom: all agree on the 256 values.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

_Table = npt.NDArray[np.int16]
_Codes = npt.NDArray[np.uint8]

_ULAW_BIAS: Final = 33  # of 14 bit magnitudes, so that segments begin at powers of two
_ULAW_MAX: Final = 0x1FFF
_ALAW_EVEN_BITS: Final = 0x55  # A-law inverts every other bit on the line


def decode_ulaw(coded: bytes) -> bytes:
    """Mu-law codes as S16LE, two bytes for each."""
    pcm: bytes = _ULAW_TO_PCM[np.frombuffer(coded, np.uint8)].tobytes()
    return pcm


def decode_alaw(coded: bytes) -> bytes:
    """A-law codes as S16LE, two bytes for each."""
    pcm: bytes = _ALAW_TO_PCM[np.frombuffer(coded, np.uint8)].tobytes()
    return pcm


def encode_ulaw(pcm: bytes) -> bytes:
    """S16LE as mu-law, one byte a sample. Raises ``ValueError`` for half a sample."""
    coded: bytes = _PCM_TO_ULAW[np.frombuffer(pcm, "<u2")].tobytes()
    return coded


def encode_alaw(pcm: bytes) -> bytes:
    """S16LE as A-law, one byte a sample. Raises ``ValueError`` for half a sample."""
    coded: bytes = _PCM_TO_ALAW[np.frombuffer(pcm, "<u2")].tobytes()
    return coded


def _ulaw_to_pcm() -> _Table:
    code = ~np.arange(256, dtype=np.uint8) & 0xFF
    segment, step = (code >> 4 & 7).astype(int), (code & 15).astype(int)
    magnitude = ((2 * step + _ULAW_BIAS) << segment) - _ULAW_BIAS
    return np.asarray(np.where(code & 0x80, -magnitude, magnitude) * 4, dtype="<i2")


def _alaw_to_pcm() -> _Table:
    code = np.arange(256, dtype=np.uint8) ^ _ALAW_EVEN_BITS
    segment, step = (code >> 4 & 7).astype(int), (code & 15).astype(int)
    # The lowest segment is linear, the others begin at powers of two.
    magnitude = np.where(segment, (2 * step + 33) << np.maximum(segment - 1, 0), 2 * step + 1)
    return np.asarray(np.where(code & 0x80, magnitude, -magnitude) * 8, dtype="<i2")


def _pcm_to_ulaw() -> _Codes:
    sample = _all_samples()
    magnitude = np.minimum((np.where(sample < 0, ~sample, sample) >> 2) + _ULAW_BIAS, _ULAW_MAX)
    segment = _bit_length(magnitude) - 6
    code = segment << 4 | magnitude >> segment + 1 & 15 | np.where(sample < 0, 0x80, 0)
    return np.asarray(~code & 0xFF, dtype=np.uint8)


def _pcm_to_alaw() -> _Codes:
    sample = _all_samples()
    magnitude = np.where(sample < 0, ~sample, sample) >> 4
    segment = np.maximum(_bit_length(magnitude) - 4, 0)
    code = segment << 4 | magnitude >> np.maximum(segment - 1, 0) & 15
    code |= np.where(sample < 0, 0, 0x80)
    return np.asarray(code ^ _ALAW_EVEN_BITS, dtype=np.uint8)


def _all_samples() -> npt.NDArray[np.int64]:
    """Every 16 bit sample, at the place of its unsigned value."""
    return np.arange(0x10000, dtype=np.uint16).view(np.int16).astype(np.int64)


def _bit_length(magnitude: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    return np.frexp(magnitude)[1].astype(np.int64)


_ULAW_TO_PCM: Final = _ulaw_to_pcm()
_ALAW_TO_PCM: Final = _alaw_to_pcm()
_PCM_TO_ULAW: Final = _pcm_to_ulaw()
_PCM_TO_ALAW: Final = _pcm_to_alaw()
