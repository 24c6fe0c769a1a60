"""Who gets in at the socket's door, told from the handshake alone."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings
from django.contrib import auth
from django.contrib.sessions.backends.db import SessionStore

from accounts.admission import NotAdmitted, admit, still_admitted
from accounts.models import Person, User
from accounts.people import SESSION_KEY

pytestmark = pytest.mark.django_db


def scope(
    origin: str = "",
    host: str = "chat.example",
    peer: str = "203.0.113.9",
    session: SessionStore | None = None,
    **headers: str,
) -> dict[str, Any]:
    cookie = {} if session is None else {"cookie": f"theme=dark; sessionid={session.session_key}"}
    sent = {"host": host, **({"origin": origin} if origin else {}), **cookie, **headers}
    return {
        "headers": [
            (name.replace("_", "-").encode(), value.encode()) for name, value in sent.items()
        ],
        "client": (peer, 5),
    }


def local(**more: Any) -> dict[str, Any]:
    return scope(**{"host": "127.0.0.1:8000", "peer": "127.0.0.1", **more})


def refused(handshake: dict[str, Any]) -> int:
    with pytest.raises(NotAdmitted) as error:
        admit(handshake)
    return error.value.close


@pytest.fixture
def guest() -> SessionStore:
    session = SessionStore()
    session[SESSION_KEY] = str(Person.objects.create().pk)
    session.create()
    return session


def session_of(user: User) -> SessionStore:
    session = SessionStore()
    session[auth.SESSION_KEY] = str(user.pk)
    session[auth.BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[auth.HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    return session


class TestOwnPage:
    def test_a_user_is_who_the_session_says(self) -> None:
        user = User.objects.create_user("ada")
        visitor = admit(scope(origin="https://chat.example", session=session_of(user)))
        assert (visitor.name, visitor.is_guest) == ("ada", False)
        assert Person.objects.get(user=user).pk == Person.objects.get(pk=visitor.person).pk

    def test_a_user_whose_password_was_changed_has_to_log_in(self) -> None:
        user = User.objects.create_user("ada")
        session = session_of(user)
        user.set_password("another long sentence")
        user.save()
        assert refused(scope(origin="https://chat.example", session=session)) == 4401

    def test_a_session_that_nobody_knows_is_none(self) -> None:
        unknown = SessionStore("nobodyknowsthisone")
        assert refused(scope(origin="https://chat.example", session=unknown)) == 4401

    def test_a_guest_is_the_person_of_the_session(self, guest: SessionStore) -> None:
        visitor = admit(scope(origin="https://chat.example", session=guest))
        assert (visitor.person, visitor.is_guest) == (guest[SESSION_KEY], True)

    def test_without_a_session_one_is_asked_to_open_the_page_first(self) -> None:
        assert refused(scope(origin="https://chat.example")) == 4401

    @pytest.mark.parametrize(
        "origin",
        [
            "https://evil.example",
            "https://chat.example.evil.example",
            "null",
            "http://chat.example:81",
        ],
    )
    def test_another_origin_is_not_it(self, origin: str, guest: SessionStore) -> None:
        assert refused(scope(origin=origin, session=guest)) == 4403

    def test_no_origin_is_not_it_whatever_the_cookie(self, guest: SessionStore) -> None:
        assert refused(scope(session=guest)) == 4401


class TestListedPage:
    def test_comes_as_a_new_guest_whatever_the_cookie(
        self, settings: Any, guest: SessionStore
    ) -> None:
        settings.VOICECHAT_ALLOWED_ORIGINS = ["https://friend.example"]
        visitor = admit(scope(origin="https://friend.example", session=guest))
        assert visitor.is_guest
        assert visitor.person != guest[SESSION_KEY]

    def test_an_absent_origin_is_not_on_the_list(self, settings: Any) -> None:
        settings.VOICECHAT_ALLOWED_ORIGINS = [""]
        assert refused(scope()) == 4401

    def test_is_refused_where_guests_are_not_allowed(self, settings: Any) -> None:
        settings.VOICECHAT_ALLOWED_ORIGINS = ["https://friend.example"]
        settings.VOICECHAT_ALLOW_GUESTS = False
        assert refused(scope(origin="https://friend.example")) == 4401


class TestDevelopersMachine:
    @pytest.fixture(autouse=True)
    def _debug(self, settings: Any) -> None:
        settings.DEBUG = True

    @pytest.mark.parametrize(
        "handshake",
        [
            local(),
            local(origin="http://localhost:5173"),
            local(host="localhost:8000"),
            local(host="[::1]:8000", peer="::1"),
            local(host="0.0.0.0:5001"),
        ],
    )
    def test_whoever_is_local_is_a_guest(self, handshake: dict[str, Any]) -> None:
        assert admit(handshake).is_guest

    @pytest.mark.parametrize(
        ("handshake", "close"),
        [
            (local(origin="https://evil.example"), 4403),
            (local(origin="null"), 4403),
            (local(host="me.tunnel.example"), 4401),
            (local(peer="192.168.1.5"), 4401),
            (local(x_forwarded_for="203.0.113.9"), 4401),
            (local(forwarded="for=203.0.113.9"), 4401),
            (local(x_real_ip="203.0.113.9"), 4401),
        ],
    )
    def test_tunnels_and_foreign_pages_do_not_get_in(
        self, handshake: dict[str, Any], close: int
    ) -> None:
        assert refused(handshake) == close

    def test_nobody_is_one_in_production(self, settings: Any) -> None:
        settings.DEBUG = False
        assert refused(local()) == 4401


class TestAfterwards:
    @pytest.fixture
    def logged_in(self) -> tuple[User, SessionStore]:
        user = User.objects.create_user("ada", password="a long enough sentence")
        return user, session_of(user)

    def test_a_guest_whose_session_ended_is_admitted_no_longer(self, guest: SessionStore) -> None:
        visitor = admit(scope(origin="https://chat.example", session=guest))
        assert still_admitted(visitor)
        SessionStore(guest.session_key).delete()
        assert not still_admitted(visitor)

    def test_a_user_is_admitted_while_the_session_lives(
        self, logged_in: tuple[User, SessionStore]
    ) -> None:
        _, session = logged_in
        visitor = admit(scope(origin="https://chat.example", session=session))
        assert still_admitted(visitor)
        SessionStore(session.session_key).delete()
        assert not still_admitted(visitor)

    def test_a_changed_password_ends_other_sessions(
        self, logged_in: tuple[User, SessionStore]
    ) -> None:
        user, session = logged_in
        visitor = admit(scope(origin="https://chat.example", session=session))
        user.set_password("another long sentence")
        user.save()
        assert not still_admitted(visitor)

    def test_a_deactivated_user_is_admitted_no_longer(
        self, logged_in: tuple[User, SessionStore]
    ) -> None:
        _, session = logged_in
        visitor = admit(scope(origin="https://chat.example", session=session))
        User.objects.update(is_active=False)
        assert not still_admitted(visitor)

    def test_without_a_session_there_is_none_to_end(self, settings: Any) -> None:
        settings.DEBUG = True
        visitor = admit(local())
        assert still_admitted(visitor)
        assert visitor.mark == ""

    def test_sessions_are_told_apart_without_their_keys(self, guest: SessionStore) -> None:
        visitor = admit(scope(origin="https://chat.example", session=guest))
        assert visitor.mark
        assert str(guest.session_key) not in visitor.mark
