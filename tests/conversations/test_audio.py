"""Playing what was said: who may, and which bytes."""

from __future__ import annotations

import asyncio
import uuid
from urllib.parse import parse_qs, urlsplit

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import Permission
from django.core.files.storage import Storage
from django.db import DatabaseError
from django.test import AsyncClient

from accounts.models import Person, User
from conversations import audio, media
from conversations.models import Access, AudioSegment

from .bucket import recordings_in_a_bucket
from .kept import guest_of, keep_conversation, keep_sound, keep_turn, user_of

pytestmark = pytest.mark.django_db
CONTENT = bytes(range(256)) * 1000  # four chunks of 64 kB, the last one short


@pytest.fixture
def client() -> AsyncClient:
    return AsyncClient()


@pytest.fixture
def segment(client) -> AudioSegment:
    """The voice of the guest who asks for it."""
    return keep_sound(keep_turn(keep_conversation(guest_of(client))), CONTENT)


def address(segment: AudioSegment) -> str:
    return f"/conversations/{segment.turn.conversation_id}/audio/{segment.pk}"


def fetch(client: AsyncClient, path: str, method: str = "get", **headers: str):
    """The response, and its body as it was streamed."""

    async def fetched():
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        response = await getattr(client, method)(path, headers=names)
        pieces = (
            [piece async for piece in response.streaming_content]
            if response.streaming
            else [response.content]
        )
        response.close()
        return response, pieces

    response, pieces = async_to_sync(fetched)()
    return response, b"".join(pieces), pieces


def test_the_whole_comes_in_pieces(client, segment):
    response, body, pieces = fetch(client, address(segment))
    assert response.status_code == 200
    assert body == CONTENT
    assert [len(piece) for piece in pieces] == [65536, 65536, 65536, 59392]
    assert response.headers["Content-Length"] == str(len(CONTENT))
    assert response.headers["Accept-Ranges"] == "bytes"
    assert response.headers["Content-Disposition"].startswith("inline")
    assert "private" in response.headers["Cache-Control"]
    assert "Content-Range" not in response.headers


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [("bytes=0-", 0, 256000), ("bytes=100-199", 100, 200), ("bytes=-10", 255990, 256000)],
)
def test_a_range_is_a_206_with_just_those_bytes(client, segment, asked, start, stop):
    response, body, _ = fetch(client, address(segment), range=asked)
    assert response.status_code == 206
    assert body == CONTENT[start:stop]
    assert response.headers["Content-Range"] == f"bytes {start}-{stop - 1}/256000"
    assert response.headers["Content-Length"] == str(stop - start)


def test_a_range_behind_the_end_is_a_416(client, segment):
    response, body, _ = fetch(client, address(segment), range="bytes=256000-")
    assert response.status_code == 416
    assert response.headers["Content-Range"] == "bytes */256000"
    assert not body


@pytest.mark.parametrize("asked", ["bytes=0-1,4-5", "bytes=5-1", "items=0-1", "nonsense"])
def test_several_or_senseless_ranges_are_the_whole(client, segment, asked):
    response, body, _ = fetch(client, address(segment), range=asked)
    assert response.status_code == 200
    assert body == CONTENT


def test_a_head_tells_the_length_and_sends_nothing(client, segment):
    response, body, _ = fetch(client, address(segment), "head", range="bytes=0-9")
    assert response.status_code == 200
    assert response.headers["Content-Length"] == str(len(CONTENT))
    assert not body


@pytest.mark.parametrize("known", ["{etag}", "W/{etag}", '"other", {etag}', "*"])
def test_who_has_it_already_is_told_so(client, segment, known):
    etag = fetch(client, address(segment))[0].headers["ETag"]
    response, body, _ = fetch(
        client, address(segment), if_none_match=known.format(etag=etag), range="bytes=0-1"
    )
    assert response.status_code == 304
    assert response.headers["ETag"] == etag
    assert not body


def test_a_range_counts_only_for_the_version_it_was_asked_of(client, segment):
    etag = fetch(client, address(segment))[0].headers["ETag"]
    same, _, _ = fetch(client, address(segment), range="bytes=0-1", if_range=etag)
    other, body, _ = fetch(client, address(segment), range="bytes=0-1", if_range='"other"')
    assert same.status_code == 206
    assert other.status_code == 200
    assert body == CONTENT


