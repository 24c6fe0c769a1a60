"""Audio that is encoded while it is still being spoken: S16LE mono in, bytes of a format out.

Nothing is ever rewritten, so what has been returned may have left. Encoding MP3 or Opus costs
5-12 ms of a core per second of audio: an executor is the place for that. The others cost less than
a hop into one would (``is_slow``).
"""

import struct
from typing import Final, Literal, NamedTuple, Protocol, cast

import av
import av.error
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container.output import OutputContainer

from speech import g711
from speech.codecs import AudioError
from speech.pcm import SAMPLE_BYTES, silence

Format = Literal["mp3", "wav", "mulaw", "pcm", "ogg", "flac", "aac"]
FORMATS: Final[tuple[Format, ...]] = ("mp3", "wav", "mulaw", "pcm", "ogg", "flac", "aac")

CONTENT_TYPES: Final[dict[Format, str]] = {
    "mp3": "audio/mpeg",
    "wav": "audio/wav",
    "mulaw": "audio/basic",
    "pcm": "application/octet-stream",
    "ogg": "audio/ogg",
    "flac": "audio/flac",
    "aac": "audio/aac",
}
LOWEST_RATE: Final = 8_000
HIGHEST_RATE: Final = 48_000
UNKNOWN_SIZE: Final = 0xFFFFFFFF
"""In a RIFF header: the file goes on to its end."""

_SHORTEST_MS: Final = 20  # no player accepts a file without a frame
_PAGE_US: Final = "100000"  # an Ogg page waits for a second of audio unless told otherwise


class _Muxed(NamedTuple):
    container: str
    encoder: str
    sample_format: str
    rates: tuple[int, ...]  # Hz, ascending; empty: any
    bit_rate: int | None  # bit/s
    encoder_options: dict[str, str]
    container_options: dict[str, str]


_MPEG_RATES: Final = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
_MUXED: Final[dict[str, _Muxed]] = {
    # Without the Xing frame, which is completed at the end, and without ID3. LAME's quality 7 takes
    # half the time of its usual 5.
    "mp3": _Muxed(
        "mp3",
        "libmp3lame",
        "s16p",
        _MPEG_RATES,
        48_000,
        {"compression_level": "7"},
        {"write_xing": "0", "id3v2_version": "0"},
    ),
    # RFC 7845. The serial number is ours with "bitexact" alone. Decoders play it at 48 kHz; the rate asked for is what its header remembers.
    "ogg": _Muxed(
        "ogg",
        "libopus",
        "s16",
        (8000, 12000, 16000, 24000, 48000),
        24_000,
        {"application": "voip", "vbr": "constrained", "compression_level": "5"},
        {"page_duration": _PAGE_US, "fflags": "bitexact"},
    ),
    "flac": _Muxed("flac", "flac", "s16", (), None, {}, {}),
    # ADTS frames (ISO/IEC 13818-7), as OpenAI's "aac".
    "aac": _Muxed("adts", "aac", "fltp", _MPEG_RATES, 48_000, {}, {}),
}


class Encoder(Protocol):
    """One stream of audio on its way out. For one thread at a time."""

    rate: int
    """Hz of the S16LE that ``feed`` takes: the wished rate, or the next one that the format has."""

    is_slow: bool
    """Whether it belongs into an executor."""

    header: bytes
    """What goes before everything else, and (WAV) in a frame of its own; b"" where there is none."""

    def feed(self, pcm: bytes) -> bytes:
        """Encode whole samples; b"" while the encoder still collects. Raises ``AudioError``."""
        ...

    def finish(self) -> bytes:
        """What was held back; the stream is complete then. Of nothing fed, 20 ms of silence."""
        ...


def encoder_for(format: Format, rate: int, serial: int = 0) -> Encoder:
    """An encoder for audio at about ``rate`` Hz (8 000 to 48 000). Raises ``AudioError``.

    ``serial`` tells Ogg streams that are played one after the other apart (RFC 3533): 31 bits.
    """
    if not LOWEST_RATE <= rate <= HIGHEST_RATE:
        raise AudioError(f"{rate} Hz is not between {LOWEST_RATE} and {HIGHEST_RATE}")
    if format == "pcm":
        return _Plain(rate)
    if format == "wav":
        return _Plain(rate, wav_header(rate))
    if format == "mulaw":
        return _MuLaw(rate)
    if format not in _MUXED:
        raise AudioError(f"unknown format {format!r}: one of {', '.join(FORMATS)}")
    return _Container(_MUXED[format], rate, serial)


