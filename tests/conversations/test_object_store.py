"""Recordings in a bucket of a store that speaks S3: in, out, signed, and when it is away."""

from __future__ import annotations

import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from django.core.files.base import ContentFile

from accounts.models import Person
from conversations import media
from conversations.models import AudioSegment
from conversations.object_store import ObjectStore
from conversations.retention import checking
from tests.services import free_port

from .bucket import recordings_in_a_bucket
from .kept import keep_conversation, keep_sound, keep_turn

KEY = "ab/0000/1.mp3"


@pytest.fixture
def store(object_store: str) -> ObjectStore:
    made = ObjectStore(**recordings_in_a_bucket(object_store)["OPTIONS"])
    made.prepare()
    return made


@pytest.fixture
def kept_in_a_bucket(object_store: str, settings: Any) -> None:
    settings.STORAGES = settings.STORAGES | {"recordings": recordings_in_a_bucket(object_store)}
    media.prepare()


def test_what_is_saved_can_be_read_found_and_deleted(store: ObjectStore) -> None:
    assert store.save(KEY, ContentFile(b"sound")) == KEY
    assert store.exists(KEY)
    assert store.size(KEY) == 5
    assert store.listdir("ab") == (["0000"], [])
    with store.open(KEY, "rb") as file:
        file.seek(2)
        assert file.read() == b"und"
    store.delete(KEY)
    store.delete(KEY)
    assert not store.exists(KEY)


def test_the_same_key_again_is_the_same_file(store: ObjectStore) -> None:
    store.save(KEY, ContentFile(b"one"))
    assert store.save(KEY, ContentFile(b"other")) == KEY
    assert store.size(KEY) == 5


def test_what_is_missing_is_missing_as_on_a_disk(store: ObjectStore) -> None:
    with pytest.raises(FileNotFoundError):
        store.open(KEY, "rb")
    with pytest.raises(FileNotFoundError):
        store.size(KEY)


def test_a_bucket_that_is_there_stays_as_it_is(store: ObjectStore) -> None:
    store.save(KEY, ContentFile(b"sound"))
    store.prepare()
    assert store.exists(KEY)


def test_a_bucket_that_is_not_there_is_no_missing_file(object_store: str) -> None:
    store = ObjectStore(**recordings_in_a_bucket(object_store)["OPTIONS"])
    with pytest.raises(OSError, match=r"the bucket .* is not there") as error:
        store.save(KEY, ContentFile(b"sound"))
    assert not isinstance(error.value, FileNotFoundError)


def test_a_store_that_is_away_is_an_error_of_the_system() -> None:
    away = f"http://127.0.0.1:{free_port()}"
    store = ObjectStore(**recordings_in_a_bucket(away)["OPTIONS"])
    began = time.monotonic()
    for attempt in (
        store.prepare,
        lambda: store.save(KEY, ContentFile(b"sound")),
        lambda: store.open(KEY, "rb"),
        lambda: store.size(KEY),
        lambda: store.delete(KEY),
    ):
        with pytest.raises(OSError, match="does not answer") as error:
            attempt()
        assert not isinstance(error.value, FileNotFoundError)
    assert time.monotonic() - began < 30


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_an_address_is_signed_for_one_method_and_a_while(store: ObjectStore, method: str) -> None:
    store.save(KEY, ContentFile(b"0123456789"))
    address = store.url(KEY, expire=120, http_method=method)
    asked = parse_qs(urlsplit(address).query)
    assert asked["X-Amz-Expires"] == ["120"]
    assert asked["X-Amz-SignedHeaders"] == ["host"]
    answer = httpx.request(method, address, headers={"Range": "bytes=2-4"})
    assert answer.status_code in ({206} if method == "GET" else {200, 206})
    assert answer.content == (b"234" if method == "GET" else b"")


def test_browsers_are_sent_to_the_address_that_they_know(object_store: str) -> None:
    known = {"public_url": "https://sound.example.com"}
    store = ObjectStore(**recordings_in_a_bucket(object_store, **known)["OPTIONS"])
    store.prepare()
    address = urlsplit(store.url(KEY, expire=120, http_method="GET"))
    assert (address.scheme, address.netloc) == ("https", "sound.example.com")
    assert address.path == f"/{store.bucket_name}/sound/{KEY}"


def test_many_threads_use_it_at_once(store: ObjectStore) -> None:
    ready = threading.Barrier(8)

    def used(number: int) -> bytes:
        ready.wait()
        key = f"ab/{number}.wav"
        store.save(key, ContentFile(b"%d" % number))
        with store.open(key, "rb") as file:
            return bytes(file.read())

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(used, range(8))) == [b"%d" % number for number in range(8)]


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("kept_in_a_bucket")
def test_deleting_the_row_deletes_the_file() -> None:
    segment = keep_sound(keep_turn(keep_conversation(Person.objects.create())))
    assert media.storage().exists(segment.key)
    segment.delete()
    assert not media.storage().exists(segment.key)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("kept_in_a_bucket")
def test_the_store_is_compared_with_the_rows() -> None:
    segment = keep_sound(keep_turn(keep_conversation(Person.objects.create())))
    conversation = segment.turn.conversation_id
    AudioSegment.objects.filter(pk=segment.pk).update(key="gone.wav")
    orphan = media.key_for(conversation, uuid.uuid4(), "wav")
    media.storage().save(orphan, ContentFile(b"sound"))

    later = datetime.now(UTC) + timedelta(hours=1)
    found = [one for one in checking.unnamed(checking.files(), later) if one is not None]
    assert {one.key: one.what for one in found}[orphan] == checking.What.ORPHAN
    assert checking.delete_orphan(next(one for one in found if one.key == orphan))
    [fault] = [checking.fault_of(row) for row in checking.rows()]
    assert fault is not None
    assert fault.what == checking.What.MISSING