def test_another_file_in_the_same_place_has_another_etag(client, segment):
    before = fetch(client, address(segment))[0].headers["ETag"]
    playable = keep_sound(segment.turn, CONTENT, "mp3")
    playable.delete()  # its file stays until the commit, and the segment's row takes it over
    AudioSegment.objects.filter(pk=segment.pk).update(key=playable.key, codec="mp3")
    assert fetch(client, address(segment))[0].headers["ETag"] != before


@pytest.mark.parametrize(
    ("codec", "content_type"),
    [("wav", "audio/wav"), ("mp3", "audio/mpeg"), ("flac", "audio/flac"), ("opus", "audio/ogg")],
)
def test_the_type_follows_the_codec(client, segment, codec, content_type):
    other = keep_sound(segment.turn, b"sound", codec)
    assert fetch(client, address(other))[0].headers["Content-Type"] == content_type


def test_a_file_that_is_no_longer_kept_is_a_404_that_says_so(client, segment, settings):
    media.storage().delete(segment.key)
    response, body, _ = fetch(client, address(segment))
    assert response.status_code == 404
    assert b"There is nothing here" in body


def test_a_post_is_refused(client, segment):
    assert fetch(client, address(segment), "post")[0].status_code == 405


def test_a_user_hears_their_own(client):
    segment = keep_sound(keep_turn(keep_conversation(user_of(client))))
    assert fetch(client, address(segment))[1] == b"RIFF sound"


def staff_of(client: AsyncClient, *permissions: str, is_staff: bool = True) -> None:
    staff = User.objects.create_user("staff", is_staff=is_staff)
    staff.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client.force_login(staff)


def test_of_several_stretches_each_is_heard(client):
    conversation = keep_conversation(guest_of(client))
    asked, reply = keep_turn(conversation), keep_turn(conversation)
    sounds = [
        keep_sound(asked, b"RIFF question"),
        keep_sound(reply, b"RIFF start", start_ms=900),
        keep_sound(reply, b"RIFF rest", start_ms=2400),
    ]
    assert [segment.track for segment in sounds] == ["person", "bot", "bot"]
    heard = [fetch(client, address(segment))[1] for segment in sounds]
    assert heard == [b"RIFF question", b"RIFF start", b"RIFF rest"]


@pytest.mark.parametrize("track", ["person", "bot"])
def test_staff_with_the_permission_hear_everybody(segment, track):
    AudioSegment.objects.update(track=track)
    reviewer = AsyncClient()
    staff_of(reviewer, "hear_audio")
    assert fetch(reviewer, address(segment))[1] == CONTENT


@pytest.mark.parametrize("track", ["person", "bot"])
@pytest.mark.parametrize(
    "visitor", ["nobody", "guest", "user", "staff", "staff who may read", "no staff"]
)
def test_anybody_else_cannot_tell_that_it_exists(segment, visitor, track):
    AudioSegment.objects.update(track=track)
    stranger = AsyncClient()
    match visitor:
        case "guest":
            guest_of(stranger)
        case "user":
            user_of(stranger)
        case "staff":
            staff_of(stranger)
        case "staff who may read":
            staff_of(stranger, "read_transcript", "view_conversation", "view_audiosegment")
        case "no staff":
            staff_of(stranger, "hear_audio", is_staff=False)
    unknown = f"/conversations/{segment.turn.conversation_id}/audio/{uuid.uuid4()}"
    for path in (address(segment), unknown):
        for method in ("get", "head"):
            assert fetch(stranger, path, method)[0].status_code == 404


def test_the_address_must_name_the_conversation_of_the_segment(client, segment):
    mine = keep_conversation(Person.objects.get(conversations=segment.turn.conversation))
    path = f"/conversations/{mine.pk}/audio/{segment.pk}"
    assert fetch(client, path)[0].status_code == 404


def test_the_file_is_read_as_it_is_sent_and_closed_when_the_client_leaves(client, segment):
    reads = []

    class Counted:
        def __init__(self, file):
            self.file = file
            self.closed = False

        def read(self, length):
            reads.append(length)
            return self.file.read(length)

        def close(self):
            self.closed = True
            self.file.close()

    async def left():
        part = await audio.SoundPart.open(
            media.storage(), segment.key, audio.ByteRange(0, 256000, 256000)
        )
        counted = part._file = Counted(part._file)
        async for _piece in part:
            break
        part.close()
        await asyncio.sleep(0)
        return counted

    assert async_to_sync(left)().closed
    assert reads == [audio.CHUNK_BYTES]


