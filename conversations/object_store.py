"""Recordings in a bucket of an S3-compatible store (``VOICECHAT_MEDIA``).

django-storages speaks to it. What is said here: that a store which hangs is given up soon, that its
errors are OSErrors as a disk's are, and where browsers may fetch what they may hear.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import boto3
from boto3.exceptions import Boto3Error
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.core.files.base import File
from storages.backends.s3 import S3Storage

# Somebody waits for a thread meanwhile. Recordings are small: 200 kB a turn.
CONNECT_S = 2
READ_S = 5
ATTEMPTS = 2
# A larger file that is read goes through a temporary one.
MEMORY_BYTES = 8 * 1024 * 1024


class ObjectStore(S3Storage):  # type: ignore[misc] # django-storages is untyped
    """A bucket, from ``location`` on. ``public_url`` is what browsers know the store by (None: the same)."""

    def __init__(self, public_url: str | None = None, **settings: Any) -> None:
        config = Config(
            connect_timeout=CONNECT_S,
            read_timeout=READ_S,
            retries={"total_max_attempts": ATTEMPTS, "mode": "standard"},
            signature_version="s3v4",
            # A host for each bucket is Amazon's; others have none in general, and pages would have to know it.
            s3={"addressing_style": "path"},
            tcp_keepalive=True,
            # Stores that are not Amazon's do not know the newer check sums.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        )
        super().__init__(
            client_config=config,
            transfer_config=TransferConfig(use_threads=False),
            max_memory_size=MEMORY_BYTES,
            file_overwrite=True,
            # Not out of Django's settings, where somebody might have others for other things.
            default_acl=None,
            custom_domain=None,
            querystring_auth=True,
            **settings,
        )
        self._making = threading.Lock()
        self._session: boto3.Session | None = None
        # Signed is for one host; nothing is asked there.
        self._public = (
            ObjectStore(**(settings | {"endpoint_url": public_url})) if public_url else None
        )

    def prepare(self) -> None:
        """Make the bucket if it is missing. Raises OSError."""
        with _as_os_errors(self.bucket_name):
            client = self.connection.meta.client
            try:
                client.head_bucket(Bucket=self.bucket_name)
            except ClientError as error:
                if _status(error) != 404:
                    raise
                client.create_bucket(Bucket=self.bucket_name, **self._where())

    def url(
        self,
        name: str,
        parameters: dict[str, Any] | None = None,
        expire: int | None = None,
        http_method: str | None = None,
    ) -> str:
        """A signed address for ``http_method``, good for ``expire`` seconds. Asks the store nothing."""
        if self._public is not None:
            return self._public.url(name, parameters, expire, http_method)
        return str(super().url(name, parameters, expire, http_method))

    def delete(self, name: str) -> None:
        with _as_os_errors(name):
            super().delete(name)

    def exists(self, name: str) -> bool:
        with _as_os_errors(name):
            return bool(super().exists(name))

    def size(self, name: str) -> int:
        with _as_os_errors(name):
            return int(super().size(name))

    def listdir(self, path: str) -> tuple[list[str], list[str]]:
        with _as_os_errors(path):
            folders, files = super().listdir(path)
            return folders, files

    def get_modified_time(self, name: str) -> datetime:
        with _as_os_errors(name):
            modified: datetime = super().get_modified_time(name)
            return modified

    def _open(self, name: str, mode: str = "rb") -> File[bytes]:
        with _as_os_errors(name):
            file: File[bytes] = super()._open(name, mode)
            file.open()  # fetched at once, so that what goes wrong does so here
            return file

    def _save(self, name: str, content: File[bytes]) -> str:
        try:
            with _as_os_errors(name):
                return str(super()._save(name, content))
        except FileNotFoundError:
            raise OSError(f"the bucket {self.bucket_name} is not there") from None

    def _create_session(self) -> boto3.Session:
        """One for all threads: each would read the description of all services again."""
        with self._making:
            if self._session is None:
                self._session = super()._create_session()
            return self._session

    @property
    def bucket(self) -> Any:
        return self.connection.Bucket(self.bucket_name)

    @property
    def connection(self) -> Any:
        """One for each thread, as boto3 wants it."""
        known = getattr(self._connections, "connection", None)
        if known is not None:
            return known
        self._create_session()
        with self._making:  # a session makes one thing at a time
            session = self._session
            assert session is not None
            self._connections.connection = session.resource(
                "s3",
                region_name=self.region_name,
                endpoint_url=self.endpoint_url,
                config=self.client_config,
            )
        return self._connections.connection

    def _where(self) -> dict[str, Any]:
        """Amazon wants its first region to go unsaid."""
        if self.region_name in {None, "us-east-1"}:
            return {}
        return {"CreateBucketConfiguration": {"LocationConstraint": self.region_name}}


@contextmanager
def _as_os_errors(name: str) -> Iterator[None]:
    """Raises FileNotFoundError for what is not there, OSError for all else that the store says."""
    try:
        yield
    except ClientError as error:
        status = _status(error)
        if status == 404:
            raise FileNotFoundError(f"{name} is not in the store") from None
        raise OSError(f"the store refuses {name}: {status}") from None
    except (BotoCoreError, Boto3Error) as error:
        raise OSError(f"the store does not answer for {name}: {type(error).__name__}") from None


def _status(error: ClientError) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
