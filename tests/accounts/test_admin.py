"""Persons and users in the admin."""

from __future__ import annotations

import pytest

from accounts.models import Person, User

pytestmark = pytest.mark.django_db
LIST = "/admin/accounts/person/"


def test_persons_are_listed_with_a_constant_number_of_queries(
    admin_client, django_assert_max_num_queries
):
    for number in range(30):
        user = User.objects.create_user(f"user{number}") if number % 2 else None
        Person.objects.create(user=user)
    with django_assert_max_num_queries(9):
        page = admin_client.get(LIST).content.decode()
    assert "user29" in page
    assert "Guest " in page


def test_guests_and_users_are_told_apart(admin_client):
    ann = Person.objects.create(user=User.objects.create_user("ann"))
    guest = Person.objects.create()
    assert list(admin_client.get(LIST, {"who": "guest"}).context["cl"].result_list) == [guest]
    assert list(admin_client.get(LIST, {"who": "user"}).context["cl"].result_list) == [ann]


def test_nobody_adds_or_changes_a_person(admin_client):
    person = Person.objects.create()
    assert admin_client.get(f"{LIST}add/").status_code == 403
    assert admin_client.post(f"{LIST}{person.pk}/change/", {"user": ""}).status_code == 403


def test_staff_without_permission_see_no_persons(client):
    client.force_login(User.objects.create_user("staff", is_staff=True))
    assert client.get(LIST).status_code == 403
    assert client.get("/admin/accounts/user/").status_code == 403


def test_users_are_managed_as_in_any_django_project(admin_client):
    assert admin_client.get("/admin/accounts/user/").status_code == 200
    assert admin_client.get("/admin/accounts/user/add/").status_code == 200
