"""Each format, encoded as it is spoken and decoded again: length, rate and spectrum."""

from __future__ import annotations

import io
import struct

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speech import g711
from speech.codecs import AudioError
from speech.encoders import FORMATS, Format, encoder_for, wav_header
from speech.pcm import chunks, duration_ms, silence
from speech.tts.chain import build_chain
from tests.speech.sounds import bands

# Of a telephone, of our engine, of CDs and of studios.
RATES = (8000, 16000, 22050, 24000, 44100, 48000)
CONTAINERS: tuple[Format, ...] = ("mp3", "wav", "ogg", "flac", "aac")
# MP3, AAC and Opus add silence before and after: up to two frames each.
PADDING_S = 0.3


def tones(rate: int, seconds: float = 2.0) -> bytes:
    """A chord within the band of a telephone, that comes and goes."""
    time = np.arange(int(rate * seconds)) / rate
    wave = sum(np.sin(2 * np.pi * hz * time) for hz in (300, 700, 1500, 2600))
    swell = np.sin(np.pi * time / seconds)
    return (wave * swell * 4000).astype("<i2").tobytes()


def encoded(format: Format, rate: int, pcm_of=tones, piece_ms: float = 60) -> tuple[bytes, int]:
    encoder = encoder_for(format, rate)
    parts = [encoder.header]
    parts += [encoder.feed(piece) for piece in chunks(pcm_of(encoder.rate), encoder.rate, piece_ms)]
    return b"".join([*parts, encoder.finish()]), encoder.rate


def decoded(data: bytes, format: Format, rate: int) -> tuple[np.ndarray, int]:
    """What PyAV makes of it: samples and their rate."""
    if format == "pcm":
        return np.frombuffer(data, "<i2").astype(float), rate
    if format == "mulaw":
        return np.frombuffer(g711.decode_ulaw(data), "<i2").astype(float), rate
    with av.open(io.BytesIO(data)) as container:
        stream = container.streams.audio[0]
        resampler = av.AudioResampler(format="s16", layout="mono", rate=stream.rate)
        frames = [mono for frame in container.decode(stream) for mono in resampler.resample(frame)]
    samples = np.concatenate([frame.to_ndarray()[0] for frame in frames]).astype(float)
    return samples, stream.rate


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("format", FORMATS)
def test_it_can_be_decoded_again_with_its_length_rate_and_spectrum(format, rate) -> None:
    data, fed_rate = encoded(format, rate)
    samples, real_rate = decoded(data, format, fed_rate)
    # Opus is decoded at 48 kHz, whatever it was made of (RFC 7845, 5.1).
    assert real_rate == (48_000 if format == "ogg" else fed_rate)
    assert fed_rate >= rate
    padding = 0.0 if format in ("pcm", "wav", "mulaw", "flac") else PADDING_S
    assert len(samples) / real_rate == pytest.approx(2.0, abs=padding + 0.001)
    plain = np.frombuffer(tones(fed_rate), "<i2").astype(float)
    assert bands(samples, real_rate) == pytest.approx(bands(plain, fed_rate), abs=0.05)


@pytest.mark.parametrize("format", ["mp3", "ogg", "flac", "aac"])
def test_its_first_bytes_leave_before_all_is_known(format) -> None:
    encoder = encoder_for(format, 24_000)
    said = tones(24_000, 10)
    fed = 0
    for piece in chunks(said, 24_000, 60):
        fed += len(piece)
        if encoder.feed(piece):
            break
    assert duration_ms(fed, 24_000) < 500


@pytest.mark.parametrize("format", CONTAINERS)
def test_of_nothing_it_is_a_file_that_can_be_played(format) -> None:
    encoder = encoder_for(format, 24_000)
    samples, _rate = decoded(encoder.header + encoder.finish(), format, 24_000)
    assert len(samples) > 0
    assert np.abs(samples).max() <= 1


@pytest.mark.parametrize("format", ["pcm", "mulaw"])
def test_of_nothing_it_is_20_ms_of_silence(format) -> None:
    encoder = encoder_for(format, 8000)
    samples, _rate = decoded(encoder.finish(), format, 8000)
    assert len(samples) == 160
    assert np.abs(samples).max() <= 1


@settings(max_examples=15, deadline=None)
@given(cuts=st.lists(st.integers(1, 9000), min_size=1, max_size=20))
@pytest.mark.parametrize("format", FORMATS)
def test_how_it_was_cut_changes_nothing(format, cuts) -> None:
    said = tones(24_000, 0.5)
    whole = encoder_for(format, 24_000)
    at_once = whole.feed(said) + whole.finish()
    encoder = encoder_for(format, 24_000)
    parts, at = [], 0
    while at < len(said):
        size = 2 * cuts[len(parts) % len(cuts)]
        parts.append(encoder.feed(said[at : at + size]))
        at += size
    assert b"".join(parts) + encoder.finish() == at_once


def test_the_header_of_a_wav_stands_by_itself_and_knows_no_end() -> None:
    encoder = encoder_for("wav", 16_000)
    assert len(encoder.header) == 44
    assert encoder.header[:4] == b"RIFF"
    assert struct.unpack_from("<I", encoder.header, 40) == (0xFFFFFFFF,)
    assert encoder.feed(b"\1\2") == b"\1\2"


def test_a_wav_of_known_length_says_it() -> None:
    header = wav_header(8000, 16_000)
    assert struct.unpack_from("<I", header, 4) == (16_036,)
    assert struct.unpack_from("<I", header, 40) == (16_000,)


def test_ogg_streams_one_after_the_other_are_told_apart() -> None:
    one, two = encoder_for("ogg", 24_000, 7), encoder_for("ogg", 24_000, 8)
    said = silence(500, 24_000)
    first = one.feed(said) + one.finish()
    second = two.feed(said) + two.finish()
    # RFC 3533: the serial number is at byte 14 of a page.
    assert struct.unpack_from("<I", first, 14) == (7,)
    assert struct.unpack_from("<I", second, 14) == (8,)
    # Two with one number would be a stream that begins again in its middle.
    samples, rate = decoded(first + second, "ogg", 24_000)
    assert len(samples) / rate == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize("rate", [0, 7, 7999, 48_001])
def test_other_rates_are_refused(rate) -> None:
    with pytest.raises(AudioError):
        encoder_for("mp3", rate)


def test_an_unknown_format_is_refused() -> None:
    with pytest.raises(AudioError, match="mp4"):
        encoder_for("mp4", 24_000)  # type: ignore[arg-type]


async def test_what_is_repeatable_is_so_in_the_middle_of_other_speech() -> None:
    said = []
    for _ in range(2):
        chain = build_chain(["espeak"], cache_bytes=0)
        chosen = chain.choose("espeak:en-us", "en")
        text = "Hello there. How are you today?"
        stream = chosen.stream(text, 1.2, repeatably=True)
        said.append(b"".join([piece async for piece in stream]))
        other = chosen.stream("Something else, in between.")
        assert [piece async for piece in other]
    assert said[0] == said[1]
    assert duration_ms(len(said[0]), chosen.rate) > 1000
