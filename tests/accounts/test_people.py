"""Which person a visitor is."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.db import SessionStore
from django.test import RequestFactory
from django.utils.functional import SimpleLazyObject

from accounts.models import Person, User
from accounts.people import SESSION_KEY, current_person, ensure_guest, persons_of

pytestmark = pytest.mark.django_db
NOBODY = AnonymousUser()


def test_a_guest_is_made_once_and_found_again_by_the_session():
    session = SessionStore()
    guest = current_person(NOBODY, session, create=True)
    assert guest is not None
    assert guest.is_guest
    assert session[SESSION_KEY] == str(guest.pk)
    assert current_person(NOBODY, session, create=True) == guest
    assert Person.objects.count() == 1


def test_nobody_is_made_unasked():
    assert current_person(NOBODY, SessionStore(), create=False) is None
    assert current_person(User.objects.create_user("ann"), SessionStore(), create=False) is None
    assert not Person.objects.exists()


def test_no_guest_is_made_or_found_where_guests_are_not_allowed(settings):
    session = SessionStore()
    current_person(NOBODY, session, create=True)
    settings.VOICECHAT_ALLOW_GUESTS = False
    assert current_person(NOBODY, session, create=True) is None
    assert not persons_of(NOBODY, session).exists()
    assert Person.objects.count() == 1


def test_a_user_is_their_first_person():
    ann = User.objects.create_user("ann")
    first = current_person(ann, SessionStore(), create=True)
    Person.objects.create(user=ann)
    assert current_person(ann, SessionStore(), create=True) == first
    assert persons_of(ann, SessionStore()).count() == 2


def test_the_session_of_a_user_opens_no_other_person():
    ann = User.objects.create_user("ann")
    stranger = Person.objects.create()
    session = SessionStore()
    session[SESSION_KEY] = str(stranger.pk)
    assert stranger not in persons_of(ann, session)


def test_an_old_session_does_not_open_a_person_that_a_user_has_claimed():
    ann = User.objects.create_user("ann")
    session = SessionStore()
    guest = current_person(NOBODY, session, create=True)
    Person.objects.filter(pk=guest.pk).update(user=ann)
    assert not persons_of(NOBODY, session).exists()
    assert current_person(NOBODY, session, create=False) is None
    assert current_person(NOBODY, session, create=True) != guest


@pytest.mark.parametrize(
    "named", ["", "nonsense", None, 7, "5f0c1d3a-2f52-4d26-9c7e-0a8d5f3b1c44", ["x"]]
)
def test_a_session_that_names_no_person_is_nobody(named):
    session = SessionStore()
    session[SESSION_KEY] = named
    assert current_person(NOBODY, session, create=False) is None


def test_a_socket_without_user_or_session_is_nobody_until_asked():
    assert current_person(None, None, create=False) is None
    assert current_person(None, None, create=True).is_guest


def test_a_lazy_user_as_in_a_scope_is_a_user():
    ann = User.objects.create_user("ann")
    assert current_person(SimpleLazyObject(lambda: ann), None, create=True).user == ann


def test_a_page_makes_the_guest_before_its_socket_connects():
    request = RequestFactory().get("/")
    request.user, request.session = NOBODY, SessionStore()
    guest = ensure_guest(request)
    assert current_person(NOBODY, request.session, create=False) == guest
    assert request.session.modified
