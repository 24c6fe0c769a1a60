"""Years, months and days over the list of conversations."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from accounts.models import Person
from conversations.models import Conversation

from .kept import keep_conversation
from .test_admin import rows

pytestmark = pytest.mark.django_db
LIST = "/admin/conversations/conversation/"


def keep_at(*times: str) -> None:
    for time in times:
        conversation = keep_conversation(Person.objects.create(), time)
        last_at = datetime.fromisoformat(time).replace(tzinfo=UTC)
        Conversation.objects.filter(pk=conversation.pk).update(last_at=last_at)


def steps(client, **chosen: int | str) -> dict[str, str]:
    """The steps that are offered, each with its address."""
    page = client.get(LIST, {f"last_at__{part}": value for part, value in chosen.items()})
    (shown,) = re.findall(r'<nav class="toplinks">(.*?)</nav>', page.content.decode(), re.DOTALL)
    links = re.findall(r'<a href="([^"]*)"(?: class="date-back")?>(.*?)</a>', shown)
    return {title.replace("&lsaquo; ", ""): link.replace("&amp;", "&") for link, title in links}


def test_one_goes_from_years_to_months_to_days(admin_client):
    keep_at("2024-03-02", "2026-05-04", "2026-05-06", "2026-08-07")
    years = steps(admin_client)
    assert list(years) == ["2024", "2025", "2026"]
    assert years["2026"] == "?last_at__year=2026"
    months = steps(admin_client, year=2026)
    assert list(months) == ["All dates", "May 2026", "June 2026", "July 2026", "August 2026"]
    days = steps(admin_client, year=2026, month=5)
    assert list(days) == ["2026", "May 4", "May 5", "May 6"]
    assert len(rows(admin_client.get(LIST + days["May 4"]))) == 1
    day = steps(admin_client, year=2026, month=5, day=4)
    assert day == {"May 2026": "?last_at__month=5&last_at__year=2026"}


def test_what_would_be_the_only_choice_is_not_asked(admin_client):
    keep_at("2026-05-04", "2026-08-07")
    assert list(steps(admin_client))[:2] == ["All dates", "May 2026"]


def test_only_what_the_filters_leave_is_spanned(admin_client):
    keep_at("2024-03-02", "2026-05-04")
    Conversation.objects.filter(title="2026-05-04").update(error_count=1)
    page = admin_client.get(LIST, {"trouble": "errors"}).content.decode()
    assert "May 4" in page
    assert "2024" not in page


@pytest.mark.parametrize("chosen", [{}, {"year": 2020}, {"year": 2020, "month": 2}])
def test_where_there_is_nothing_nothing_is_offered(admin_client, chosen):
    keep_at(*(["2026-05-04"] if chosen else []))
    assert set(steps(admin_client, **chosen)) <= {"All dates", "2020"}


@pytest.mark.parametrize(
    "chosen",
    [
        {"year": "x"},
        {"year": 2026, "month": 13},
        {"year": 2026, "month": 2, "day": 30},
        {"year": 99999999},
        {"month": 5},
        {"day": 5},
        {"year": ""},
    ],
)
def test_dates_that_are_none_break_nothing(admin_client, chosen):
    keep_at("2026-05-04")
    asked = {f"last_at__{part}": value for part, value in chosen.items()}
    assert admin_client.get(LIST, asked, follow=True).status_code == 200


def test_it_takes_two_looks_at_the_table(admin_client, django_assert_num_queries):
    keep_at("2026-05-04", "2026-05-05")
    with django_assert_num_queries(14):
        admin_client.get(LIST)
