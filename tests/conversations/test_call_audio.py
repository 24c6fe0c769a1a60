"""Playing a whole call: who may, which bytes, and what is drawn of it."""

from __future__ import annotations

import io
import json
import uuid
import wave
from pathlib import Path

import numpy as np
import pytest
from django.contrib.auth.models import Permission
from django.test import AsyncClient

from accounts.models import User
from conversations import call_audio, media
from conversations.export.as_wav import LEFT, RATE, RIGHT
from conversations.export.streaming import Places
from conversations.models import Access, AudioSegment, Call
from conversations.small_sound import peaks_of
from tests.speech.recordings import cards

from .export.recorded import keep_two_calls
from .kept import guest_of, user_of
from .test_audio import fetch

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def media_root(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.fixture
def client() -> AsyncClient:
    return AsyncClient()


@pytest.fixture
def call(client) -> Call:
    """A question of the guest who asks for it, and a reply."""
    keep_two_calls(guest_of(client))
    return Call.objects.earliest("started_at")


def address(call: Call, what: str = "audio.wav") -> str:
    return f"/conversations/{call.conversation_id}/calls/{call.pk}/{what}"


def frames_of(content: bytes):
    """Rows of left and right."""
    with wave.open(io.BytesIO(content)) as file:
        assert (file.getnchannels(), file.getframerate()) == (2, RATE)
        return np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").reshape(-1, 2)


def staff_of(client: AsyncClient, *permissions: str, is_staff: bool = True) -> None:
    staff = User.objects.create_user("staff", is_staff=is_staff)
    staff.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client.force_login(staff)


def test_the_person_is_left_and_the_bot_right_at_their_places(client, call):
    response, body, pieces = fetch(client, address(call))
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "audio/wav"
    assert response.headers["Content-Length"] == str(len(body))
    assert response.headers["Accept-Ranges"] == "bytes"
    assert "private" in response.headers["Cache-Control"]
    assert max(len(piece) for piece in pieces) <= RATE * 4
    frames = frames_of(body)
    end = max(
        one.start_ms + one.duration_ms for one in AudioSegment.objects.filter(turn__call=call)
    )
    assert len(frames) == end * RATE // 1000
    person, bot = cards()[:2]
    for channel, recording, start_ms in ((LEFT, person, 1000), (RIGHT, bot, 4000)):
        said = np.frombuffer(recording.pcm(RATE), dtype="<i2").astype(float)
        heard = frames[start_ms * RATE // 1000 :, channel][: len(said)].astype(float)
        said = said[: len(heard)]
        assert np.corrcoef(said, heard)[0, 1] > 0.95
        assert np.abs(frames[: start_ms * RATE // 1000, channel]).max() < 20


@pytest.mark.parametrize("seconds", [0.0, 1.2, 4.3])
def test_a_range_is_that_stretch_of_the_timeline(client, call, seconds):
    whole = fetch(client, address(call))[1]
    start = 44 + 4 * round(seconds * RATE)
    response, body, _ = fetch(client, address(call), range=f"bytes={start}-{start + 9999}")
    assert response.status_code == 206
    assert response.headers["Content-Range"] == f"bytes {start}-{start + 9999}/{len(whole)}"
    assert body == whole[start : start + 10_000]


def test_a_range_to_the_end_and_one_behind_it(client, call):
    whole = fetch(client, address(call))[1]
    response, body, _ = fetch(client, address(call), range="bytes=-100")
    assert (response.status_code, body) == (206, whole[-100:])
    response, body, _ = fetch(client, address(call), range=f"bytes={len(whole)}-")
    assert (response.status_code, body) == (416, b"")
    assert response.headers["Content-Range"] == f"bytes */{len(whole)}"


def test_a_head_makes_no_sound(client, call, monkeypatch):
    monkeypatch.setattr(call_audio, "wav_part", None)
    response, body, _ = fetch(client, address(call), "head")
    assert (response.status_code, body) == (200, b"")
    assert int(response.headers["Content-Length"]) > RATE * 4


def test_who_has_it_already_is_told_so_until_a_sound_changes(client, call):
    etag = fetch(client, address(call), "head")[0].headers["ETag"]
    again, _, _ = fetch(client, address(call), if_none_match=etag)
    assert again.status_code == 304
    changed = AudioSegment.objects.filter(turn__call=call).first()
    AudioSegment.objects.filter(pk=changed.pk).update(key=changed.key + ".mp3")
    other, _, _ = fetch(client, address(call), "head", if_none_match=etag)
    assert other.status_code == 200
    assert other.headers["ETag"] != etag


@pytest.mark.parametrize("content", [None, b"", b"RIFF is not enough", b"\xff\xfb" * 5000])
def test_what_is_missing_or_damaged_is_silence_and_the_rest_is_heard(client, call, content):
    good = frames_of(fetch(client, address(call))[1])
    person = AudioSegment.objects.get(turn__call=call, track="person")
    file = Path(media.storage().path(person.key))
    file.unlink()
    if content is not None:
        file.write_bytes(content)
    frames = frames_of(fetch(client, address(call))[1])
    assert len(frames) == len(good)
    assert not frames[:, LEFT].any()
    np.testing.assert_array_equal(frames[:, RIGHT], good[:, RIGHT])
    drawn = json.loads(fetch(client, address(call, "waveform.json"))[1])
    assert drawn["missing"] == [str(person.pk)]


def test_what_is_drawn_lies_where_it_sounds(client, call):
    for segment in AudioSegment.objects.filter(turn__call=call):
        recording = cards()[0 if segment.track == "person" else 1]
        segment.peaks = peaks_of(recording.pcm(16_000), 16_000)
        segment.save()
    response, body, _ = fetch(client, address(call, "waveform.json"))
    drawn = json.loads(body)
    frames = frames_of(fetch(client, address(call))[1])
    assert response.headers["Cache-Control"] == "private, no-cache"
    assert drawn["missing"] == []
    assert drawn["duration_ms"] == len(frames) * 1000 // RATE
    assert not any(drawn["person"][:19])
    assert not any(drawn["bot"][:79])
    for channel, track in ((LEFT, "person"), (RIGHT, "bot")):
        parts = np.array_split(np.abs(frames[:, channel].astype(int)), len(drawn[track]))
        heard = np.array([part.max() for part in parts]) // 128
        # A peak that lies across two parts is in both.
        assert np.corrcoef(heard, drawn[track])[0, 1] > 0.9


def test_a_call_without_sound_or_of_another_conversation_is_a_404(client, call):
    later = Call.objects.latest("started_at")
    AudioSegment.objects.filter(turn__call=later).delete()
    elsewhere = f"/conversations/{uuid.uuid4()}/calls/{call.pk}/"
    for path in (address(later, ""), elsewhere):
        for what in ("audio.wav", "waveform.json"):
            assert fetch(client, path + what)[0].status_code == 404


def test_a_call_too_long_for_a_wav_is_refused(client, call):
    AudioSegment.objects.filter(turn__call=call, track="bot").update(start_ms=13 * 3_600_000)
    response, body, _ = fetch(client, address(call))
    assert response.status_code == 422
    assert b"too long" in body


def test_a_user_hears_their_own_and_staff_with_the_permission_everybodys(client, call):
    user = AsyncClient()
    own = keep_two_calls(user_of(user)).calls.earliest("started_at")
    assert fetch(user, address(own), "head")[0].status_code == 200
    assert fetch(user, address(call), "head")[0].status_code == 404
    reviewer = AsyncClient()
    staff_of(reviewer, "hear_audio")
    assert fetch(reviewer, address(call), "head")[0].status_code == 200
    assert fetch(reviewer, address(call, "waveform.json"))[0].status_code == 200


@pytest.mark.parametrize("visitor", ["nobody", "guest", "user", "staff who may read", "no staff"])
def test_anybody_else_cannot_tell_that_it_exists(call, visitor):
    stranger = AsyncClient()
    match visitor:
        case "guest":
            guest_of(stranger)
        case "user":
            user_of(stranger)
        case "staff who may read":
            staff_of(stranger, "read_transcript", "view_conversation", "export_conversation")
        case "no staff":
            staff_of(stranger, "hear_audio", is_staff=False)
    for what in ("audio.wav", "waveform.json"):
        for method in ("get", "head"):
            assert fetch(stranger, address(call, what), method)[0].status_code == 404


def test_staff_who_hear_others_are_in_the_access_log_once_a_play(client, call):
    fetch(client, address(call))  # one's own
    assert not Access.objects.exists()
    reviewer = AsyncClient()
    staff_of(reviewer, "hear_audio")
    fetch(reviewer, address(call), "head")
    fetch(reviewer, address(call, "waveform.json"))
    assert not Access.objects.exists()
    for asked in ("bytes=0-", "bytes=96044-"):
        fetch(reviewer, address(call), range=asked)
    entry = Access.objects.get()
    assert (entry.username, entry.what, entry.turn_id) == ("staff", "heard", None)
    assert entry.conversation_id == call.conversation_id
    assert entry.detail == f"call {call.pk}"


def test_a_post_is_refused(client, call):
    for what in ("audio.wav", "waveform.json"):
        assert fetch(client, address(call, what), "post")[0].status_code == 405


def test_who_plays_too_many_at_once_is_asked_to_wait(client, call, monkeypatch):
    monkeypatch.setattr(call_audio, "REPLAYS", Places(of_all=0, of_one=0))
    response, _, _ = fetch(client, address(call))
    assert response.status_code == 503
    assert response.headers["Retry-After"]
