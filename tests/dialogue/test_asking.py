"""What a dialogue engine may ask the person for, and what comes of what they fill in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialogue.asking import MOST_CHARS, MOST_FIELDS, Field, answers_to, as_texts, checked_fields
from dialogue.engine import NotAnswered, UserTurn

NAME, AGE = Field("name", "Your name"), Field("age", kind="number")
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.just("name"), inner),
    max_leaves=5,
)


class TestFields:
    def test_a_form_is_as_it_was_asked_for(self) -> None:
        choice = Field("size", kind="choice", choices=("S", "L"), required=True)
        assert checked_fields([NAME, choice]) == (NAME, choice)

    @pytest.mark.parametrize(
        "fields", [[], [Field(f"f{n}") for n in range(MOST_FIELDS + 1)], None, {}, {NAME}]
    )
    def test_there_are_some_and_not_too_many(self, fields: object) -> None:
        with pytest.raises(TypeError, match="asks for 1 to 12 fields"):
            checked_fields(fields)

    @pytest.mark.parametrize(
        "field",
        [Field(""), Field("a b"), Field("1"), Field("x\n"), Field("x", "y" * 201),
         Field("x", kind="colour")],
    )  # fmt: skip
    def test_a_wrong_one_is_refused(self, field: Field) -> None:
        with pytest.raises(TypeError, match="A Field of a dialogue engine is wrong"):
            checked_fields([field])

    def test_what_is_no_field_is_refused(self) -> None:
        with pytest.raises(TypeError, match="asks for Field, not str"):
            checked_fields(["name"])

    def test_two_of_one_name_are_refused(self) -> None:
        with pytest.raises(TypeError, match="have one name"):
            checked_fields([NAME, NAME])


class TestAnswers:
    @pytest.mark.parametrize(
        ("given", "answers"),
        [
            ({"name": "Ann", "age": 40}, {"name": "Ann", "age": "40"}),
            ({"age": 1.5, "other": "x"}, {"name": "", "age": "1.5"}),
            (["Ann", True], {"name": "Ann", "age": "true"}),
            (["Ann", False, "more"], {"name": "Ann", "age": "false"}),
            ("Ann", {"name": "Ann", "age": ""}),
            (None, {"name": "", "age": ""}),
            ({"name": {"first": "Ann"}, "age": None}, {"name": "", "age": ""}),
        ],
    )
    def test_values_find_their_fields(self, given: object, answers: dict[str, str]) -> None:
        assert answers_to([NAME, AGE], given) == answers

    @given(JSON)
    def test_whatever_comes_an_engine_gets_text_that_can_be_kept(self, given: object) -> None:
        answers = answers_to([NAME, AGE], given)
        assert list(answers) == ["name", "age"]
        for text in answers.values():
            assert len(text) <= MOST_CHARS
            assert "\0" not in text
            text.encode()

    @given(JSON)
    def test_on_its_way_it_loses_nothing_that_an_engine_would_get(self, given: object) -> None:
        texts = as_texts(given)
        assert answers_to([NAME, AGE], texts) == answers_to([NAME, AGE], given)
        values = texts.values() if isinstance(texts, dict) else texts
        assert all(isinstance(value, str) for value in values)


async def test_where_nobody_can_be_asked_an_engine_is_told_so() -> None:
    with pytest.raises(NotAnswered, match="cannot be asked"):
        await UserTurn("Hi").ask([NAME])
