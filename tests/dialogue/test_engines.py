"""From a name to an engine, and what the documentation promises about it."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from pytest_django import Settings

from dialogue.builtin import BuiltinEngine
from dialogue.checks import check_dialogue
from dialogue.engine import DialogueError, Item, PersonInfo, Said, Text, UserTurn
from dialogue.engines import UnknownEngine, engine_for
from dialogue.openai_engine import OpenAIEngine
from dialogue.realtime.source import Source

DOCUMENT = Path(__file__).parents[2] / "docs" / "engines.md"


def code_of(class_name: str) -> str:
    blocks = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text("utf-8"), re.DOTALL)
    return next(str(block) for block in blocks if f"class {class_name}" in block)


@pytest.fixture
def module_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "documented.py").write_text(code_of("EchoBot") + "\n\n" + code_of("Dice"))
    monkeypatch.delitem(sys.modules, "documented", raising=False)
    return "documented"


def test_shipped_engines_have_short_names() -> None:
    assert isinstance(engine_for("builtin"), BuiltinEngine)
    assert isinstance(engine_for("openai"), OpenAIEngine)


def test_there_is_one_instance_per_name() -> None:
    assert engine_for("builtin") is engine_for(" builtin ")


def test_no_name_means_the_setting(settings: Settings) -> None:
    settings.VOICECHAT_DIALOGUE = "openai"
    assert engine_for("") is engine_for("openai")


def test_a_class_is_named_by_its_path() -> None:
    assert isinstance(engine_for("dialogue.builtin.BuiltinEngine"), BuiltinEngine)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("chatgtp", "no dialogue engine"),
        ("no.such.Bot", "cannot be imported"),
        ("dialogue.builtin.NoSuchBot", "cannot be imported"),
        ("dialogue.engines.engine_for", "not a class with a method"),
        ("dialogue.engine.Text", "not a class with a method"),
        ("..", "cannot be imported"),
        ("dialogue.engine.DialogueEngine", "cannot be started"),
    ],
)
def test_an_unknown_name_says_where_it_stands(settings: Settings, name: str, reason: str) -> None:
    with pytest.raises(UnknownEngine, match=reason) as of_bot:
        engine_for(name)
    assert "engine of this bot" in str(of_bot.value)
    settings.VOICECHAT_DIALOGUE = name
    with pytest.raises(UnknownEngine, match=reason) as of_setting:
        engine_for("")
    assert str(of_setting.value).startswith("VOICECHAT_DIALOGUE is")
    assert isinstance(of_setting.value, DialogueError)


def test_a_failed_name_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UnknownEngine):
        engine_for("mended_later.EchoBot")
    (tmp_path / "mended_later.py").write_text(code_of("EchoBot"))
    sys.path_importer_cache.clear()
    assert engine_for("mended_later.EchoBot")


def test_the_error_of_a_broken_module_is_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "broken_bot.py").write_text("raise RuntimeError('password=hunter2')")
    with pytest.raises(UnknownEngine, match="RuntimeError") as raised:
        engine_for("broken_bot.Bot")
    assert "hunter2" not in str(raised.value)


def test_the_check_passes_the_default() -> None:
    assert check_dialogue() == []


def test_the_check_reports_a_wrong_setting(settings: Settings) -> None:
    settings.VOICECHAT_DIALOGUE = "chatgtp"
    (error,) = check_dialogue()
    assert error.id == "dialogue.E001"
    assert "VOICECHAT_DIALOGUE is “chatgtp”" in error.msg


async def test_the_documented_bot_runs(module_of: str) -> None:
    engine = engine_for(f"{module_of}.EchoBot")
    turn = UserTurn(
        "good morning",
        history=(Said("user", "hi"), Said("assistant", "hello")),
        person=PersonInfo(id="1", name="Ana"),
    )
    pieces = [piece async for piece in engine.reply(turn)]
    assert all(isinstance(piece, Text) for piece in pieces)
    spoken = "".join(piece.delta for piece in pieces if isinstance(piece, Text))
    assert spoken == "You said: good morning That was turn 2, Ana."


@pytest.mark.django_db(transaction=True)
async def test_the_documented_source_answers_through_builtin(
    module_of: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    dice: Source = __import__(module_of).Dice()
    monkeypatch.setattr("dialogue.builtin.sources", lambda: (dice,))
    monkeypatch.setattr("dialogue.builtin._from_database", lambda _turn, *, is_live: [])
    turn = UserTurn("Please roll a die")
    pieces = [piece async for piece in BuiltinEngine().reply(turn)]
    assert pieces == [Item("It is a four.")]


def test_documented_settings_exist() -> None:
    environment = (DOCUMENT.parents[1] / "voicechat" / "environment.py").read_text("utf-8")
    for name in set(re.findall(r"VOICECHAT_[A-Z_]+[A-Z]", DOCUMENT.read_text("utf-8"))):
        assert name in environment or name == "VOICECHAT_OPENAI"
