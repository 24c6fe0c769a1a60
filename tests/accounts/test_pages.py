"""Signing up, logging in and out, changing and resetting the password."""

from __future__ import annotations

import re

import pytest
from allauth.account.models import EmailAddress
from django.template.loader import render_to_string
from django.test import Client
from django.urls import reverse

from accounts.models import User

pytestmark = pytest.mark.django_db
PASSWORD = "quite-a-long-secret"
LOGIN = "/accounts/login/"


@pytest.fixture
def ann():
    return User.objects.create_user("ann", "ann@example.org", PASSWORD)


def sign_up(client, username, email=""):
    return client.post(
        "/accounts/signup/",
        {"username": username, "email": email, "password1": PASSWORD, "password2": PASSWORD},
    )


def log_in(client, login="ann", password=PASSWORD, **more):
    return client.post(LOGIN, {"login": login, "password": password, **more})


@pytest.mark.parametrize(
    "path",
    [
        "/accounts/login/",
        "/accounts/signup/",
        "/accounts/password/reset/",
        "/accounts/password/reset/done/",
        "/accounts/password/reset/key/done/",
        "/accounts/password/reset/key/1-nonsense/",
        "/accounts/inactive/",
    ],
)
def test_a_guest_sees_the_page_in_our_dress(client, path):
    response = client.get(path)
    assert response.status_code == 200
    page = response.content.decode()
    assert "voicechat/site.css" in page
    assert not re.search(r"<script|<style|\sstyle=|\son\w+=", page)


@pytest.mark.parametrize("path", ["/accounts/password/change/", "/accounts/logout/"])
def test_a_user_sees_the_page_in_our_dress(client, ann, path):
    client.force_login(ann)
    response = client.get(path)
    assert response.status_code == 200
    assert "voicechat/site.css" in response.content.decode()


@pytest.mark.parametrize(
    "path",
    [
        "/accounts/",
        "/accounts/email/",
        "/accounts/confirm-email/",
        "/accounts/reauthenticate/",
        "/accounts/login/code/",
        "/accounts/3rdparty/",
    ],
)
@pytest.mark.parametrize("logged_in", [False, True])
def test_what_we_do_not_offer_cannot_be_reached(client, ann, path, logged_in):
    if logged_in:
        client.force_login(ann)
    assert client.get(path).status_code == 404


def test_signing_up_needs_no_email_and_logs_in(client):
    assert sign_up(client, "bea").headers["Location"] == "/"
    assert client.session["_auth_user_id"] == str(User.objects.get(username="bea").pk)


def test_a_weak_password_is_refused_with_the_reason(client):
    response = client.post(
        "/accounts/signup/", {"username": "bea", "password1": "12345", "password2": "12345"}
    )
    assert response.status_code == 200
    assert b"too short" in response.content
    assert not User.objects.exists()


def test_signing_up_does_not_tell_whether_an_address_is_known(ann):
    known, unknown = (
        sign_up(Client(), "bea", "ann@example.org"),
        sign_up(Client(), "cleo", "x@y.org"),
    )
    assert known.status_code == unknown.status_code == 302
    assert known.headers["Location"] == unknown.headers["Location"]


def test_an_address_used_twice_opens_neither_account_to_the_other(client, ann):
    sign_up(client, "bea", "ann@example.org")
    bea = Client()
    log_in(bea, "ann@example.org")  # both have the same password here
    owner = User.objects.get(pk=bea.session["_auth_user_id"])
    assert owner in (ann, User.objects.get(username="bea"))
    assert log_in(Client(), "ann@example.org", "not-hers").status_code == 200


@pytest.mark.parametrize("login", ["ann", "ann@example.org", "ANN@example.org"])
def test_one_logs_in_by_name_or_address(client, ann, login):
    assert log_in(client, login).status_code == 302
    assert client.session["_auth_user_id"] == str(ann.pk)


def test_the_answer_to_a_wrong_password_and_an_unknown_name_is_the_same(client, ann):
    wrong, unknown = log_in(client, password="wrong"), log_in(client, "nobody")
    strip = re.compile(rb'value="[^"]*"')
    assert strip.sub(b"", wrong.content) == strip.sub(b"", unknown.content)


def test_a_closed_account_cannot_log_in(client, ann):
    User.objects.update(is_active=False)
    assert log_in(client).headers["Location"] == "/accounts/inactive/"
    assert "_auth_user_id" not in client.session


@pytest.mark.parametrize(
    ("wanted", "reached"),
    [
        ("/conversations/", "/conversations/"),
        ("https://evil.example/", "/"),
        ("//evil.example/", "/"),
        ("javascript:alert(1)", "/"),
        ("/\\evil.example", "/"),
    ],
)
@pytest.mark.parametrize("page", ["login", "signup", "logout"])
def test_one_is_only_sent_on_within_this_site(client, ann, wanted, reached, page):
    if page == "login":
        response = log_in(client, next=wanted)
    elif page == "signup":
        response = client.post(
            "/accounts/signup/",
            {"username": "bea", "password1": PASSWORD, "password2": PASSWORD, "next": wanted},
        )
    else:
        client.force_login(ann)
        response = client.post("/accounts/logout/", {"next": wanted})
    assert response.headers["Location"] == reached


