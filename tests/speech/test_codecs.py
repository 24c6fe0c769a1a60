import io
from pathlib import Path

import pytest

from speech.codecs import AudioError, Codec, decode, decode_pieces, encode
from speech.tempo import change_tempo
from speech.tts.espeak import EspeakEngine
from tests.speech.sounds import loudness, pitch, seconds, tone

CODECS: list[Codec] = ["mp3", "opus", "flac", "wav"]


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("rate", [8_000, 11_000, 16_000, 22_050, 24_000, 48_000, 96_000])
def test_a_clip_sounds_the_same_when_it_is_decoded(codec: Codec, rate: int) -> None:
    pcm = tone(440, 2.0, rate)
    decoded, decoded_rate = decode(encode(pcm, rate, codec))
    assert pitch(decoded, decoded_rate) == pytest.approx(440, abs=3)
    assert loudness(decoded) == pytest.approx(loudness(pcm), rel=0.1)
    assert seconds(decoded, decoded_rate) == pytest.approx(2.0, abs=0.06)


@pytest.mark.parametrize("codec", ["flac", "wav"])
def test_flac_and_wav_lose_nothing(codec: Codec) -> None:
    pcm = tone(440, 0.5, 22_050)
    assert decode(encode(pcm, 22_050, codec)) == (pcm, 22_050)


@pytest.mark.parametrize(
    ("codec", "magic"), [("mp3", b"ID3"), ("opus", b"OggS"), ("flac", b"fLaC"), ("wav", b"RIFF")]
)
def test_a_clip_begins_as_its_format_says(codec: Codec, magic: bytes) -> None:
    assert encode(tone(440, 0.1, 24_000), 24_000, codec).startswith(magic)


@pytest.mark.parametrize(("codec", "bits_per_second"), [("mp3", 50_000), ("opus", 28_000)])
async def test_speech_stays_small(codec: Codec, bits_per_second: int) -> None:
    engine = EspeakEngine()
    pcm = b"".join([c async for c in engine.synthesize("Hello my friend. " * 5, "espeak:en-us")])
    clip = encode(pcm, engine.rate, codec)
    assert len(clip) * 8 / seconds(pcm, engine.rate) < bits_per_second


@pytest.mark.parametrize("codec", CODECS)
def test_no_audio_is_a_clip_that_can_be_decoded(codec: Codec) -> None:
    decoded, rate = decode(encode(b"", 24_000, codec))
    assert seconds(decoded, rate) < 0.1


def test_stereo_becomes_mono() -> None:
    header = bytearray(encode(tone(440, 1.0, 16_000), 16_000, "wav"))
    header[22] = 2  # channels
    header[32] = 4  # bytes per frame
    decoded, rate = decode(bytes(header))
    assert seconds(decoded, rate) == pytest.approx(0.5)


@pytest.mark.parametrize("data", [b"", b"garbage" * 100, b"RIFF\0\0\0\0WAVE", bytes(5000), b"ID3"])
def test_what_is_no_audio_is_an_error(data: bytes) -> None:
    with pytest.raises(AudioError):
        decode(data)


def test_a_playlist_is_not_followed(tmp_path: Path) -> None:
    clip = tmp_path / "secret.wav"
    clip.write_bytes(encode(tone(440, 1.0, 8000), 8000, "wav"))
    for playlist in (
        f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile://{clip}\n#EXT-X-ENDLIST\n",
        f"ffconcat version 1.0\nfile '{clip}'\n",
    ):
        with pytest.raises(AudioError):
            decode(playlist.encode())


def test_a_clip_that_breaks_off_is_decoded_up_to_there() -> None:
    clip = encode(tone(440, 2.0, 24_000), 24_000, "mp3")
    decoded, rate = decode(clip[: len(clip) // 2])
    assert 0.5 < seconds(decoded, rate) < 1.2


@pytest.mark.parametrize(
    ("pcm", "rate", "codec"), [(b"abc", 8000, "wav"), (b"ab", 0, "mp3"), (b"ab", 8000, "aac")]
)
def test_what_cannot_be_encoded_is_an_error(pcm: bytes, rate: int, codec: Codec) -> None:
    with pytest.raises(AudioError):
        encode(pcm, rate, codec)


@pytest.mark.parametrize("speed", [0.5, 0.8, 1.0, 1.3, 2.0])
def test_another_tempo_keeps_the_pitch(speed: float) -> None:
    pcm = change_tempo(tone(440, 3.0, 24_000), 24_000, speed)
    assert seconds(pcm, 24_000) == pytest.approx(3.0 / speed, rel=0.03)
    assert pitch(pcm, 24_000) == pytest.approx(440, abs=4)


def test_no_audio_at_another_tempo_is_no_audio() -> None:
    assert change_tempo(b"", 24_000, 1.5) == b""


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("rate", [8_000, 24_000])
def test_a_file_read_in_pieces_sounds_like_one_read_at_once(codec: Codec, rate: int) -> None:
    clip = encode(tone(440, 2.0, 24_000), 24_000, codec)
    pieces = list(decode_pieces(io.BytesIO(clip), rate))
    assert len(pieces) > 10
    assert pitch(b"".join(pieces), rate) == pytest.approx(440, abs=3)
    assert seconds(b"".join(pieces), rate) == pytest.approx(2.0, abs=0.06)
    whole, own_rate = decode(clip)
    assert own_rate != rate or b"".join(pieces) == whole


@pytest.mark.parametrize("data", [b"", b"RIFF", b"no sound at all" * 100])
def test_what_is_no_audio_is_an_error_in_pieces_too(data: bytes) -> None:
    with pytest.raises(AudioError):
        next(decode_pieces(io.BytesIO(data), 24_000))
