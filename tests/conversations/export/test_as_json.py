"""A conversation as JSON: everything that is kept, exactly, in the shape that is documented."""

from __future__ import annotations

import json
from datetime import datetime

import jsonschema
import msgspec
import pytest
from django.db.models import Model
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import User
from conversations.export import as_json
from conversations.export.formats import Format
from conversations.export.kept import KeptCall
from conversations.models import AudioSegment, Call, Conversation, Turn

from .values import HOSTILE, ZERO, conversation, segment, turn


def written(kept, formats=frozenset()) -> bytes:
    return b"".join(as_json.document(kept, formats))


def read(kept, formats=frozenset()):
    return json.loads(written(kept, formats))


def schema_of(struct: type) -> dict:
    return msgspec.json.schema(struct)


def columns_of(model: type[Model]) -> set[str]:
    return {field.name for field in [*model._meta.concrete_fields, *model._meta.many_to_many]}


def names_in(*structs: type) -> set[str]:
    return {field.name for struct in structs for field in msgspec.structs.fields(struct)}


def test_everything_of_a_turn_is_there():
    said = turn(
        "There are three.",
        segment("bot", 1200, 400, size=99),
        seq=4,
        role=Turn.Role.ASSISTANT,
        kind=Turn.Kind.PROPERTY,
        status=Turn.Status.INTERRUPTED,
        error="late",
        heard_text="There are",
        heard_ms=400,
        start_ms=1200,
        data={"propertyData": {"cards": [{"title": "Mill Lane"}]}},
        rating=-1,
        client_id="c1",
        corrected_text="There are two.",
        corrected_at=ZERO,
        corrected_by=User(username="rev"),
        engines={"tts": "espeak"},
        timings={"first_audio": 120.5},
        finished_at=ZERO,
    )
    row = said.turn
    assert read(conversation(said))["turns"] == [
        {
            "id": str(row.pk), "seq": 4, "rev": 5, "call": None, "reply_to": None,
            "role": "assistant", "kind": "property", "status": "interrupted", "error": "late",
            "text": "There are three.", "heard_text": "There are", "unheard_text": " three.",
            "heard_ms": 400, "start_ms": 1200,
            "correction": {
                "corrected_text": "There are two.", "corrected_at": "2026-05-04T12:00:00Z",
                "corrected_by": "rev",
            },
            "data": {"propertyData": {"cards": [{"title": "Mill Lane"}]}}, "rating": -1,
            "client_id": "c1", "engines": {"tts": "espeak"}, "timings": {"first_audio": 120.5},
            "created_at": "2026-05-04T12:00:04Z", "finished_at": "2026-05-04T12:00:00Z",
            "segments": [
                {
                    "id": str(said.segments[0].pk), "track": "bot", "start_ms": 1200,
                    "duration_ms": 400, "codec": "wav", "size": 99, "file": None,
                }
            ],
        }
    ]  # fmt: skip


def test_no_field_of_a_turn_or_of_its_sound_is_forgotten():
    """A new column has to be exported, or named here with a reason."""
    internal = {"lease_instance", "lease_until", "conversation"}  # who answers; the document itself
    exported = names_in(as_json.TurnJson, as_json.CorrectionJson)
    assert columns_of(Turn) - internal <= exported
    internal = {"turn", "key", "peaks"}  # the place in the document; an address; drawn from sound
    assert columns_of(AudioSegment) - internal <= names_in(as_json.SegmentJson)


def test_no_field_of_a_conversation_or_of_a_call_is_forgotten():
    internal = {"next_seq", "answering"}  # of the recorder
    exported = names_in(as_json.ConversationJson, as_json.ReviewJson)
    assert columns_of(Conversation) - internal <= exported
    internal = {"conversation", "seen_at"}  # the document itself; whether the call is live
    assert columns_of(Call) - internal <= names_in(as_json.CallJson)


def test_everything_of_the_conversation_is_there():
    kept = conversation(title="Houses", username="ann")
    found = read(kept)
    assert found["schema"] == "voicechat.conversation/1"
    assert (found["id"], found["title"]) == (str(kept.conversation.pk), "Houses")
    assert found["person"] == {"id": str(kept.conversation.person.pk), "username": "ann"}
    assert found["bot"] == {"slug": "keeper", "name": "Keeper"}
    assert datetime.fromisoformat(found["created_at"]) == ZERO
    assert [call["number"] for call in found["calls"]] == [1]
    assert found["turns"] == []


def test_what_a_reviewer_noted_is_there_and_not_in_a_persons_own():
    noted = {
        "grade": 2, "tags": ("late",), "note": "Too slow", "reviewed_at": ZERO,
        "reviewed_by": User(username="a reviewer"),
    }  # fmt: skip
    kept = conversation(turn("Hi", corrected_text="High"), **noted)
    assert read(kept)["review"] == {
        "grade": 2, "tags": ["late"], "note": "Too slow", "reviewed_at": "2026-05-04T12:00:00Z",
        "reviewed_by": "a reviewer",
    }  # fmt: skip
    own = b"".join(as_json.document(kept, with_review=False)).decode()
    assert json.loads(own)["review"] is None
    assert json.loads(own)["turns"][0]["correction"] is None
    for told in ("Too slow", "late", "High", "a reviewer"):
        assert told not in own


def test_a_guest_and_a_person_without_a_user_have_no_user_name():
    assert read(conversation())["person"]["username"] is None


def test_the_files_of_the_same_export_are_named():
    kept = conversation(turn("Hi", segment("person", 0, 9), segment("person", 20, 9), seq=3))
    call = KeptCall(1, kept.calls[0].call, sound_ms=29)
    kept = type(kept)(kept.conversation, (call,), kept.turns)
    found = read(kept, {Format.JSON, Format.VTT, Format.WAV, Format.SEGMENTS})
    assert (found["calls"][0]["webvtt"], found["calls"][0]["wav"]) == ("call-1.vtt", "call-1.wav")
    assert [sound["file"] for sound in found["turns"][0]["segments"]] == [
        "sound/000003-person-1.wav",
        "sound/000003-person-2.wav",
    ]


def test_a_call_without_sound_names_no_file_for_it():
    assert read(conversation(), {Format.WAV})["calls"][0]["wav"] is None


def test_each_turn_is_on_a_line_of_its_own():
    lines = written(conversation(turn("a\nb"), turn("c", seq=1))).decode().splitlines()
    assert [json.loads(line.rstrip(","))["text"] for line in lines if '"seq"' in line] == [
        "a\nb",
        "c",
    ]


def test_the_document_is_what_the_structs_say():
    found = read(conversation(turn("Hi", segment("person", 0, 9))))
    turns = found.pop("turns")
    jsonschema.validate(found, schema_of(as_json.ConversationJson))
    jsonschema.validate(turns[0], schema_of(as_json.TurnJson))
    turns[0]["seq"] = "first"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(turns[0], schema_of(as_json.TurnJson))


def test_hostile_text_comes_back_as_it_was():
    found = read(conversation(turn(HOSTILE), title=HOSTILE))
    assert found["title"] == found["turns"][0]["text"] == HOSTILE


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.just("half a pair: \ud800"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(text=st.text(), data=json_values)
def test_whatever_was_said_and_stored_comes_back(text, data):
    found = read(conversation(turn(text, heard_ms=0, data=data)))["turns"][0]
    assert (found["text"], found["unheard_text"], found["data"]) == (text, text, data)
