"""The values that the list is narrowed by. Runs on PostgreSQL too (test_search.py)."""

from __future__ import annotations

import pytest

from accounts.models import Person
from conversations.distinct_values import distinct_values

from .kept import keep_conversation

pytestmark = pytest.mark.django_db


def test_each_value_comes_once_in_order_in_one_query(django_assert_num_queries):
    for language in ("en", "de", "en", "", "zh", "Ελ", "de", "x'%s"):
        keep_conversation(Person.objects.create(), language=language)
    with django_assert_num_queries(1):
        values = distinct_values("language", 50)
    assert sorted(values) == sorted({"en", "de", "zh", "Ελ", "x'%s"})
    assert distinct_values("language", 2) == values[:2]


def test_where_there_is_nothing_there_are_no_values():
    assert distinct_values("protocol", 50) == []
