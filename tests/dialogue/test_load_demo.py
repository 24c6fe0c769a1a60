"""``manage.py load_demo``."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import call_command

from dialogue.listings.models import Listing
from dialogue.models import Answer, Bot

pytestmark = pytest.mark.django_db


def load() -> str:
    out = StringIO()
    call_command("load_demo", stdout=out)
    return out.getvalue()


def test_it_loads_listings_answers_and_a_bot_with_a_greeting() -> None:
    load()
    assert Listing.objects.count() >= 60
    assert Listing.objects.values("city").distinct().count() >= 6
    assert Answer.objects.count() >= 10
    bot = Bot.objects.get(is_default=True)
    assert bot.greeting


def test_again_adds_nothing() -> None:
    load()
    assert load() == "Added 0 listings, 0 answers and 0 bots.\n"


def test_what_staff_edited_stays() -> None:
    load()
    Answer.objects.filter(key="hello").update(text="Good day.", questions="good day")
    Listing.objects.filter(reference="CA-1001").update(price=1)
    Bot.objects.update(greeting="Good day.")
    load()
    assert Answer.objects.get(key="hello").text == "Good day."
    assert Listing.objects.get(reference="CA-1001").price == 1
    assert Bot.objects.get().greeting == "Good day."


def test_a_bot_that_is_there_stays_the_only_one() -> None:
    Bot.objects.create(slug="mine", name="Mine")
    load()
    assert Bot.objects.get().slug == "mine"