def wav_header(rate: int, data_bytes: int | None = None) -> bytes:
    """The 44 bytes before the samples of a WAV (RIFF, PCM, 16 bit, mono); None: size not known yet."""
    if data_bytes is None:
        data_size = riff_size = UNKNOWN_SIZE
    else:
        data_size, riff_size = data_bytes, 36 + data_bytes
    byte_rate = rate * SAMPLE_BYTES
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        *(b"RIFF", riff_size, b"WAVE", b"fmt ", 16, 1, 1, rate, byte_rate, SAMPLE_BYTES, 16),
        *(b"data", data_size),
    )


class _Plain:
    is_slow = False

    def __init__(self, rate: int, header: bytes = b"") -> None:
        self.rate, self.header = rate, header
        self._empty = True

    def feed(self, pcm: bytes) -> bytes:
        self._empty = self._empty and not pcm
        return pcm

    def finish(self) -> bytes:
        return silence(_SHORTEST_MS, self.rate) if self._empty else b""


class _MuLaw(_Plain):
    def feed(self, pcm: bytes) -> bytes:
        return g711.encode_ulaw(super().feed(pcm))

    def finish(self) -> bytes:
        return g711.encode_ulaw(super().finish())


class _Written:
    """The file that FFmpeg writes into; it cannot seek, and has no name."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def write(self, data: bytes) -> int:
        self._bytes += data
        return len(data)

    def take(self) -> bytes:
        taken = bytes(self._bytes)
        self._bytes.clear()
        return taken


class _Container:
    is_slow = True
    header = b""

    def __init__(self, form: _Muxed, rate: int, serial: int) -> None:
        self.rate = next((known for known in form.rates if known >= rate), rate)
        self._form = form
        self._written = _Written()
        self._samples = 0
        options = dict(form.container_options)
        if form.container == "ogg":
            options["serial_offset"] = str(serial & 0x7FFFFFFF)
        try:
            self._container: OutputContainer = av.open(
                self._written, "w", format=form.container, options=options
            )
            self._stream = cast(
                AudioStream,
                self._container.add_stream(
                    form.encoder, rate=self.rate, options=form.encoder_options
                ),
            )
            self._stream.layout = "mono"
            self._stream.format = form.sample_format
            if form.bit_rate is not None:
                # At the rates of telephony there is half as much to keep.
                self._stream.bit_rate = form.bit_rate if self.rate >= 16_000 else 24_000
        except (av.error.FFmpegError, ValueError) as error:
            raise AudioError(f"cannot encode {form.container}: {error}") from error

    def feed(self, pcm: bytes) -> bytes:
        if pcm:
            self._encode(pcm)
        return self._written.take()

    def finish(self) -> bytes:
        if not self._samples:
            self._encode(silence(_SHORTEST_MS, self.rate))
        try:
            self._container.mux(self._stream.encode(None))
            self._container.close()
        except (av.error.FFmpegError, ValueError) as error:
            raise AudioError(f"cannot encode: {error}") from error
        return self._written.take()

    def _encode(self, pcm: bytes) -> None:
        samples = np.frombuffer(pcm, dtype="<i2").reshape(1, -1)
        if self._form.sample_format == "fltp":
            block = (samples / np.float32(32_768)).astype(np.float32)
            frame = AudioFrame.from_ndarray(block, format="fltp", layout="mono")
        else:
            frame = AudioFrame.from_ndarray(samples, format=self._form.sample_format, layout="mono")
        frame.sample_rate = self.rate
        frame.pts = self._samples
        self._samples += samples.shape[1]
        try:
            self._container.mux(self._stream.encode(frame))
        except (av.error.FFmpegError, ValueError) as error:
            raise AudioError(f"cannot encode: {error}") from error