def test_logging_out_takes_a_post(client, ann):
    client.force_login(ann)
    assert client.get("/accounts/logout/").status_code == 200
    assert "_auth_user_id" in client.session
    client.post("/accounts/logout/")
    assert "_auth_user_id" not in client.session


def test_a_form_of_another_site_cannot_log_out(ann):
    client = Client(enforce_csrf_checks=True)
    client.force_login(ann)
    response = client.post("/accounts/logout/")
    assert response.status_code == 403
    assert b"no longer valid" in response.content
    assert "_auth_user_id" in client.session


def test_after_five_wrong_passwords_even_the_right_one_must_wait(client, ann):
    for _ in range(5):
        assert b"not correct" in log_in(client, password="wrong").content
    response = log_in(client)
    assert b"Too many failed login attempts" in response.content
    assert "_auth_user_id" not in client.session


def test_others_may_log_in_while_one_name_waits(client, ann):
    User.objects.create_user("bob", password=PASSWORD)
    for _ in range(6):
        log_in(client, password="wrong")
    assert log_in(client, "bob").status_code == 302


def test_too_many_attempts_from_one_place_are_told_to_wait(client):
    for number in range(31):
        response = log_in(client, f"nobody{number}", "wrong")
    assert response.status_code == 429
    assert b"Wait a minute" in response.content


def test_the_admin_has_the_same_throttled_login(client):
    response = client.get("/admin/")
    assert response.status_code == 302
    login = client.get(response.headers["Location"])
    assert login.status_code == 302
    assert login.headers["Location"].startswith(LOGIN)
    assert client.post("/admin/login/", {"username": "x", "password": "y"}).status_code == 302


def test_a_user_who_is_not_staff_is_told_so_by_the_admin(client, ann):
    client.force_login(ann)
    response = client.get("/admin/login/")
    assert response.status_code == 403
    assert b"does not have the permission" in response.content


def test_changing_the_password_needs_the_old_one(client, ann):
    client.force_login(ann)
    new = {"password1": "another-long-secret", "password2": "another-long-secret"}
    client.post("/accounts/password/change/", {"oldpassword": "wrong", **new})
    ann.refresh_from_db()
    assert ann.check_password(PASSWORD)
    client.post("/accounts/password/change/", {"oldpassword": PASSWORD, **new})
    ann.refresh_from_db()
    assert ann.check_password("another-long-secret")


def test_guests_cannot_change_a_password(client):
    response = client.get("/accounts/password/change/")
    assert response.headers["Location"].startswith(LOGIN)


def test_a_reset_mail_arrives_and_its_link_works_once(client, ann, mailoutbox):
    client.post("/accounts/password/reset/", {"email": "ann@example.org"})
    [mail] = mailoutbox
    assert mail.to == ["ann@example.org"]
    link = re.search(r"https?://testserver(/\S+)", mail.body)[1]
    form = client.get(link, follow=True)
    new = {"password1": "another-long-secret", "password2": "another-long-secret"}
    done = client.post(form.request["PATH_INFO"], new)
    assert done.headers["Location"] == reverse("account_reset_password_from_key_done")
    ann.refresh_from_db()
    assert ann.check_password("another-long-secret")
    assert b"no longer works" in Client().get(link, follow=True).content


def test_a_reset_answers_the_same_for_an_unknown_address(client, ann, mailoutbox):
    known = client.post("/accounts/password/reset/", {"email": "ann@example.org"})
    unknown = client.post("/accounts/password/reset/", {"email": "x@example.org"})
    assert known.headers["Location"] == unknown.headers["Location"]
    assert "There is none" in mailoutbox[1].body


def test_the_header_names_the_user_and_shows_staff_the_admin(client, ann):
    client.force_login(ann)
    page = client.get("/accounts/logout/").content
    assert b"ann" in page
    assert b'href="/admin/"' not in page
    User.objects.update(is_staff=True)
    assert b'href="/admin/"' in client.get("/accounts/logout/").content


def test_an_address_changed_by_staff_no_longer_resets_passwords(admin_client, ann, mailoutbox):
    EmailAddress.objects.create(user=ann, email="ann@example.org", primary=True)
    url = reverse("admin:accounts_user_change", args=[ann.pk])
    page = admin_client.get(url)
    data = {
        name: value
        for name, value in page.context["adminform"].form.initial.items()
        if value and name not in ("password", "groups", "user_permissions", "date_joined")
    }
    data |= {"email": "new@example.org", "date_joined_0": "2026-01-01", "date_joined_1": "00:00"}
    assert admin_client.post(url, data).status_code == 302
    ann.refresh_from_db()
    assert ann.email == "new@example.org"
    Client().post("/accounts/password/reset/", {"email": "ann@example.org"})
    assert "There is none" in mailoutbox[0].body


@pytest.mark.parametrize("path", ["/", "/conversations/"])
def test_where_guests_are_not_allowed_people_are_sent_to_log_in(client, ann, settings, path):
    settings.VOICECHAT_ALLOW_GUESTS = False
    response = client.get(path)
    assert response.headers["Location"] == f"{LOGIN}?next={path}"
    client.force_login(ann)
    assert client.get(path).status_code == 200


def test_an_unknown_page_is_a_friendly_404(client):
    response = client.get("/nothing-here/")
    assert response.status_code == 404
    assert b"There is nothing here" in response.content


def test_a_broken_page_is_a_friendly_500_that_needs_no_request():
    assert "Something broke" in render_to_string("500.html")
