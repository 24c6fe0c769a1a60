"""Exports in the admin: who may, what comes, and what is refused."""

from __future__ import annotations

import io
import json
import re
import uuid
import wave

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import Permission
from django.db import DatabaseError
from django.test import AsyncClient

from accounts.models import Person, User
from conversations.export import views
from conversations.export.streaming import Places
from conversations.models import Access, AudioSegment, Conversation

from ..kept import keep_conversation, keep_turn
from .recorded import body_of, folder, keep_two_calls, manifest, opened
from .values import HOSTILE

pytestmark = pytest.mark.django_db(transaction=True)
LIST = "/admin/conversations/conversation/"
READER = ("view_conversation", "read_transcript")
TEXT_EXPORTER = (*READER, "export_conversation")
EXPORTER = (*TEXT_EXPORTER, "hear_audio")
FORMATS = ("json", "csv", "vtt", "wav", "zip", "zip&sound=1")
WITH_SOUND = ("wav", "zip&sound=1")


def staff(*permissions: str, is_staff: bool = True) -> AsyncClient:
    user = User.objects.create_user(f"staff{User.objects.count()}", is_staff=is_staff)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = AsyncClient()
    client.force_login(user)
    return client


def get(client: AsyncClient, path: str, method: str = "get"):
    response = async_to_sync(getattr(client, method))(path)
    return response, body_of(response)


def post(client: AsyncClient, path: str, data):
    response = async_to_sync(client.post)(path, data)
    if hasattr(response, "render") and not response.is_rendered:
        response.render()
    return response, body_of(response)


def export_of(conversation: Conversation, format: str) -> str:
    return f"{LIST}{conversation.pk}/export/?format={format}"


@pytest.fixture
def conversation() -> Conversation:
    return keep_two_calls(Person.objects.create(user=User.objects.create_user("ann")))


@pytest.fixture
def exporter() -> AsyncClient:
    return staff(*EXPORTER)


@pytest.mark.parametrize(
    ("format", "content_type", "begins"),
    [
        ("json", "application/json", b'{\n"schema": "voicechat.conversation/1"'),
        ("csv", "text/csv; charset=utf-8", b'\xef\xbb\xbf"conversation"'),
        ("vtt&call=1", "text/vtt; charset=utf-8", b"WEBVTT\n"),
        ("wav&call=2", "audio/wav", b"RIFF"),
        ("zip", "application/zip", b"PK"),
    ],
)
def test_one_conversation_comes_in_the_chosen_format(
    exporter, conversation, format, content_type, begins
):
    response, body = get(exporter, export_of(conversation, format))
    assert response.status_code == 200
    assert response.headers["Content-Type"] == content_type
    assert body.startswith(begins)
    assert re.fullmatch(
        r'attachment; filename="[-0-9a-z_]+\.\w+"', response.headers["Content-Disposition"]
    )
    assert "no-store" in response.headers["Cache-Control"]


def test_a_wav_tells_its_length_beforehand(exporter, conversation):
    response, body = get(exporter, export_of(conversation, "wav&call=1"))
    assert int(response.headers["Content-Length"]) == len(body)
    with wave.open(io.BytesIO(body)) as file:
        assert file.getnchannels() == 2


@pytest.mark.parametrize("format", ["vtt", "wav"])
def test_of_several_calls_each_is_a_file(exporter, conversation, format):
    response, body = get(exporter, export_of(conversation, format))
    assert response.headers["Content-Type"] == "application/zip"
    assert opened(body).namelist() == [f"call-1.{format}", f"call-2.{format}"]


def test_of_one_call_with_sound_the_file_itself_comes(exporter, conversation):
    AudioSegment.objects.filter(turn__seq__lt=2).delete()
    response, body = get(exporter, export_of(conversation, "wav"))
    assert body.startswith(b"RIFF")
    assert response.headers["Content-Disposition"].endswith('_call-2.wav"')


def test_a_zip_has_sound_when_asked(exporter, conversation):
    plain = opened(get(exporter, export_of(conversation, "zip"))[1]).namelist()
    assert not [name for name in plain if name.endswith(".wav")]
    assert folder(conversation) + "conversation.json" in plain
    with_sound = opened(get(exporter, export_of(conversation, "zip&sound=1"))[1]).namelist()
    assert folder(conversation) + "call-1.wav" in with_sound


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize(
    "permissions", [(), READER, ("view_conversation", "export_conversation"), ("hear_audio",)]
)
def test_who_may_not_export_is_refused_whether_it_exists_or_not(conversation, format, permissions):
    client = staff(*permissions)
    for id in (conversation.pk, uuid.uuid4()):
        response, _body = get(client, f"{LIST}{id}/export/?format={format}")
        assert response.status_code == 403


