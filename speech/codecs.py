"""Complete audio clips: S16LE mono to MP3, Ogg Opus, FLAC or WAV, and anything back (PyAV).

Blocking: an executor is the place to call these. A second of audio at 22-24 kHz was measured to
cost 6-7 ms as MP3, 7-8 ms as Opus, 0.5-0.8 ms as FLAC.
"""

import io
from collections.abc import Iterator
from typing import IO, Final, Literal, NamedTuple, cast

import av
import av.error
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container.input import InputContainer

from speech.pcm import SAMPLE_BYTES, silence
from speech.resample import resample

Codec = Literal["mp3", "opus", "flac", "wav"]


class AudioError(ValueError):
    """Data that is not audio, or not audio that can be had in the wished form."""


class _Form(NamedTuple):
    container: str
    encoder: str
    sample_format: str
    rates: tuple[int, ...]  # Hz, ascending; empty: any
    bit_rate: int | None  # bit/s
    options: dict[str, str] = {}  # of the encoder


_FORMS: Final[dict[str, _Form]] = {
    # ISO/IEC 11172-3 and 13818-3 rates, and MPEG 2.5's
    "mp3": _Form(
        "mp3",
        "libmp3lame",
        "s16p",
        (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000),
        48_000,
    ),
    # RFC 6716, 2.1.1: the five rates; transparent enough for speech at 24 kb/s
    "opus": _Form(
        "ogg",
        "libopus",
        "s16",
        (8000, 12000, 16000, 24000, 48000),
        24_000,
        {"application": "voip", "vbr": "constrained"},
    ),
    "flac": _Form("flac", "flac", "s16", (), None),
    "wav": _Form("wav", "pcm_s16le", "s16", (), None),
}
CONTENT_TYPES: Final[dict[Codec, str]] = {
    "mp3": "audio/mpeg",
    "opus": "audio/ogg; codecs=opus",
    "flac": "audio/flac",
    "wav": "audio/wav",
}
_BLOCK: Final = 48_000  # samples handed to an encoder at once
_SHORTEST_MS: Final = 20  # no codec writes a file without a single frame that players accept
# Not playlists (hls, concat, dash): they name files and addresses, which FFmpeg would open.
_READABLE: Final = "wav,mp3,ogg,flac,mov,mp4,matroska,webm,aac,aiff,au,caf,amr,w64"
MAX_DECODED_BYTES: Final = 512 * 1024 * 1024
"""``decode`` stops here: 93 minutes at 48 kHz."""


def encode(pcm: bytes, rate: int, codec: Codec) -> bytes:
    """A complete, self-contained clip of ``pcm`` (S16LE mono at ``rate`` Hz).

    Resampled to the next rate above when the codec does not have ``rate``. Raises ``AudioError``
    for an unknown codec, an impossible rate or half a sample. No audio at all becomes 20 ms of
    silence, so that the clip can be played.
    """
    form = _FORMS.get(codec)
    if form is None:
        raise AudioError(f"unknown codec {codec!r}: one of {', '.join(_FORMS)}")
    if len(pcm) % SAMPLE_BYTES:
        raise AudioError(f"{len(pcm)} bytes are not whole S16LE samples")
    if not 1000 <= rate <= 192_000:
        raise AudioError(f"{rate} Hz is not a rate for speech")
    pcm = pcm or silence(_SHORTEST_MS, rate)
    out_rate = _codec_rate(form, rate)
    samples = np.frombuffer(resample(pcm, rate, out_rate), dtype="<i2")
    file = io.BytesIO()
    try:
        with av.open(file, "w", format=form.container) as container:
            stream = cast(
                AudioStream,
                container.add_stream(form.encoder, rate=out_rate, options=form.options),
            )
            stream.layout = "mono"
            stream.format = form.sample_format
            if form.bit_rate is not None:
                stream.bit_rate = _bit_rate(form.bit_rate, out_rate)
            for frame in _frames(samples, out_rate, form.sample_format):
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
    except (av.error.FFmpegError, ValueError) as error:
        raise AudioError(f"cannot encode {codec}: {error}") from error
    return file.getvalue()


def decode(data: bytes) -> tuple[bytes, int]:
    """S16LE mono, and its rate in Hz, of the first audio track of any container.

    Raises ``AudioError`` when there is none, when it is damaged so that nothing can be had, or
    when it is longer than ``MAX_DECODED_BYTES``. A clip that breaks off is decoded up to there.
    """
    decoded = bytearray()
    try:
        with av.open(io.BytesIO(data), "r", options={"format_whitelist": _READABLE}) as container:
            rate = container.streams.audio[0].rate or 0  # IndexError: no audio track
            for pcm in _decoded(container, rate):
                decoded += pcm
                if len(decoded) > MAX_DECODED_BYTES:
                    break
    except (av.error.FFmpegError, ValueError, IndexError) as error:
        if not decoded:
            raise AudioError(f"not audio: {error}") from error
    if len(decoded) > MAX_DECODED_BYTES:
        raise AudioError("audio too long")
    return bytes(decoded), rate


def decode_pieces(file: IO[bytes], rate: int) -> Iterator[bytes]:
    """The same of an open file that can seek, at ``rate`` Hz and piece by piece, of any length.

    Raises ``AudioError``, perhaps after some pieces. ``file`` stays open.
    """
    try:
        with av.open(file, "r", options={"format_whitelist": _READABLE}) as container:
            container.streams.audio[0]  # IndexError: no audio track
            yield from _decoded(container, rate)
    except (av.error.FFmpegError, ValueError, IndexError) as error:
        raise AudioError(f"not audio: {error}") from error


def _decoded(container: InputContainer, rate: int) -> Iterator[bytes]:
    to_mono = AudioResampler(format="s16", layout="mono", rate=rate)
    for frame in container.decode(audio=0):
        for mono in to_mono.resample(frame):
            yield _pcm(mono)
    for mono in to_mono.resample(None):
        yield _pcm(mono)


def _codec_rate(form: _Form, rate: int) -> int:
    if not form.rates:
        return rate
    return next((known for known in form.rates if known >= rate), form.rates[-1])


def _bit_rate(wished: int, rate: int) -> int:
    # At the rates of telephony there is half as much to keep.
    return wished if rate >= 16_000 else min(wished, 24_000)


def _frames(
    samples: "np.ndarray[tuple[int, ...], np.dtype[np.int16]]", rate: int, form: str
) -> Iterator[AudioFrame]:
    for start in range(0, len(samples), _BLOCK):
        block = samples[start : start + _BLOCK].reshape(1, -1)
        frame = AudioFrame.from_ndarray(block, format=form, layout="mono")
        frame.sample_rate = rate
        frame.pts = start
        yield frame


def _pcm(frame: AudioFrame) -> bytes:
    # A plane is padded for alignment: take the samples that count.
    return bytes(frame.planes[0])[: frame.samples * SAMPLE_BYTES]
