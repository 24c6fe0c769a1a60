"""A guest who logs in or signs up keeps what was said."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Person, User
from accounts.people import SESSION_KEY

pytestmark = pytest.mark.django_db
PASSWORD = "quite-a-long-secret"


@pytest.fixture
def ann():
    return User.objects.create_user("ann", password=PASSWORD)


@pytest.fixture
def guest(client):
    guest = Person.objects.create()
    session = client.session
    session[SESSION_KEY] = str(guest.pk)
    session.save()
    return guest


def log_in(client):
    return client.post(reverse("account_login"), {"login": "ann", "password": PASSWORD})


def test_logging_in_gives_the_guest_to_the_user_by_one_update(client, ann, guest):
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert log_in(client).status_code == 302
    guest.refresh_from_db()
    assert guest.user == ann
    about_persons = [q["sql"] for q in queries if "accounts_person" in q["sql"]]
    assert len(about_persons) == 1
    assert about_persons[0].startswith("UPDATE")
    assert SESSION_KEY not in client.session


def test_signing_up_gives_the_guest_to_the_new_user(client, guest):
    response = client.post(
        reverse("account_signup"),
        {"username": "bea", "email": "", "password1": PASSWORD, "password2": PASSWORD},
    )
    assert response.status_code == 302
    guest.refresh_from_db()
    assert guest.user.username == "bea"


def test_a_person_of_another_user_is_never_claimed(client, ann, guest):
    bob = User.objects.create_user("bob")
    Person.objects.filter(pk=guest.pk).update(user=bob)
    log_in(client)
    guest.refresh_from_db()
    assert guest.user == bob
    assert SESSION_KEY not in client.session


def test_a_wrong_password_claims_nothing(client, ann, guest):
    client.post(reverse("account_login"), {"login": "ann", "password": "wrong"})
    guest.refresh_from_db()
    assert guest.user is None
    assert client.session[SESSION_KEY] == str(guest.pk)


def test_logging_in_without_a_guest_makes_no_person(client, ann):
    log_in(client)
    assert not Person.objects.exists()


def test_logging_out_starts_with_a_clean_session(client, ann, guest):
    log_in(client)
    key = client.session.session_key
    client.post(reverse("account_logout"))
    assert client.session.session_key != key
    assert SESSION_KEY not in client.session
    assert "_auth_user_id" not in client.session
