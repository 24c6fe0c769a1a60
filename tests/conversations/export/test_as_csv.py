"""Turns as CSV: read again by Python's csv, they say what was said, and no cell is a formula."""

from __future__ import annotations

import csv
import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations.export import as_csv
from conversations.models import Turn
from conversations.visible_text import visible
from dialogue.engine import Card
from dialogue.stored import stored_shape

from .values import HOSTILE, ZERO, conversation, turn

# What a spreadsheet takes for the start of a formula (OWASP, "CSV Injection").
FORMULA = "-=+@\uff1d\uff0b\uff0d\uff20"
SIGNS = "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"


def read(*turns, **about):
    kept = conversation(*turns, **about)
    written = as_csv.heading() + b"".join(as_csv.rows(kept))
    return list(csv.DictReader(io.StringIO(written.decode("utf-8-sig"), newline=""), strict=True))


def undone(cell: str) -> str:
    """As docs/export.md says."""
    cell = cell[1:] if as_csv.is_defused(cell) else cell
    return re.sub(rf"(;)'(?='*\s*[{FORMULA}])", r"\1", cell)


def test_each_turn_is_a_row_with_everything_in_its_column():
    said = turn(
        "There are three.",
        seq=7,
        role=Turn.Role.ASSISTANT,
        kind=Turn.Kind.PROPERTY,
        status=Turn.Status.INTERRUPTED,
        heard_text="There are",
        heard_ms=400,
        start_ms=1200,
        data=stored_shape("property", "", [Card(title="Mill Lane", price="900")]),
        rating=-1,
        client_id="c1",
        corrected_text="There are two.",
        engines={"tts": "espeak"},
        timings={"first_audio": 120.5},
    )
    kept = conversation(said, title="Houses", username="ann")
    row = read(said, title="Houses", username="ann", grade=2, tags=("late", "rent"))[0]
    row.pop("conversation")
    assert list(as_csv.COLUMNS) == ["conversation", *row]
    assert row == {
        "title": "Houses", "person": "ann", "bot": kept.conversation.bot.name, "grade": "2",
        "tags": "late, rent", "call": "", "seq": "7", "turn": str(said.turn.pk), "reply_to": "", "role": "assistant",
        "kind": "property", "status": "interrupted", "error": "",
        "created_at": said.turn.created_at.isoformat(), "start_ms": "1200",
        "text": "There are three.", "heard_ms": "400", "heard_text": "There are",
        "unheard_text": " three.", "corrected_text": "There are two.", "cards": "Mill Lane · 900", "rating": "bad", "client_id": "c1",
        "engines": '{"tts": "espeak"}', "timings": '{"first_audio": 120.5}',
    }  # fmt: skip


def test_what_was_not_spoken_is_neither_heard_nor_unheard():
    row = read(turn("Typed"))[0]
    assert row["heard_text"] == row["unheard_text"] == row["heard_ms"] == ""


def test_a_guest_and_a_deleted_user_are_named_like_in_the_admin():
    assert read(turn("Hello"))[0]["person"].startswith("Guest ")


def test_excel_is_told_that_it_is_utf_8_and_rows_end_as_rfc_4180_says():
    kept = conversation(turn("Grüße\r\nan alle"))
    written = as_csv.heading() + b"".join(as_csv.rows(kept))
    assert written.startswith(b'\xef\xbb\xbf"conversation",')
    assert written.endswith(b'"\r\n')
    assert written.count(b"\r\n") == 2
    assert "Grüße\nan alle".encode() in written


@pytest.mark.parametrize("sign", SIGNS)
def test_no_cell_starts_like_a_formula(sign):
    text = f"{sign}cmd|' /C calc'!A0"
    said = turn(
        text,
        heard_ms=0,
        error=text[:40],
        corrected_text=text,
        client_id=text[:64],
        data={"propertyData": {"cards": [{"title": text}]}},
    )
    for cell in read(said, title=text, username=text, tags=(text,))[0].values():
        assert not cell.lstrip().startswith(tuple(SIGNS)), cell


@pytest.mark.parametrize("text", ["  =1", "\u00a0=1", "'=1", "''  +1", " \t@x"])
def test_blanks_and_apostrophes_before_the_sign_are_no_way_round(text):
    assert as_csv.defused(text) == f"'{text}"
    assert undone(as_csv.defused(text)) == text


@pytest.mark.parametrize("text", ["", "'Twas", "a=b", "5-3", "'", "1.5"])
def test_what_is_no_formula_stays_as_it_is(text):
    assert as_csv.defused(text) == text
    assert not as_csv.is_defused(text)


@pytest.mark.parametrize("separator", [",", ";"])
def test_no_separator_makes_a_formula_of_a_part(separator):
    written = as_csv.heading() + b"".join(
        as_csv.rows(conversation(turn(f"x{separator} =1+1;y;@a")))
    )
    for row in csv.reader(
        io.StringIO(written.decode("utf-8-sig"), newline=""), delimiter=separator
    ):
        assert not [cell for cell in row if re.match(rf"\s*[{FORMULA}]", cell.strip('"'))]


@given(st.text() | st.from_regex(rf"['\s;]*[{SIGNS}]", fullmatch=False))
def test_whatever_was_said_comes_back(text):
    row = read(turn(text, heard_ms=0))[0]
    assert undone(row["text"]) == undone(row["unheard_text"]) == visible(text)


@given(st.lists(st.text(), min_size=1, max_size=4))
def test_nothing_said_starts_a_cell_or_a_row_of_its_own(texts):
    rows = read(*(turn(text, seq=seq) for seq, text in enumerate(texts)))
    assert [row["seq"] for row in rows] == [str(seq) for seq in range(len(texts))]
    assert all(len(row) == len(as_csv.COLUMNS) for row in rows)


def test_hostile_text_is_shown_and_stays_in_its_cell():
    row = read(turn(HOSTILE), title=HOSTILE, username=HOSTILE)[0]
    assert undone(row["text"]) == visible(HOSTILE)
    assert "\u202e" not in row["text"] + row["title"] + row["person"]
    assert row["created_at"] == ZERO.isoformat()


def test_half_a_surrogate_pair_out_of_a_card_breaks_nothing():
    cards = {"propertyData": {"cards": [{"title": "a\ud800b"}]}}
    assert read(turn("", data=cards))[0]["cards"] == "a\\ud800b"
