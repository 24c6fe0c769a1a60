"""Where sound is kept, as the operator writes it."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from voicechat.media_place import Bucket, media_place

DEFAULT = Path("/default")
AMAZON = "https://s3.us-east-1.amazonaws.com"


@pytest.mark.parametrize(
    ("written", "place"),
    [
        ("", DEFAULT),
        ("/srv/sound", Path("/srv/sound")),
        ("s3://recordings", Bucket("recordings", "", AMAZON, "us-east-1")),
        ("s3://recordings/of/people/", Bucket("recordings", "of/people", AMAZON, "us-east-1")),
        (
            "s3://recordings?region=eu-west-2",
            Bucket("recordings", "", "https://s3.eu-west-2.amazonaws.com", "eu-west-2"),
        ),
        (
            "s3://r3c/x?endpoint=http://store:7070/&region=eu-1&public=https://sound.example.com",
            Bucket("r3c", "x", "http://store:7070", "eu-1", "https://sound.example.com"),
        ),
        (
            "s3://abc?endpoint=http://[::1]:9000",
            Bucket("abc", "", "http://[::1]:9000", "us-east-1"),
        ),
    ],
)
def test_a_path_or_a_bucket(written: str, place: Path | Bucket) -> None:
    assert media_place(written, DEFAULT) == place


def test_a_path_is_absolute_from_then_on() -> None:
    assert media_place("sound", DEFAULT) == Path.cwd() / "sound"


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("http://store/bucket", "neither a path nor an address"),
        ("s3://", "bucket's name"),
        ("s3:recordings", "bucket's name"),
        ("s3://Recordings", "bucket's name"),
        ("s3://key:secret@recordings", "bucket's name"),
        ("s3://recordings/a b", "the folder in the bucket"),
        ("s3://recordings?endpoint", "name=value"),
        ("s3://recordings?endpoit=http://x", "endpoit is not known"),
        ("s3://recordings?endpoint=store:7070", "endpoint is an origin"),
        ("s3://recordings?endpoint=http://", "endpoint is an origin"),
        ("s3://recordings?endpoint=http://x:port", "endpoint is an origin"),
        ("s3://recordings?region=a.b", "region is a name"),
        ("s3://recordings?public=http://x/path", "public is an origin"),
        ("s3://recordings?endpoint=http://key:secret@x", "endpoint is an origin"),
    ],
)
def test_what_is_neither_is_told(written: str, why: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=f"VOICECHAT_MEDIA: .*{why}") as error:
        media_place(written, DEFAULT)
    assert "secret@" not in str(error.value)


def test_browsers_get_sound_where_they_are_sent() -> None:
    assert Bucket("b", "", "http://store:7070", "r").origin == "http://store:7070"
    assert Bucket("b", "", "http://s", "r", public="https://p").origin == "https://p"
