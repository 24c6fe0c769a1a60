"""Streams by the ids of their clients: one holder at a time, and what was said in them."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from conversations import streams
from conversations.models import Stream
from conversations.streams import Claim

pytestmark = pytest.mark.django_db


def claim(id: str = "abc", owner: str = "ann", instance: str = "one") -> Claim:
    claimed = streams.claim(id, owner, instance)
    assert claimed is not None
    return claimed


def lapse(id: str = "abc") -> None:
    """Its instance has not renewed it in time."""
    Stream.objects.filter(pk=id).update(alive_until=timezone.now() - timedelta(seconds=1))


def found(id: str = "abc") -> streams.Found:
    stream = streams.find(id)
    assert stream is not None
    return stream


def test_an_id_in_use_is_refused_to_everybody_its_owner_included() -> None:
    claim()
    assert streams.claim("abc", "bob", "two") is None
    assert streams.claim("abc", "ann", "one") is None
    assert found() == streams.Found("ann", None, is_live=True)


def test_an_id_is_free_again_when_its_stream_has_ended() -> None:
    streams.end(claim())
    assert not found().is_live
    claim(owner="bob")
    assert found() == streams.Found("bob", None, is_live=True)


def test_an_id_is_free_again_when_its_instance_has_died() -> None:
    claim()
    lapse()
    assert not found().is_live
    claim(owner="bob", instance="two")
    assert found().owner == "bob"


def test_whoever_had_an_id_that_lapsed_does_nothing_to_the_next_stream_under_it() -> None:
    earlier = claim()
    lapse()
    claim(owner="bob", instance="two")
    streams.note_conversation(earlier, str(uuid.uuid4()))
    streams.end(earlier)
    assert found() == streams.Found("bob", None, is_live=True)
    lapse()
    streams.renew("one", [earlier])
    assert not found().is_live


def test_a_renewed_stream_goes_on_and_one_that_has_ended_does_not() -> None:
    held, ended = claim("held"), claim("ended")
    streams.end(ended)
    for id in ("held", "ended"):
        lapse(id)
    streams.renew("one", [held, ended])
    assert found("held").is_live
    assert not found("ended").is_live


def test_its_conversation_is_found() -> None:
    conversation = uuid.uuid4()
    streams.note_conversation(claim(), str(conversation))
    assert found().conversation == conversation


def test_streams_are_forgotten_after_a_day() -> None:
    claim("old")
    Stream.objects.update(alive_until=timezone.now() - timedelta(days=1, seconds=1))
    claim("new")
    assert streams.find("old") is None


def test_nobody_is_found_under_an_id_that_was_never_used() -> None:
    assert streams.find("abc") is None
