"""Secrets that come as files."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from voicechat.secret_files import read_secret


def secret(default: str = "", **variables: str) -> str:
    return read_secret(variables.get, "KEY", default)


def test_it_comes_from_the_variable_or_the_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("from the file\n")
    assert secret(KEY="from the variable") == "from the variable"
    assert secret(KEY_FILE=str(tmp_path / "key")) == "from the file"
    assert secret("other") == "other"
    assert secret("other", KEY="", KEY_FILE="") == ""


def test_both_at_once_is_refused(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("one")
    with pytest.raises(ImproperlyConfigured, match="KEY and KEY_FILE are both set") as error:
        secret(KEY="another", KEY_FILE=str(tmp_path / "key"))
    assert "another" not in str(error.value)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "cannot be read: No such file or directory"),
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b"\xff\xfe", "is no text"),
    ],
)
def test_a_file_that_holds_none_is_told(tmp_path: Path, content: bytes | None, why: str) -> None:
    if content is not None:
        (tmp_path / "key").write_bytes(content)
    with pytest.raises(ImproperlyConfigured, match=f"KEY_FILE: {tmp_path}/key {why}"):
        secret(KEY_FILE=str(tmp_path / "key"))


def test_a_folder_is_no_secret(tmp_path: Path) -> None:
    with pytest.raises(ImproperlyConfigured, match="cannot be read: Is a directory"):
        secret(KEY_FILE=str(tmp_path))
