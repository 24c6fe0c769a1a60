"""``manage.py import_listings``: what is read, what is refused, and what it says."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from dialogue.listings.models import Listing

from .homes import add

pytestmark = pytest.mark.django_db

HEADER = "reference,title,kind,deal,city,area_m2,price,bedrooms,available\n"
GOOD = "A1,Sunny flat,flat,sale,Lisbon,80,295000,2,yes\n"


class Ran:
    """One run of the command on a file with this content."""

    def __init__(self, folder: Path, content: str | bytes, *arguments: str) -> None:
        file = folder / "homes.csv"
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        out, err = StringIO(), StringIO()
        self.code, self.error = 0, ""
        try:
            call_command("import_listings", str(file), *arguments, stdout=out, stderr=err)
        except CommandError as error:
            self.code, self.error = error.returncode, str(error)
        except SystemExit as stop:
            self.code = int(stop.code or 0)
        self.out, self.err = out.getvalue(), err.getvalue()


def test_it_adds_new_listings(tmp_path: Path) -> None:
    ran = Ran(tmp_path, HEADER + GOOD)
    assert (ran.code, ran.out) == (0, "Added 1, updated 0, skipped 0.\n")
    listing = Listing.objects.get(reference="A1")
    assert (listing.city, listing.price, listing.currency) == ("Lisbon", 295_000, "EUR")


def test_it_updates_what_is_known_and_leaves_what_the_file_does_not_speak_of(
    tmp_path: Path,
) -> None:
    listing = add("A1", price=1, description="Kept", district="Alfama")
    before = listing.updated_at
    ran = Ran(tmp_path, HEADER + GOOD)
    assert ran.out == "Added 0, updated 1, skipped 0.\n"
    listing.refresh_from_db()
    assert (listing.price, listing.description, listing.district) == (295_000, "Kept", "Alfama")
    assert listing.updated_at > before


def test_twice_is_as_once(tmp_path: Path) -> None:
    Ran(tmp_path, HEADER + GOOD)
    Ran(tmp_path, HEADER + GOOD)
    assert Listing.objects.count() == 1


def test_a_dry_run_changes_nothing(tmp_path: Path) -> None:
    ran = Ran(tmp_path, HEADER + GOOD, "--dry-run")
    assert ran.out == "Would add 1, update 0, skipped 0.\n"
    assert not Listing.objects.exists()


BAD_ROWS = [
    ("A2,Flat,castle,sale,Lisbon,80,1,2,yes", "kind:"),
    ("A2,Flat,flat,swap,Lisbon,80,1,2,yes", "deal:"),
    ("A2,Flat,flat,sale,Lisbon,80,cheap,2,yes", "price: “cheap” is not a whole number"),
    ("A2,Flat,flat,sale,Lisbon,80,-5,2,yes", "price: “-5” is not a whole number"),
    ("A2,Flat,flat,sale,Lisbon,0,5,2,yes", "area_m2:"),
    ("A2,Flat,flat,sale,Lisbon,80,99999999999999,2,yes", "price:"),
    ("A2,Flat,flat,sale,Lisbon,80,9999999999999999999999,2,yes", "price:"),
    ("A2,Flat,flat,sale,Lisbon,80,5,51,yes", "bedrooms:"),
    ("A2,Flat,flat,sale,Lisbon,80,5,2,perhaps", "available: “perhaps” is neither yes nor no"),
    (",Flat,flat,sale,Lisbon,80,5,2,yes", "reference:"),
    ("A2,Flat,flat,sale,,80,5,2,yes", "city:"),
    ("A2," + "x" * 121 + ",flat,sale,Lisbon,80,5,2,yes", "title:"),
    ("A2,Flat,flat,sale,Lisbon,80,5,2,yes,more,more", "more values than columns"),
    ("A2,Flat", "kind:"),
    ("A1,Flat,flat,sale,Lisbon,80,5,2,yes", "A1 stands in line 2 already"),
]


@pytest.mark.parametrize(("row", "reason"), BAD_ROWS)
def test_a_bad_row_is_reported_with_its_line_and_nothing_is_imported(
    tmp_path: Path, row: str, reason: str
) -> None:
    ran = Ran(tmp_path, HEADER + GOOD + row + "\n")
    assert ran.code == 1
    assert ran.error == "1 rows are wrong; nothing was imported."
    assert ran.err.startswith("line 3: ")
    assert reason in ran.err
    assert not Listing.objects.exists()


def test_bad_rows_can_be_skipped_but_the_exit_code_tells(tmp_path: Path) -> None:
    ran = Ran(tmp_path, HEADER + "A0,Flat,castle,sale,X,1,1,1,yes\n" + GOOD, "--skip-bad-rows")
    assert (ran.code, ran.out) == (1, "Added 1, updated 0, skipped 1.\n")
    assert Listing.objects.get().reference == "A1"


def test_lines_are_counted_over_values_of_several_lines(tmp_path: Path) -> None:
    tall = 'A1,"Sunny\nflat",flat,sale,Lisbon,80,295000,2,yes\n'
    ran = Ran(tmp_path, HEADER + tall + "A2,Flat,castle,sale,Lisbon,80,1,2,yes\n")
    assert ran.err.startswith("line 4: kind:")


def test_only_web_addresses_are_taken(tmp_path: Path) -> None:
    header = HEADER.strip() + ",image,url\n"
    row = GOOD.strip() + ",javascript:alert(1),ftp://a.example/\n"
    ran = Ran(tmp_path, header + row)
    assert "image:" in ran.err
    assert "url:" in ran.err


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_the_delimiter_is_guessed(tmp_path: Path, delimiter: str) -> None:
    assert Ran(tmp_path, (HEADER + GOOD).replace(",", delimiter)).code == 0


def test_the_delimiter_can_be_said(tmp_path: Path) -> None:
    assert Ran(tmp_path, (HEADER + GOOD).replace(",", "~"), "--delimiter", "~").code == 0
    assert "one character" in Ran(tmp_path, HEADER, "--delimiter", ",,").error


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_the_encoding_is_guessed(tmp_path: Path, encoding: str) -> None:
    text = HEADER + "".join(
        f"A{n},Casa com jardim e açoteia em São João número {n},house,sale,Évora,80,5000,2,yes\n"
        for n in range(9)
    )
    assert Ran(tmp_path, text.encode(encoding)).code == 0
    assert Listing.objects.get(reference="A1").city == "Évora"


def test_the_encoding_can_be_said(tmp_path: Path) -> None:
    text = (HEADER + GOOD.replace("Lisbon", "Évora")).encode("cp1252")
    assert Ran(tmp_path, text, "--encoding", "cp1252").code == 0
    assert Ran(tmp_path, text, "--encoding", "utf-8").code == 1
    assert "klingon" in Ran(tmp_path, text, "--encoding", "klingon").error


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "Columns are missing: reference, title"),
        ("name,cost\nFlat,5\n", "The first line has: name, cost."),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(range(256)), ""),
        ('"unclosed', "unexpected end"),
    ],
)
def test_a_wrong_file_is_refused(tmp_path: Path, content: str | bytes, reason: str) -> None:
    ran = Ran(tmp_path, content)
    assert ran.code == 1
    assert reason in ran.error


def test_columns_that_are_not_read_are_named(tmp_path: Path) -> None:
    ran = Ran(tmp_path, HEADER.strip() + ",colour\n" + GOOD.strip() + ",red\n")
    assert (ran.code, ran.err) == (0, "Columns that are not read: colour.\n")


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot be read: No such file"):
        call_command("import_listings", str(tmp_path / "none.csv"))