def test_a_file_that_got_shorter_ends_early(client, segment):
    async def shortened():
        part = await audio.SoundPart.open(
            media.storage(), segment.key, audio.ByteRange(0, 300000, 300000)
        )
        body = b"".join([piece async for piece in part])
        part.close()
        return body

    assert async_to_sync(shortened)() == CONTENT


class SigningStore(Storage):
    """A store elsewhere: it is asked for a signed address as those of django-storages are."""

    def url(self, name, parameters=None, expire=None, http_method=None):
        return f"https://store.example/{name}?expires={expire}&signature=abc"


def test_a_store_elsewhere_sends_the_sound_itself_for_a_short_while(client, segment, monkeypatch):
    monkeypatch.setattr(media, "storage", SigningStore)
    response, body, _ = fetch(client, address(segment), range="bytes=0-9")
    assert response.status_code == 302
    where = f"https://store.example/{segment.key}?expires={audio.SIGNED_S}&signature=abc"
    assert response.headers["Location"] == where
    assert response.headers["Cache-Control"] == "no-store"
    assert 60 <= audio.SIGNED_S <= 300
    assert not body


def test_a_server_in_front_sends_the_file_when_told_to(client, segment, settings):
    settings.VOICECHAT_X_ACCEL_REDIRECT = "/recordings/"
    AudioSegment.objects.update(key="ab/with space%/ü.mp3", codec="mp3")
    response, body, _ = fetch(client, address(segment), range="bytes=0-9")
    assert response.status_code == 200
    assert response.headers["X-Accel-Redirect"] == "/recordings/ab/with%20space%25/%C3%BC.mp3"
    assert response.headers["Content-Type"] == "audio/mpeg"
    assert response.headers["Cache-Control"] == "private, no-cache"
    assert not body


@pytest.mark.parametrize("method", ["get", "head"])
def test_a_server_in_front_fetches_what_is_signed_from_a_store_elsewhere(
    client, segment, settings, object_store, method
):
    settings.STORAGES = settings.STORAGES | {"recordings": recordings_in_a_bucket(object_store)}
    settings.VOICECHAT_X_ACCEL_REDIRECT = "/recordings/"
    response, body, _ = fetch(client, address(segment), method, range="bytes=0-9")
    assert response.status_code == 200
    where = urlsplit(response.headers["X-Accel-Redirect"])
    assert where.path == f"/recordings/{media.storage().bucket_name}/sound/{segment.key}"
    assert parse_qs(where.query)["X-Amz-Expires"] == [str(audio.SIGNED_S)]
    assert "Location" not in response.headers
    assert not body


@pytest.mark.parametrize("sender", ["store", "server in front"])
def test_nobody_is_sent_on_who_may_not_hear(segment, settings, monkeypatch, sender):
    if sender == "store":
        monkeypatch.setattr(media, "storage", SigningStore)
    else:
        settings.VOICECHAT_X_ACCEL_REDIRECT = "/recordings/"
    stranger = AsyncClient()
    staff_of(stranger, "read_transcript", "view_conversation")
    response = fetch(stranger, address(segment))[0]
    assert response.status_code == 404
    assert not {"Location", "X-Accel-Redirect"} & set(response.headers)


def test_staff_who_hear_others_are_in_the_access_log(client, segment):
    fetch(client, address(segment))  # one's own
    reviewer = AsyncClient()
    staff_of(reviewer, "hear_audio")
    fetch(reviewer, address(segment), "head")
    assert not Access.objects.exists()
    for asked in ("bytes=0-99", "bytes=100-"):
        fetch(reviewer, address(segment), range=asked)
    entry = Access.objects.get()
    assert (entry.username, entry.what, entry.turn_id) == ("staff", "heard", segment.turn_id)
    assert entry.conversation_id == segment.turn.conversation_id


def test_who_cannot_be_logged_hears_nothing(segment, monkeypatch):
    def refused(*_args, **_more):
        raise DatabaseError("full")

    monkeypatch.setattr(Access, "save", refused)
    reviewer = AsyncClient(raise_request_exception=False)
    staff_of(reviewer, "hear_audio")
    response, body, _ = fetch(reviewer, address(segment))
    assert response.status_code == 500
    assert CONTENT[:100] not in body
