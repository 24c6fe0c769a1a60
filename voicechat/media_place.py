"""Where recorded sound is kept, as ``VOICECHAT_MEDIA`` says it: a directory, or a bucket of an S3 store.

``s3://bucket/prefix?endpoint=http://store:7070&region=eu-1&public=https://sound.example.com``
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from django.core.exceptions import ImproperlyConfigured

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_PREFIX = re.compile(r"(/[\w.-]+)*/?", re.ASCII)
_REGION = re.compile(r"[a-z0-9-]{1,40}")
DEFAULT_REGION = "us-east-1"
OPTIONS = {"endpoint", "region", "public"}


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket, and the folder of it in which keys begin.

    ``endpoint`` is where this server reaches the store; ``public`` where browsers do, if they are to
    be sent there and it is not the same.
    """

    name: str
    prefix: str
    endpoint: str
    region: str
    public: str = ""

    @property
    def origin(self) -> str:
        """The origin at which browsers get what is signed for them."""
        return self.public or self.endpoint


def media_place(written: str, default: Path) -> Path | Bucket:
    """Raises ImproperlyConfigured."""
    if not written:
        return default
    if written.startswith("s3:"):
        return _bucket(written)
    if "://" in written:
        raise _wrong("it is neither a path nor an address that begins with s3://")
    return Path(written).resolve()


def _bucket(written: str) -> Bucket:
    address = urlsplit(written)
    if not _BUCKET.fullmatch(address.netloc):
        raise _wrong("after s3:// comes the bucket's name: 3 to 63 of a-z, 0-9, . and -")
    if not _PREFIX.fullmatch(address.path):
        raise _wrong("the folder in the bucket has letters, digits, . _ and -")
    try:
        options = dict(parse_qsl(address.query, strict_parsing=bool(address.query)))
    except ValueError:
        raise _wrong("behind the ? stand name=value, joined by &") from None
    if unknown := set(options) - OPTIONS:
        raise _wrong(f"{', '.join(sorted(unknown))} is not known; {', '.join(sorted(OPTIONS))} are")
    region = options.get("region", DEFAULT_REGION)
    if not _REGION.fullmatch(region):
        raise _wrong("region is a name such as eu-central-1")
    return Bucket(
        name=address.netloc,
        prefix=address.path.strip("/"),
        # Said, so that the origin is known to a letter: pages name it.
        endpoint=_origin(options, "endpoint") or f"https://s3.{region}.amazonaws.com",
        region=region,
        public=_origin(options, "public"),
    )


def _origin(options: dict[str, str], name: str) -> str:
    written = options.get(name, "")
    if not written:
        return ""
    try:
        address = urlsplit(written)
        known = address.scheme in {"http", "https"} and address.hostname and address.port != 0
    except ValueError:
        known = False
    if not known or address.path.strip("/") or address.query or address.username:
        raise _wrong(f"{name} is an origin such as https://store.example.com:9000")
    return f"{address.scheme}://{address.netloc}"


def _wrong(why: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(f"VOICECHAT_MEDIA: {why}.")
