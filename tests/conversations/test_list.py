"""The list of conversations: where to look first."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Person, User
from conversations.models import Conversation, Tag

from .kept import keep_call, keep_conversation
from .test_admin import HOSTILE, LIST, rows, staff

pytestmark = pytest.mark.django_db


def titles(client, **asked):
    return [row.title for row in rows(client.get(LIST, asked))]


def cell(page, name):
    """The text of the first row's cell of this column."""
    found = re.search(rf'<td class="field-{name}[^"]*">(.*?)</td>', page, re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", found[1]).split())


def keep_many(count):
    reviewer = User.objects.create_user(f"reviewer{count}")
    tags = [Tag.objects.get_or_create(name=f"tag {number}")[0] for number in range(3)]
    for number in range(count):
        user = User.objects.create_user(f"user{count}-{number}") if number % 2 else None
        conversation = keep_conversation(
            Person.objects.create(user=user),
            f"Title {number}",
            reviewed_at=timezone.now(),
            reviewed_by=reviewer,
            grade=number % 5 + 1,
        )
        conversation.tags.set(tags)
        keep_call(conversation, seen_at=timezone.now())


def test_it_takes_as_many_queries_for_fifty_rows_as_for_five(
    admin_client, django_assert_num_queries
):
    keep_many(5)
    with CaptureQueriesContext(connection) as five:
        assert len(rows(admin_client.get(LIST))) == 5
    keep_many(45)
    with django_assert_num_queries(len(five)):
        assert len(rows(admin_client.get(LIST))) == 50


def test_a_row_says_what_there_is_to_know(admin_client):
    ann = Person.objects.create(user=User.objects.create_user("ann"))
    conversation = keep_conversation(
        ann,
        "About houses",
        protocol="twilio",
        language="de",
        duration_ms=61_000,
        turn_count=12,
        interruption_count=3,
        error_count=2,
        p95_ms=2340,
        liked_count=4,
        disliked_count=1,
        grade=1,
        reviewed_at=timezone.now(),
        reviewed_by=User.objects.create_user("bea"),
    )
    conversation.tags.set([Tag.objects.create(name="billing")])
    page = admin_client.get(LIST).content.decode()
    assert cell(page, "who") == "ann twilio · de · Keeper"
    assert cell(page, "last_turn").startswith(f"{timezone.now():%Y-%m-%d}")
    assert "since" in cell(page, "last_turn")
    assert cell(page, "length") == "length 1:01"
    assert cell(page, "turns") == "turns 12"
    assert cell(page, "cut_off") == "cut off 3"
    assert cell(page, "errors") == "errors ▲ 2"
    assert cell(page, "p95") == "p95 ▲ 2.3 s"
    assert cell(page, "rating") == "rating +4 liked ▲ −1 disliked"  # noqa: RUF001 (a minus sign)
    assert cell(page, "review") == "▲ bad reviewed by bea billing"


def test_a_row_of_nothing_in_particular_is_quiet(admin_client):
    keep_conversation(Person.objects.create())
    page = admin_client.get(LIST).content.decode()
    for column in ("length", "cut_off", "errors", "p95", "rating", "review"):
        assert cell(page, column).endswith("\u2013")
    assert "trouble" not in page.partition('id="result_list"')[2].partition("</table>")[0]


@pytest.mark.parametrize(
    ("call", "live"),
    [
        ({"seen_at": timedelta(0)}, True),
        ({"seen_at": timedelta(seconds=44)}, True),
        ({"seen_at": timedelta(seconds=50)}, False),
        ({"seen_at": timedelta(0), "ended_at": timedelta(0)}, False),
        ({}, False),
    ],
)
def test_it_tells_what_goes_on_now(admin_client, call, live):
    conversation = keep_conversation(Person.objects.create())
    keep_call(conversation, **{name: timezone.now() - ago for name, ago in call.items()})
    keep_call(conversation, ended_at=timezone.now())
    assert ("live now" in cell(admin_client.get(LIST).content.decode(), "last_turn")) is live
    assert bool(titles(admin_client, live="now")) is live
    assert bool(titles(admin_client, live="over")) is not live


def test_whose_reviewer_is_deleted_stays_reviewed(admin_client):
    reviewer = User.objects.create_user("bea")
    keep_conversation(Person.objects.create(), reviewed_at=timezone.now(), reviewed_by=reviewer)
    reviewer.delete()
    assert cell(admin_client.get(LIST).content.decode(), "review") == "reviewed"


@pytest.mark.parametrize(
    ("chosen", "found"),
    [
        ({"p95": "quick"}, {"quick"}),
        ({"p95": "fair"}, {"fair"}),
        ({"p95": "slow"}, {"slow"}),
        ({"rating": "liked"}, {"quick"}),
        ({"rating": "disliked"}, {"fair"}),
        ({"rating": "none"}, {"slow", "plain"}),
        ({"reviewed": "yes"}, {"quick", "fair"}),
        ({"reviewed": "me"}, {"quick"}),
        ({"reviewed": "no"}, {"slow", "plain"}),
        ({"grade": "1"}, {"slow"}),
        ({"grade": "none"}, {"quick", "fair", "plain"}),
        ({"tag": "none"}, {"slow", "plain", "fair"}),
        ({"protocol": "twilio"}, {"fair"}),
        ({"protocol": "no-such"}, set()),
        ({"language": "de"}, {"slow"}),
        ({"length": "1"}, {"quick", "plain"}),
        ({"length": "5"}, {"fair"}),
        ({"length": "30"}, {"slow"}),
        ({"length": "more"}, set()),
        ({"turn_count": "2"}, {"plain", "quick"}),
        ({"turn_count": "10"}, {"fair"}),
        ({"turn_count": "50"}, {"slow"}),
        ({"turn_count": "more"}, set()),
        ({"p95": "slow", "language": "de"}, {"slow"}),
        ({"p95": "nonsense"}, {"quick", "fair", "slow", "plain"}),
        ({"tag": "nonsense"}, set()),
        ({"tag": "9" * 40}, set()),
        ({"tag": "²"}, set()),
    ],
)
def test_each_filter_leaves_what_it_says(admin_client, admin_user, chosen, found):
    other = User.objects.create_user("bea")
    now = timezone.now()

    def keep(title, **more):
        return keep_conversation(Person.objects.create(), title, **more)

    quick = keep("quick", p95_ms=999, liked_count=1, reviewed_at=now, reviewed_by=admin_user)
    keep(
        "fair",
        p95_ms=1000,
        disliked_count=2,
        reviewed_at=now,
        reviewed_by=other,
        protocol="twilio",
        duration_ms=60_000,
        turn_count=3,
    )
    keep("slow", p95_ms=2000, grade=1, language="de", duration_ms=1_000_000, turn_count=50)
    keep("plain", turn_count=2)
    tag = Tag.objects.create(name="billing")
    quick.tags.set([tag])
    assert set(titles(admin_client, **chosen)) == found
    assert titles(admin_client, tag=str(tag.pk)) == ["quick"]


def test_values_that_clients_made_up_are_listed_safely_and_not_without_end(admin_client):
    person = Person.objects.create()
    for number in range(60):
        keep_conversation(person, language=f"x-{number:02}")
    keep_conversation(person, language="\u202e<b>x")
    page = admin_client.get(LIST).content.decode()
    assert "x-48" in page
    assert "?language=x-55" not in page
    assert "\u202e" not in page
    assert "<b>x" not in page


def test_the_worst_come_first_where_that_is_asked_for(admin_client):
    person = Person.objects.create()
    now = timezone.now()
    for title, counts in {
        "calm": {},
        "cut": {"interruption_count": 9},
        "broken": {"error_count": 1},
        "hopeless": {"error_count": 1, "interruption_count": 1},
        "slow": {"p95_ms": 5000},
        "quick": {"p95_ms": 50, "disliked_count": 1},
    }.items():
        conversation = keep_conversation(person, title, **counts)
        now -= timedelta(minutes=1)
        Conversation.objects.filter(pk=conversation.pk).update(last_at=now)

    def in_order(name):
        changelist = admin_client.get(LIST).context["cl"]
        (query,) = [query for order, query, _ in changelist.orders if order == name]
        page = admin_client.get(f"{LIST}{query}")
        chosen = [order for order, _, is_now in page.context["cl"].orders if is_now]
        assert chosen == [name]
        return [row.title for row in rows(page)]

    assert in_order("Newest first") == ["calm", "cut", "broken", "hopeless", "slow", "quick"]
    assert in_order("Worst first") == ["hopeless", "broken", "cut", "calm", "slow", "quick"]
    assert in_order("Slowest first")[:2] == ["slow", "quick"]
    assert in_order("Disliked first")[0] == "quick"


def test_the_worst_come_first_without_sorting_all():
    """The index is read from its end, and only as far as the page goes."""
    if connection.vendor == "postgresql":  # of few rows it reads all
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")
    worst = Conversation.objects.order_by("-error_count", "-interruption_count", "-last_at", "-pk")
    assert "conversation_worst" in worst[:50].explain()


def test_hostile_words_in_the_list_do_nothing(admin_client):
    person = Person.objects.create(user=User.objects.create_user(HOSTILE[:40].replace(" ", "")))
    conversation = keep_conversation(
        person, HOSTILE[:120], protocol=HOSTILE[:24], language=HOSTILE[:16]
    )
    conversation.tags.set([Tag.objects.create(name=f"{HOSTILE[-30:]}")])
    page = admin_client.get(LIST).content.decode()
    assert "<script>alert" not in page
    assert not set("\u202e\u2066\x07\x1b") & set(page)


def test_it_has_no_inline_script_or_style(admin_client):
    keep_many(2)
    page = admin_client.get(LIST).content.decode()
    assert not re.search(r"<script(?![^>]*\ssrc=)[^>]*>", page)
    assert not re.search(r"<style|\sstyle=|\son\w+=", page)


def test_who_may_not_read_sees_the_same_figures_and_no_title():
    conversation = keep_conversation(Person.objects.create(), "About houses", error_count=2)
    page = staff("view_conversation").get(LIST).content.decode()
    assert cell(page, "errors") == "errors ▲ 2"
    assert "About houses" not in page
    assert str(conversation.pk)[:8] in page


ACCESS = "/admin/conversations/access/"
MADE_UP = [
    (LIST, "last_at__year=9999"),
    (LIST, "last_at__year=9999&last_at__month=12"),
    (LIST, "language=%00"),
    (LIST, "q=%00"),
    (LIST, "_facets=True"),
    (LIST, "p=%00"),
    (f"{LIST}next/", "_changelist_filters=last_at__year%3D9999"),
    (f"{LIST}next/", "_changelist_filters=language%3D%2500"),
    (ACCESS, "at__year=9999"),
    (ACCESS, "what=%00"),
    ("/admin/conversations/call/", "started_at__year=9999"),
    ("/admin/conversations/call/", "protocol=%00"),
]


@pytest.mark.parametrize(("path", "query"), MADE_UP)
def test_an_address_that_somebody_made_up_is_no_fault(admin_client, path, query):
    keep_conversation(Person.objects.create())
    response = admin_client.get(f"{path}?{query}", follow=True)
    assert response.status_code in {200, 404}


@pytest.mark.parametrize("action", ["hold_selected", "export_selected", "delete_selected"])
def test_a_selection_that_somebody_made_up_is_refused(admin_client, action):
    keep_conversation(Person.objects.create())
    chosen = {"action": action, "_selected_action": "not-an-id", "index": "0"}
    assert admin_client.post(LIST, chosen).status_code == 400


def test_choices_are_not_counted(admin_client):
    assert "_facets" not in admin_client.get(LIST).content.decode()
