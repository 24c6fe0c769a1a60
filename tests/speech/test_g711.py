"""G.711 against the reference algorithms of ITU-T G.191, on every value there is."""

import warnings
from collections.abc import Callable

import numpy as np
import pytest

from speech import g711

EVERY_SAMPLE = range(-32_768, 32_768)
EVERY_PCM = np.arange(-32_768, 32_768).astype("<i2").tobytes()
EVERY_CODE = bytes(range(256))


def ulaw_compress(sample: int) -> int:
    """As in G.191: 14 bits, ones' complement, a bias of 33, then the search of the segment."""
    magnitude = ((~sample if sample < 0 else sample) >> 2) + 33
    magnitude = min(magnitude, 0x1FFF)
    segment, rest = 1, magnitude >> 6
    while rest:
        segment += 1
        rest >>= 1
    high = 8 - segment
    low = 0xF - ((magnitude >> segment) & 0xF)
    return high << 4 | low | (0x80 if sample >= 0 else 0)


def ulaw_expand(code: int) -> int:
    sign = -1 if code < 0x80 else 1
    mantissa = ~code & 0xFF
    exponent = (mantissa >> 4) & 7
    step = 4 << (exponent + 1)
    return sign * ((0x80 << exponent) + step * (mantissa & 0xF) + step // 2 - 4 * 33)


def alaw_compress(sample: int) -> int:
    """As in G.191: 12 bits, ones' complement, the two lowest segments are linear."""
    magnitude = (~sample if sample < 0 else sample) >> 4
    if magnitude > 15:
        exponent = 1
        while magnitude > 16 + 15:
            magnitude >>= 1
            exponent += 1
        magnitude = magnitude - 16 + (exponent << 4)
    return (magnitude | (0x80 if sample >= 0 else 0)) ^ 0x55


def alaw_expand(code: int) -> int:
    code ^= 0x55
    exponent = (code & 0x7F) >> 4
    mantissa = code & 0xF
    if exponent > 0:
        mantissa += 16
    mantissa = (mantissa << 4) + 8
    if exponent > 1:
        mantissa <<= exponent - 1
    return mantissa if code > 127 else -mantissa


@pytest.mark.parametrize(
    ("encode", "reference"),
    [(g711.encode_ulaw, ulaw_compress), (g711.encode_alaw, alaw_compress)],
)
def test_every_sample_is_encoded_as_the_reference_does(
    encode: Callable[[bytes], bytes], reference: Callable[[int], int]
) -> None:
    assert encode(EVERY_PCM) == bytes(map(reference, EVERY_SAMPLE))


@pytest.mark.parametrize(
    ("decode", "reference"),
    [(g711.decode_ulaw, ulaw_expand), (g711.decode_alaw, alaw_expand)],
)
def test_every_code_is_decoded_as_the_reference_does(
    decode: Callable[[bytes], bytes], reference: Callable[[int], int]
) -> None:
    assert np.frombuffer(decode(EVERY_CODE), "<i2").tolist() == list(map(reference, EVERY_CODE))


def test_a_code_survives_decoding_and_encoding() -> None:
    assert g711.encode_alaw(g711.decode_alaw(EVERY_CODE)) == EVERY_CODE
    # Mu-law has a positive and a negative zero; PCM has one.
    expected = EVERY_CODE.replace(b"\x7f", b"\xff")
    assert g711.encode_ulaw(g711.decode_ulaw(EVERY_CODE)) == expected


def test_silence_is_what_telephone_peers_send() -> None:
    assert g711.encode_ulaw(bytes(4)) == b"\xff\xff"
    assert g711.encode_alaw(bytes(4)) == b"\xd5\xd5"


def test_python_s_own_codec_agrees_but_for_negative_mu_law() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        audioop = pytest.importorskip("audioop")
    assert g711.decode_ulaw(EVERY_CODE) == audioop.ulaw2lin(EVERY_CODE, 2)
    assert g711.decode_alaw(EVERY_CODE) == audioop.alaw2lin(EVERY_CODE, 2)
    assert g711.encode_alaw(EVERY_PCM) == audioop.lin2alaw(EVERY_PCM, 2)
    positive = np.arange(32_768).astype("<i2").tobytes()
    assert g711.encode_ulaw(positive) == audioop.lin2ulaw(positive, 2)
    soft = np.int16(-1).tobytes()
    assert np.frombuffer(g711.decode_ulaw(g711.encode_ulaw(soft)), "<i2") == 0
    assert np.frombuffer(audioop.ulaw2lin(audioop.lin2ulaw(soft, 2), 2), "<i2") == -8


@pytest.mark.parametrize("encode", [g711.encode_ulaw, g711.encode_alaw])
def test_half_a_sample_is_refused(encode: Callable[[bytes], bytes]) -> None:
    with pytest.raises(ValueError, match="multiple"):
        encode(b"abc")


@pytest.mark.parametrize(
    "convert", [g711.encode_ulaw, g711.encode_alaw, g711.decode_ulaw, g711.decode_alaw]
)
def test_nothing_gives_nothing(convert: Callable[[bytes], bytes]) -> None:
    assert convert(b"") == b""
