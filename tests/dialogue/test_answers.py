"""Which answer fits a question, and when a changed one is seen."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import call_command

from dialogue.answers import CHECK_EVERY_S, AnswerBook, book
from dialogue.models import Answer, Bot

pytestmark = pytest.mark.django_db


class FakeClock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def answer(question: str, text: str = "Yes.", **fields: object) -> Answer:
    return Answer.objects.create(questions=question, text=text, **fields)


@pytest.fixture
def demo() -> None:
    call_command("load_demo", stdout=StringIO())


@pytest.mark.usefixtures("demo")
@pytest.mark.parametrize(
    ("question", "key"),
    [
        ("Hello!", "hello"),
        ("hi there", "hello"),
        ("thank you so much", "thanks"),
        ("Who are you?", "who-are-you"),
        ("how are you", "how-are-you"),
        ("what can you do for me", "what-can-you-do"),
        ("help!", "help"),
        ("openning hours", "opening-hours"),
        ("When do you open on Saturday?", "opening-hours"),
        ("please tell me your opening hours", "opening-hours"),
        ("how do i sell my house?", "selling"),
        ("may I bring my dog", "pets"),
    ],
)
def test_the_demo_answers(question: str, key: str) -> None:
    match = book.best(question)
    assert match is not None
    assert match.text == Answer.objects.get(key=key).text


@pytest.mark.usefixtures("demo")
@pytest.mark.parametrize(
    "question",
    [
        "", "   ", "😀", "two bedroom flat in Lisbon", "tell me a joke", "what is love",
        "thanks and do you have a flat in Porto under 300k", "who won the world cup", "?" * 8000,
        "hello " * 1300, "'; DROP TABLE dialogue_answer; --", "什么", "why is the sky blue",
    ],
)  # fmt: skip
def test_the_demo_does_not_answer(question: str) -> None:
    assert book.best(question) is None


def test_an_exact_question_is_certain() -> None:
    answer("Do you like cats\nAre cats nice")
    match = book.best("are cats NICE?")
    assert match is not None
    assert match.is_certain


def test_a_disabled_answer_is_not_given() -> None:
    answer("do you like cats", enabled=False)
    assert book.best("do you like cats") is None


def test_a_bot_gives_its_own_answer_and_no_other_bots() -> None:
    bot = Bot.objects.create(slug="cat", name="Cat")
    answer("do you like cats", "Everybody does.")
    answer("do you like cats", "I am one.", bot=bot)
    answer("do you purr", "Yes.", bot=bot)
    for slug, text in (("cat", "I am one."), ("", "Everybody does."), ("dog", "Everybody does.")):
        match = book.best("do you like cats", slug)
        assert match is not None
        assert match.text == text
    assert book.best("do you purr", "dog") is None


def test_a_change_in_this_process_is_seen_at_once() -> None:
    row = answer("do you like cats", "Yes.")
    assert book.best("do you like cats")
    row.text = "No."
    row.save()
    match = book.best("do you like cats")
    assert match is not None
    assert match.text == "No."
    row.delete()
    assert book.best("do you like cats") is None


def test_a_change_in_another_process_is_seen_after_a_few_seconds() -> None:
    clock = FakeClock()
    other = AnswerBook(clock)  # no signal reaches this one
    assert other.best("do you like cats") is None
    answer("do you like cats")
    assert other.best("do you like cats") is None
    clock.now += CHECK_EVERY_S
    assert other.best("do you like cats") is not None


def test_unchanged_answers_cost_one_cheap_query(django_assert_num_queries: object) -> None:
    clock = FakeClock()
    other = AnswerBook(clock)
    answer("do you like cats")
    other.best("do you like cats")
    with django_assert_num_queries(0):  # type: ignore[operator]
        other.best("do you like cats")
    clock.now += CHECK_EVERY_S
    with django_assert_num_queries(1):  # type: ignore[operator]
        other.best("do you like cats")
