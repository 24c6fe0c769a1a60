"""A conversation as reviewers read and hear it."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from django.test import Client

from accounts.models import Person, User
from conversations.export.as_wav import MOST_FRAMES, RATE
from conversations.models import AudioSegment, Conversation, Turn

from .kept import keep_call, keep_conversation, keep_sound, keep_turn
from .test_admin import HOSTILE, page_of, staff

pytestmark = pytest.mark.django_db
TIMINGS = {"endpoint": 300.0, "stored": 310.0, "first_text": 400.0, "first_audio": 1234.0}


@pytest.fixture
def conversation() -> Conversation:
    return keep_conversation(Person.objects.create(user=User.objects.create_user("ann")))


@pytest.fixture
def reviewer() -> Client:
    return staff("view_conversation", "read_transcript", "hear_audio")


def shown(client: Client, conversation: Conversation, **query: object) -> str:
    response = client.get(page_of(conversation), query)
    assert response.status_code == 200
    return response.content.decode()


def test_turns_stand_under_the_calls_in_which_they_were_said(reviewer, conversation):
    first = keep_call(conversation)
    second = keep_call(conversation, started_at=datetime(2026, 5, 5, tzinfo=UTC))
    for call in (None, first, first, second, first):
        keep_turn(conversation, call=call)
    page = shown(reviewer, conversation)
    headings = re.findall(r'<h2 class="call-mark"[^>]*>(.*?)</h2>', page, re.DOTALL)
    assert [" ".join(heading.split()).partition(" ·")[0] for heading in headings] == [
        "Of no known call",
        "Call 1",
        "Call 2",
        "Call 1",
    ]


def test_each_call_with_sound_has_one_player(reviewer, conversation):
    first, second = keep_call(conversation), keep_call(conversation)
    for call in (first, second, first):
        keep_sound(keep_turn(conversation, call=call), start_ms=2000)
    keep_turn(conversation, call=keep_call(conversation))
    page = shown(reviewer, conversation)
    players = re.findall(
        r'data-call="([^"]+)" data-duration="3000" data-waveform="([^"]+)">\s*'
        r'<audio controls preload="none" src="([^"]+)"',
        page,
    )
    base = f"/conversations/{conversation.pk}/calls"
    assert players == [
        (str(call.pk), f"{base}/{call.pk}/waveform.json", f"{base}/{call.pk}/audio.wav")
        for call in (first, second)
    ]


def test_a_turn_knows_where_it_lies_in_the_call(reviewer, conversation):
    call = keep_call(conversation)
    silent = keep_turn(conversation, call=call, start_ms=500)
    spoken = keep_turn(conversation, call=call, start_ms=900)
    keep_sound(spoken, start_ms=3000)
    keep_sound(spoken, start_ms=1000)
    typed = keep_turn(conversation, call=call)
    page = shown(reviewer, conversation)
    for turn, start, end in ((silent, 500, 500), (spoken, 1000, 4000)):
        assert (
            f'id="turn-{turn.pk}" data-call="{call.pk}" data-start="{start}" data-end="{end}"'
            in page
        )
    assert f'id="turn-{typed.pk}">' in page
    assert page.count('class="turn-seek"') == 2


def test_a_call_that_no_wav_can_hold_has_no_player_but_its_turns_have(reviewer, conversation):
    segment = keep_sound(keep_turn(conversation, call=keep_call(conversation)))
    AudioSegment.objects.update(start_ms=MOST_FRAMES * 1000 // RATE)
    page = shown(reviewer, conversation)
    assert "call-player" not in page
    assert "turn-seek" not in page
    assert f"/audio/{segment.pk}" in page


def test_who_may_not_hear_sees_where_turns_lie_and_no_player(conversation):
    keep_sound(keep_turn(conversation, call=keep_call(conversation), start_ms=65_000))
    page = shown(staff("view_conversation", "read_transcript"), conversation)
    assert "1:05" in page
    assert "not hear it" in page
    for sound in ("<audio", "call-player", "turn-seek", "waveform.json", "data-start"):
        assert sound not in page


def test_who_may_hear_but_not_read_is_refused(conversation):
    keep_sound(keep_turn(conversation))
    for permissions in (("hear_audio",), ("view_conversation", "hear_audio"), ("read_transcript",)):
        assert staff(*permissions).get(page_of(conversation)).status_code == 403


def test_the_waterfall_is_a_table_to_read_and_bars_to_see(reviewer, conversation):
    keep_turn(conversation, timings=TIMINGS)
    page = shown(reviewer, conversation)
    assert "1.23 s to the first sound" in page
    rows = re.findall(
        r'<th scope="row">(.*?)</th>.*?hidden">(.*?)</span>.*?<td>(.*?)</td>', page, re.DOTALL
    )
    assert rows == [
        ("End of speech", "0 to 300 ms", "0.30 s"),
        ("Stored", "300 to 310 ms", "10 ms"),
        ("First token", "310 to 400 ms", "90 ms"),
        ("First audio", "310 to 1234 ms", "0.92 s"),
    ]
    assert re.search(r'<rect class="bar-endpoint" x="0.0" y="1" width="20.26" height="8"/>', page)


def test_bars_are_drawn_in_any_language(reviewer, conversation, settings):
    settings.LANGUAGES = [("de", "Deutsch")]
    keep_turn(conversation, timings=TIMINGS)
    response = reviewer.get(page_of(conversation), headers={"accept-language": "de"})
    assert response.headers["Content-Language"] == "de"
    assert b'width="20.26"' in response.content


@pytest.mark.parametrize("timings", [None, [], "text", {"first_text": HOSTILE}, {HOSTILE: 5}])
def test_timings_of_any_shape_are_readable(reviewer, conversation, timings):
    turn = keep_turn(conversation)
    # The column takes no NULL; JSON's null it does.
    Turn.objects.filter(pk=turn.pk).update(timings=timings or [])
    page = shown(reviewer, conversation)
    assert '<details class="waterfall">' not in page
    assert "<script>alert" not in page


def test_no_script_style_or_handler_stands_in_the_page(reviewer, conversation):
    call = keep_call(conversation, client_label=HOSTILE[:100])
    keep_sound(keep_turn(conversation, HOSTILE, call=call, timings=TIMINGS))
    page = shown(reviewer, conversation)
    assert not re.search(r"<script(?![^>]*\ssrc=)[^>]*>", page)
    assert not re.search(r"<style|\sstyle=|<[^>]*\son\w+=", page)
    assert not set("\u202e\u2066\x07\x1b") & set(page)


def test_a_page_of_turns_takes_few_queries_and_not_its_peaks(
    reviewer, conversation, django_assert_max_num_queries
):
    calls = [keep_call(conversation) for _ in range(5)]
    for number in range(120):
        keep_sound(keep_turn(conversation, call=calls[number % 5], timings=TIMINGS))
    with django_assert_max_num_queries(14) as queries:
        shown(reviewer, conversation)
    assert not any('"peaks"' in query["sql"] for query in queries)


def test_of_a_very_long_conversation_each_page_is_as_small_and_cheap_as_any(
    reviewer, conversation, django_assert_max_num_queries
):
    call = keep_call(conversation)
    turns = Turn.objects.bulk_create(
        Turn(
            conversation=conversation, call=call, seq=seq, rev=seq, status="done", timings=TIMINGS,
            role="assistant" if seq % 2 else "user", text=f"n{seq}. " + "word " * 40,
        )
        for seq in range(3000)
    )  # fmt: skip
    AudioSegment.objects.bulk_create(
        AudioSegment(turn=turn, track="bot", start_ms=turn.seq * 2000, duration_ms=1500,
                     key=f"k{turn.seq}", codec="mp3", peaks=[9] * 30)
        for turn in turns
    )  # fmt: skip
    with django_assert_max_num_queries(14):
        page = shown(reviewer, conversation, turns=15)
    assert "n2999." in page
    assert page.count('class="turn ') == 200
    assert len(page) < 1_000_000


def test_only_what_there_is_can_be_exported(admin_client, conversation):
    page = shown(admin_client, conversation)
    assert "format=json" in page
    assert "format=vtt" not in page
    assert "format=wav" not in page
    keep_sound(keep_turn(conversation))
    page = shown(admin_client, conversation)
    assert "format=vtt" in page
    assert "format=wav" in page


def test_the_facts_are_those_of_the_list(admin_client, conversation):
    Conversation.objects.update(protocol="voice-chat-1", duration_ms=61_000, p95_ms=1230)
    page = shown(admin_client, conversation)
    assert "voice-chat-1" in page
    assert "1:01" in page
    assert "1.23 s" in page


def test_a_card_without_anything_to_show_is_none(admin_client, conversation):
    keep_turn(conversation, data={"propertyData": {"cards": [{"image": "x"}, {"title": 7}, {}]}})
    assert 'class="cards"' not in shown(admin_client, conversation)
