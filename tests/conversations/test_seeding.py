"""Conversations that nobody had."""

from __future__ import annotations

import random
from io import StringIO
from itertools import pairwise

import pytest
from django.core.management import CommandError, call_command
from django.db.models import Count, F, Q
from django.utils import timezone

from accounts.models import Person, User
from conversations.models import AudioSegment, Call, Conversation, Turn
from conversations.search import search
from conversations.seeding import seed

# PostgreSQL's VACUUM is not for transactions.
pytestmark = pytest.mark.django_db(transaction=True)


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("seed_conversations", *arguments, stdout=out)
    return out.getvalue()


def test_there_are_just_as_many_as_asked_for():
    assert run("--conversations", "30", "--turns", "301") == (
        "Wrote 30 conversations of 301 turns.\n"
    )
    assert Conversation.objects.count() == Call.objects.count() == 30
    assert Turn.objects.count() == 301
    assert not AudioSegment.objects.exists()


@pytest.mark.parametrize("turns", [2, 3, 50])
def test_one_conversation_has_all_the_turns(turns):
    run("--conversations", "1", "--turns", str(turns))
    assert Conversation.objects.get().turn_count == turns


def test_what_the_lists_count_is_so():
    run("--conversations", "100", "--turns", "1500")
    interrupted = Q(turns__status=Turn.Status.INTERRUPTED)
    counted = Conversation.objects.annotate(
        all=Count("turns"),
        interrupted=Count("turns", filter=interrupted),
        wrong=Count("turns", filter=~Q(turns__error="")),
        liked=Count("turns", filter=Q(turns__rating=1)),
        disliked=Count("turns", filter=Q(turns__rating=-1)),
    )
    assert not counted.exclude(
        all=F("turn_count"),
        next_seq=F("turn_count"),
        interrupted=F("interruption_count"),
        wrong=F("error_count"),
        liked=F("liked_count"),
        disliked=F("disliked_count"),
    ).exists()
    assert not Conversation.objects.filter(Q(protocol="") | Q(p95_ms=None)).exists()
    assert Conversation.objects.filter(tags__name="refund", reviewed_at__isnull=False).exists()
    assert (
        Conversation.objects.aggregate(languages=Count("language", distinct=True))["languages"] > 5
    )
    assert Conversation.objects.filter(interruption_count__gt=0, error_count__gt=0).exists()
    assert Turn.objects.filter(rating=-1).exists()
    assert Person.objects.filter(user=None, conversations__isnull=False).exists()


def test_every_user_turn_is_answered_and_the_times_go_on():
    run("--conversations", "20", "--turns", "300")
    for conversation in Conversation.objects.all():
        turns = list(conversation.turns.order_by("seq"))
        assert [turn.seq for turn in turns] == list(range(len(turns)))
        for turn, following in pairwise(turns):
            assert turn.created_at < following.created_at
            if turn.role == Turn.Role.USER:
                assert following.reply_to_id == turn.pk
        assert turns[-1].role == Turn.Role.ASSISTANT
        assert conversation.last_at <= timezone.now()


def test_they_are_searched_and_nobody_can_log_in_as_their_users():
    run("--conversations", "50")
    assert search("the").hits
    assert not any(user.has_usable_password() for user in User.objects.all())


def test_the_same_seed_gives_the_same_conversations():
    until = timezone.now()

    def said(number: int) -> list[str]:
        Conversation.objects.all().delete()
        for _ in seed(conversations=5, turns=40, chance=random.Random(number), until=until):
            pass
        return list(Turn.objects.order_by("created_at", "seq").values_list("text", flat=True))

    assert said(7) == said(7)
    assert said(7) != said(8)


def test_real_conversations_are_not_mixed_with_them_unasked():
    run("--conversations", "2")
    with pytest.raises(CommandError, match="conversations already"):
        run("--conversations", "2")
    assert Conversation.objects.count() == 2
    run("--conversations", "2", "--yes")
    assert Conversation.objects.count() == 4


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--conversations", "0"], "1 or more"),
        (["--conversations", "10", "--turns", "19"], "at least 2"),
    ],
)
def test_figures_that_cannot_be_are_refused(arguments, why):
    with pytest.raises(CommandError, match=why):
        run(*arguments)
    assert not Conversation.objects.exists()
