"""Recordings in a bucket, for tests."""

from __future__ import annotations

import uuid
from typing import Any


def recordings_in_a_bucket(endpoint: str, **more: Any) -> dict[str, Any]:
    """An entry of STORAGES: a bucket of its own at the store, which is not made yet."""
    options = {
        "bucket_name": f"test-{uuid.uuid4().hex}",
        "location": "sound",
        "endpoint_url": endpoint,
        "access_key": "key",
        "secret_key": "secret",
        "region_name": "us-east-1",
    }
    return {"BACKEND": "conversations.object_store.ObjectStore", "OPTIONS": options | more}