@pytest.mark.parametrize("format", FORMATS)
def test_sound_needs_the_permission_to_hear(conversation, format):
    response, _body = get(staff(*TEXT_EXPORTER), export_of(conversation, format))
    assert response.status_code == (403 if format in WITH_SOUND else 200)


@pytest.mark.parametrize("format", FORMATS)
def test_who_is_no_staff_is_asked_to_log_in(conversation, format):
    for client in (AsyncClient(), staff(*EXPORTER, is_staff=False)):
        response, _body = get(client, export_of(conversation, format))
        assert response.status_code == 302
        assert response.headers["Location"].startswith("/admin/login/")


@pytest.mark.parametrize("format", ["", "pdf", "../json", "JSON"])
def test_another_format_is_refused_with_those_there_are(exporter, conversation, format):
    response, body = get(exporter, export_of(conversation, format))
    assert response.status_code == 400
    assert b"json, csv, vtt, wav, zip" in body


def test_a_conversation_that_is_not_there_is_a_404(exporter):
    assert get(exporter, f"{LIST}{uuid.uuid4()}/export/?format=json")[0].status_code == 404


@pytest.mark.parametrize("call", ["3", "0", "x", "-1", ""])
def test_a_call_that_is_not_there_is_a_404(exporter, conversation, call):
    path = export_of(conversation, "vtt") + f"&call={call}"
    assert get(exporter, path)[0].status_code == 404


def test_no_sound_is_a_404(exporter, conversation):
    AudioSegment.objects.all().delete()
    assert get(exporter, export_of(conversation, "wav"))[0].status_code == 404


def test_a_call_too_long_for_a_wav_is_refused_with_a_reason(exporter, conversation):
    AudioSegment.objects.filter(track="bot").update(start_ms=20 * 3_600_000)
    response, body = get(exporter, export_of(conversation, "wav&call=1"))
    assert response.status_code == 422
    assert b"20.0 hours is too long" in body


@pytest.mark.parametrize("method", ["post", "put", "delete", "head"])
def test_only_get_exports(exporter, conversation, method):
    assert get(exporter, export_of(conversation, "json"), method)[0].status_code == 405


def test_who_has_too_many_at_once_is_told_to_wait(exporter, conversation, monkeypatch):
    places = Places(of_all=9, of_one=1)
    monkeypatch.setattr(views, "REVIEWERS", places)
    places.take(f"user {User.objects.get(is_staff=True).pk}")
    response, _body = get(exporter, export_of(conversation, "json"))
    assert response.status_code == 503
    assert response.headers["Retry-After"] == "30"


def chosen(*conversations: Conversation, **more):
    return {
        "action": "export_selected",
        "_selected_action": [str(one.pk) for one in conversations],
        "select_across": "0",
        **more,
    }


def test_the_list_offers_the_export_to_those_who_may(conversation):
    offered = b'<option value="export_selected">'
    assert offered in get(staff(*TEXT_EXPORTER), LIST)[1]
    assert offered not in get(staff(*READER), LIST)[1]


@pytest.mark.parametrize(
    ("permissions", "offered"),
    [
        (READER, []),
        (TEXT_EXPORTER, ["json", "csv", "vtt", "zip"]),
        (EXPORTER, ["json", "csv", "vtt", "wav", "zip&amp;sound=1"]),
    ],
)
def test_the_page_of_a_conversation_links_to_what_one_may_export(
    conversation, permissions, offered
):
    client = staff(*permissions)
    page = get(client, f"{LIST}{conversation.pk}/change/")[1].decode()
    links = re.findall(r'href="([^"]+/export/\?format=([^"]+))"', page)
    assert [format for _, format in links] == offered
    for link, _ in links:
        assert get(client, link.replace("&amp;", "&"))[0].status_code == 200


def test_a_selection_is_asked_about_first(exporter, conversation):
    keep_two_calls(conversation.person)
    response, body = post(exporter, LIST, chosen(conversation))
    page = body.decode()
    assert response.status_code == 200
    assert "1 conversation, 0 turns" in page
    assert page.count('name="formats"') == 5
    assert f'value="{conversation.pk}"' in page
    assert "<script>" not in page
    assert " style=" not in page


def test_who_may_not_hear_is_offered_no_sound(conversation):
    client = staff(*TEXT_EXPORTER)
    page = post(client, LIST, chosen(conversation))[1].decode()
    assert page.count('name="formats"') == 3
    assert "not its sound" in page
    response, body = post(client, LIST, chosen(conversation, post="yes", formats=["wav"]))
    assert response.headers["Content-Type"].startswith("text/html")
    assert b"errorlist" in body


def test_no_format_at_all_is_asked_about_again(exporter, conversation):
    response, body = post(exporter, LIST, chosen(conversation, post="yes"))
    assert response.headers["Content-Type"].startswith("text/html")
    assert b"This field is required" in body


