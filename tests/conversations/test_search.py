"""Search in what was said. All of this holds on PostgreSQL too: see the last test."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import uuid

import pytest
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from accounts.models import Person
from conversations.models import Conversation, Turn
from conversations.search import SEARCHED, conversations_with, postgres, search
from conversations.search.backends import index_of
from conversations.search.words import decomposed, indexed_words, words
from tests.services import ROOT, environment_without_settings

from .kept import keep_conversation, keep_turn

pytestmark = pytest.mark.django_db
FILES = [
    f"tests/conversations/test_{part}.py"
    for part in ("search", "admin_search", "date_steps", "distinct_values", "seeding")
]


def found(sought: str, **how) -> list[str]:
    return [hit.turn.text for hit in search(sought, **how).hits]


def marked(sought: str) -> list[str]:
    """What is marked in the excerpt of the only hit."""
    (hit,) = search(sought).hits
    return [piece.text for piece in hit.excerpt if piece.is_hit]


@pytest.fixture
def conversation() -> Conversation:
    return keep_conversation(Person.objects.create())


@pytest.mark.parametrize(
    ("sought", "finds"),
    [
        ("otters", {"Where are the otters?", "No otters, no river."}),
        ("OTTERS river", {"No otters, no river."}),
        ("river otters", {"No otters, no river."}),
        ('"no river"', {"No otters, no river."}),
        ('"river no"', set()),
        ("otters -river", {"Where are the otters?"}),
        ('otters -"no river"', {"Where are the otters?"}),
        ("-otters", set()),
        ("ott", {"Where are the otters?", "No otters, no river."}),
        ("ott river", set()),
        ("ott* river", {"No otters, no river."}),
        ("ot", set()),
        ("otter's", set()),
        ("strasse 12", {"Zur Straße 12, ins Café"}),
        ("CAFE", {"Zur Straße 12, ins Café"}),
        ("cafe\u0301", {"Zur Straße 12, ins Café"}),
        ("ann@example.com", {"Write to ann@example.com, not to bob"}),
        ("ann@example", {"Write to ann@example.com, not to bob"}),
        ("example@ann", set()),
        ("“write to”", {"Write to ann@example.com, not to bob"}),
        ('"write to', {"Write to ann@example.com, not to bob"}),
        ("预约", {"我想预约明天的房子"}),
        ("约预", set()),
        ("房子", {"我想预约明天的房子"}),
        ("カップ麺", {"東京でカップ麺が食べたい"}),
        ("МОСКВА", {"Москва и Питер"}),  # noqa: RUF001 (Cyrillic)
        ("दुनिया", {"नमस्ते दुनिया"}),
        ("สวัสดี", {"สวัสดีครับ"}),
        ("مرحبا", {"مَرحبًا بالعالم"}),
        ("세계", {"안녕하세요 세계"}),
        ("😀", {"Fine 😀"}),
    ],
)
def test_what_is_sought_is_found_and_nothing_else(conversation, sought, finds):
    for text in (
        "Where are the otters?",
        "No otters, no river.",
        "Zur Straße 12, ins Café",
        "Write to ann@example.com, not to bob",
        "我想预约明天的房子",
        "東京でカップ麺が食べたい",
        "Москва и Питер",
        "नमस्ते दुनिया",
        "สวัสดีครับ",
        "مَرحبًا بالعالم",
        "안녕하세요 세계",
        "Fine 😀",
    ):
        keep_turn(conversation, text)
    assert set(found(sought)) == finds


@pytest.mark.parametrize(
    "sought",
    [
        "", " ", "-", '"', '""', "***", "-*", "\x00", "\ud800", "\u202e", "(", ")", "'", "\\", "%",
        "NEAR(", "words:", "NOT", "AND OR", '"unbalanced', "a:b:c", "{x y}: z", "^x", "x" * 10_000,
        "x " * 5_000, '"x ' * 3_000, "$$", "';--", "<->", "!x", "x & y", "\U0010ffff", "١٢٣", "½",
    ],
)  # fmt: skip
def test_nothing_is_malformed(conversation, sought):
    keep_turn(conversation, "plain text")
    assert found(sought) == []


def test_operators_are_words(conversation):
    keep_turn(conversation, "near and or not")
    assert found("NEAR AND OR NOT") == ["near and or not"]


# Letters of a few scripts and what they might be confused by; whole texts made of few words, so
# that some are found.
TEXT = st.one_of(
    st.text(max_size=60),
    st.lists(
        st.sampled_from(["otter", "Otters", "Straße", "预约", "が", "-", '"', "café", "x*", "😀"])
    ).map(" ".join),
)


@given(said=TEXT, sought=TEXT)
@example(said="İstanbul ŉ ǅ ﬁsh ½ ㎏", sought="istanbul")
@example(said="e\u0301 \u0345 \u1e9e \u0130", sought='"é ß"')
@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_any_text_is_kept_and_any_query_answered(conversation, said, sought):
    said = said.replace("\x00", "").encode(errors="replace").decode()
    with transaction.atomic():
        turn = keep_turn(conversation, said)
        for query in (sought, said, f'"{sought}"'):
            for hit in search(query).hits:
                assert hit.turn == turn
                assert "".join(p.text for p in hit.excerpt).strip("…") in said
                assert any(piece.is_hit for piece in hit.excerpt)
        some = indexed_words(said).split()
        if some:
            assert found(f'"{" ".join(some[:20])}"') == [said]
        transaction.set_rollback(True)


@given(said=st.text(max_size=80))
@settings(max_examples=200, deadline=None)
def test_the_index_and_the_marks_have_the_same_words(said):
    assert indexed_words(said) == " ".join(word.folded for word in words(decomposed(said)))
    assert all(0 <= word.start < word.end <= len(said) for word in words(said))


def test_every_hit_holds_all_the_words(conversation):
    """Against reading it all, word by word."""
    texts = [f"{a} {b} {c}" for a in "uvw" for b in "uvxy" for c in "xyz"]
    for text in texts:
        keep_turn(conversation, text)
    for a in "uvwxyz":
        for b in "uvwxyz":
            assert set(found(f"{a} {b}")) == {t for t in texts if {a, b} <= set(t.split())}
            assert set(found(f'"{a} {b}"')) == {t for t in texts if f"{a} {b}" in t}
            assert set(found(f"{a} -{b}")) == {t for t in texts if a in t and b not in t}


def test_what_is_found_is_marked(conversation):
    keep_turn(conversation, "Ins CAFÉ, ins Café! 我想预约明天")
    assert marked("cafe") == ["CAFÉ", "Café"]
    assert marked('"ins cafe"') == ["Ins CAFÉ", "ins Café"]
    assert marked("预约 caf*") == ["CAFÉ", "Café", "预约"]


def test_an_excerpt_is_of_where_most_of_it_stands(conversation):
    filler = "and so on " * 60
    keep_turn(conversation, f"A refund. {filler} A refund of the order. {filler}")
    (hit,) = search("refund order").hits
    pieces = [piece.text for piece in hit.excerpt]
    assert pieces[0] == pieces[-1] == "…"
    assert [piece.text for piece in hit.excerpt if piece.is_hit] == ["refund", "order"]
    assert len("".join(pieces)) < 210


def test_an_excerpt_is_the_text_as_it_was_said(conversation):
    hostile = "<script>alert(1)</script> otter \u202egnp & \x07"
    keep_turn(conversation, hostile)
    (hit,) = search("otter").hits
    assert "".join(piece.text for piece in hit.excerpt) == hostile


@pytest.mark.parametrize("newest", [1, 7, 20_000])
def test_the_newest_come_first_and_pages_follow_on(conversation, monkeypatch, newest):
    monkeypatch.setattr(postgres, "_NEWEST", newest)
    for number in range(25):
        keep_turn(conversation, f"otter {number}")
    first = search("otter", limit=10)
    keep_turn(conversation, "otter, come in between")
    second = search("otter", limit=10, after=first.after)
    third = search("otter", limit=10, after=second.after)
    numbers = [
        int(hit.turn.text.split()[1]) for page in (first, second, third) for hit in page.hits
    ]
    assert numbers == list(reversed(range(25)))
    assert third.after is None


def test_a_page_that_is_just_full_is_the_last(conversation):
    for _ in range(10):
        keep_turn(conversation, "otter")
    assert search("otter", limit=10).after is None


@pytest.mark.parametrize("newest", [1, 20_000])
def test_some_conversations_only(conversation, monkeypatch, newest):
    monkeypatch.setattr(postgres, "_NEWEST", newest)
    other = keep_conversation(conversation.person)
    keep_turn(conversation, "an otter here")
    keep_turn(other, "an otter there")
    only = Conversation.objects.filter(pk=other.pk)
    assert found("otter", conversations=only) == ["an otter there"]
    assert found("otter", conversations=Conversation.objects.none()) == []
    assert conversations_with("otter", turns=9) == ({conversation.pk, other.pk}, False)
    assert conversations_with("otter", turns=1) == ({other.pk}, True)
    assert conversations_with("otter", conversations=only, turns=1) == ({other.pk}, False)
    assert conversations_with("?", turns=1) == (set(), False)


def test_a_page_takes_few_queries(conversation, django_assert_max_num_queries):
    for _ in range(30):
        keep_turn(keep_conversation(conversation.person), "otter")
    with django_assert_max_num_queries(4):
        page = search("otter", limit=20)
        assert {str(hit.turn.conversation.person) for hit in page.hits} != set()


def test_a_reply_is_searched_once_it_has_ended(conversation):
    reply = keep_turn(conversation, "an ott", status=Turn.Status.STREAMING)
    Turn.objects.filter(pk=reply.pk).update(text="an otter")
    assert found("otter") == []
    Turn.objects.filter(pk=reply.pk).update(text="an otter is", status=Turn.Status.DONE)
    assert found("otter") == ["an otter is"]


@pytest.mark.parametrize("column", SEARCHED)
def test_what_changes_is_found_as_it_is_now(conversation, column):
    turn = keep_turn(conversation, **{"text": "", column: "an otter"})
    assert len(search("otter").hits) == 1
    Turn.objects.filter(pk=turn.pk).update(**{column: "a beaver"})
    assert search("otter").hits == ()
    assert len(search("beaver").hits) == 1
    Turn.objects.filter(pk=turn.pk).update(**{column: ""})
    assert search("beaver").hits == ()


def test_rows_written_in_bulk_are_searched(conversation):
    turns = Turn.objects.bulk_create(
        Turn(conversation=conversation, seq=seq, rev=seq, role="user", status="done", text=text)
        for seq, text in enumerate(["otter one", "", "otter two"])
    )
    assert set(found("otter")) == {"otter one", "otter two"}
    Turn.objects.bulk_update([Turn(pk=turns[0].pk, text="a beaver")], ["text"])
    assert found("beaver") == ["a beaver"]


def test_what_is_deleted_leaves_nothing_in_the_index(conversation):
    kept = keep_turn(keep_conversation(conversation.person), "an otter stays")
    keep_turn(conversation, "an otter goes")
    keep_turn(conversation, "another otter goes")
    conversation.delete()
    assert found("otter") == ["an otter stays"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT turn_id FROM conversations_turnwords")
        assert [uuid.UUID(str(turn)) for (turn,) in cursor.fetchall()] == [kept.pk]


def test_what_is_rolled_back_is_not_found(conversation):
    with transaction.atomic():
        keep_turn(conversation, "an otter")
        transaction.set_rollback(True)
    assert found("otter") == []


def test_a_very_long_text_is_kept_and_its_beginning_searched(conversation):
    keep_turn(conversation, "beginning " + "预约 otter " * 20_000 + "ending")
    keep_turn(conversation, "y" * 200_000)
    assert len(search("beginning").hits) == 1
    assert search("ending").hits == ()
    assert len(search("y" * 300).hits) == 1


@pytest.mark.django_db(transaction=True)
class TestTheStore:
    def test_nothing_deleted_is_left_in_the_index(self, conversation):
        keep_turn(keep_conversation(conversation.person), "an otter stays")
        for _ in range(3):
            keep_turn(conversation, "zyzzyva")
        conversation.delete()
        index_of(connection).forget_deleted(connection)
        if connection.vendor == "sqlite":
            with connection.cursor() as cursor:
                cursor.execute("SELECT block FROM conversations_turnwords_fts_data")
                pages = b"".join(block for (block,) in cursor.fetchall())
            assert b"otter" in pages
            assert b"zyzzyva" not in pages
        assert found("otter") == ["an otter stays"]
        assert found("zyzzyva") == []

    @pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL has all it needs")
    def test_whoever_writes_past_django_is_refused_and_not_forgotten(self, conversation):
        keep_turn(conversation, "an otter")
        other = sqlite3.connect(":memory:")
        connection.connection.backup(other)
        with pytest.raises(sqlite3.OperationalError, match="no such function: voicechat_words"):
            other.execute("UPDATE conversations_turn SET text = 'a beaver'")
        assert other.execute("SELECT text FROM conversations_turn").fetchall() == [("an otter",)]
        other.close()

    def test_a_filled_database_becomes_searchable_and_back(self, conversation):
        keep_turn(conversation, "an otter")
        keep_turn(conversation, "an otter streams", status=Turn.Status.STREAMING)
        latest = MigrationExecutor(connection).loader.graph.leaf_nodes("conversations")
        try:
            MigrationExecutor(connection).migrate([("conversations", "0002_both_voices")])
            assert "conversations_turnwords" not in connection.introspection.table_names()
        finally:
            MigrationExecutor(connection).migrate(latest)
        assert found("otter") == ["an otter"]
        keep_turn(conversation, "a new otter")
        assert found("otter") == ["a new otter", "an otter"]


@pytest.mark.skipif(connection.vendor == "postgresql", reason="this is that run")
@pytest.mark.timeout(240)
def test_all_of_this_holds_on_postgresql(postgres_database):
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *FILES],
        cwd=ROOT,
        env={**environment_without_settings(), "DATABASE_URL": postgres_database},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-5000:]