def test_the_selected_come_as_a_zip_and_the_page_can_ask_how_far_it_is(exporter, conversation):
    keep_two_calls(conversation.person)
    token = "t" * 22
    progress = f"{LIST}export/progress/{token}/"
    assert get(exporter, progress)[0].status_code == 404
    asked = chosen(conversation, post="yes", formats=["json", "wav"], progress=token)
    response, body = post(exporter, LIST, asked)
    assert response.headers["Content-Type"] == "application/zip"
    assert manifest(opened(body))["selected"] == 1
    assert opened(body).namelist() == [
        *(
            folder(conversation) + name
            for name in ("conversation.json", "call-1.wav", "call-2.wav")
        ),
        "manifest.json",
    ]
    told, content = get(exporter, progress)
    assert told.headers["Content-Type"] == "application/json"
    assert json.loads(content) == {
        "steps": 1, "all_steps": 1, "state": "finished", "problems": 0,
    }  # fmt: skip
    assert get(staff(*EXPORTER), progress)[0].status_code == 404
    assert get(staff(*READER), progress)[0].status_code == 403


def test_all_that_match_the_filter_are_exported_though_one_page_shows_them(exporter):
    person = Person.objects.create()
    bad = [keep_conversation(person, f"bad {n}", error_count=1) for n in range(3)]
    good = keep_conversation(person, "good")
    asked = chosen(bad[0], post="yes", formats=["json"]) | {"select_across": "1"}
    _response, body = post(exporter, f"{LIST}?trouble=errors", asked)
    assert {name.rpartition("/")[0] + "/" for name in opened(body).namelist()[:-1]} == {
        folder(one) for one in bad
    }
    assert folder(good) not in body.decode("latin-1")


def test_all_that_a_search_finds_are_exported(exporter):
    person = Person.objects.create()
    found = [keep_conversation(person) for _ in range(2)]
    for one in found:
        keep_turn(one, "An otter swims")
    keep_turn(keep_conversation(person), "A crow flies")
    asked = chosen(found[0], post="yes", formats=["json"]) | {"select_across": "1"}
    _response, body = post(exporter, f"{LIST}?q=otter", asked)
    assert {name.rpartition("/")[0] + "/" for name in opened(body).namelist()[:-1]} == {
        folder(one) for one in found
    }


def test_each_export_is_in_the_access_log_and_a_refused_one_is_not(exporter, conversation):
    other = keep_two_calls(conversation.person)
    get(exporter, export_of(conversation, "zip&sound=1"))
    get(exporter, export_of(conversation, "pdf"))
    get(exporter, f"{LIST}{uuid.uuid4()}/export/?format=json")
    post(exporter, LIST, chosen(conversation, other))  # only asked
    post(exporter, LIST, chosen(conversation, other, post="yes", formats=["json", "wav"]))
    entries = Access.objects.order_by("pk").values_list("what", "conversation_id", "detail")
    assert entries[0] == ("exported", conversation.pk, "zip with sound")
    assert set(entries[1:]) == {("exported", one.pk, "json, wav") for one in (conversation, other)}


def test_what_cannot_be_logged_is_not_exported(exporter, conversation, monkeypatch):
    def fail(*_args, **_more):
        raise DatabaseError

    monkeypatch.setattr(views.access_log, "note", fail)
    monkeypatch.setattr(views.access_log, "note_each", fail)
    with pytest.raises(DatabaseError):
        get(exporter, export_of(conversation, "json"))
    response = async_to_sync(exporter.post)(
        LIST, chosen(conversation, post="yes", formats=["json"])
    )
    with pytest.raises(DatabaseError):
        body_of(response)


def test_the_action_is_refused_to_those_who_may_not(conversation):
    response, body = post(staff(*READER), LIST, chosen(conversation, post="yes", formats=["json"]))
    assert response.headers["Content-Type"].startswith("text/html")
    assert b"conversation.json" not in body


def test_a_form_of_another_site_exports_nothing(conversation):
    client = AsyncClient(enforce_csrf_checks=True)
    client.force_login(User.objects.create_superuser("root"))
    response, _body = post(client, LIST, chosen(conversation, post="yes", formats=["json"]))
    assert response.status_code == 403


def test_hostile_titles_stay_out_of_the_page_and_of_file_names(exporter):
    hostile = keep_conversation(Person.objects.create(), HOSTILE[:100])
    keep_turn(hostile, HOSTILE)
    assert "<script>alert" not in post(exporter, LIST, chosen(hostile))[1].decode()
    response, body = get(exporter, export_of(hostile, "json"))
    assert "script" not in response.headers["Content-Disposition"]
    assert json.loads(body)["turns"][0]["text"] == HOSTILE
