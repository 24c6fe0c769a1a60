"""API keys in the admin."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import Permission
from django.utils import timezone

from accounts.api_keys.making import hash_of, make_key
from accounts.models import ApiKey, ApiKeyUsage, User

pytestmark = pytest.mark.django_db
LIST = "/admin/accounts/apikey/"
NO_USAGE = {"usage-TOTAL_FORMS": 0, "usage-INITIAL_FORMS": 0}
LIMITS = {"commands_per_minute": 5, "characters_per_minute": 100, "sockets": 2}


@pytest.fixture
def ann() -> User:
    return User.objects.create_user("ann")


def test_a_key_is_made_and_shown_once(admin_client, ann):
    page = admin_client.post(f"{LIST}add/", {"user": ann.pk, "name": "shop", "tts": "on", **LIMITS})
    [text] = re.findall(r"vc_[\w-]{43}", page.content.decode())
    key = ApiKey.objects.get()
    assert key.hash == hash_of(text)
    assert text.startswith(key.prefix)
    assert (key.user, key.name, key.tts, key.voice, key.realtime) == (
        ann,
        "shop",
        True,
        False,
        False,
    )
    assert key.commands_per_minute == 5
    assert "no-store" in page.headers["Cache-Control"]
    assert text not in str(admin_client.cookies)
    for address in (LIST, f"{LIST}{key.pk}/change/"):
        assert text not in admin_client.get(address).content.decode()


def test_scopes_and_limits_are_changed_and_the_owner_is_not(admin_client, ann):
    key, _text = make_key(ann)
    bob = User.objects.create_user("bob")
    admin_client.post(
        f"{LIST}{key.pk}/change/",
        {"user": bob.pk, "name": "x", "realtime": "on", **LIMITS, **NO_USAGE},
    )
    key.refresh_from_db()
    assert (key.user, key.tts, key.realtime, key.sockets) == (ann, False, True, 2)


def test_a_limit_of_nothing_is_refused(admin_client, ann):
    page = admin_client.post(f"{LIST}add/", {"user": ann.pk, **LIMITS, "sockets": 0})
    assert page.context["errors"]
    assert not ApiKey.objects.exists()


def test_keys_are_revoked_for_good(admin_client, ann):
    key, _text = make_key(ann)
    other, _text = make_key(ann)
    chosen = {"action": "revoke", "_selected_action": [key.pk]}
    page = admin_client.post(LIST, chosen, follow=True)
    assert "1 key was revoked." in page.content.decode()
    key.refresh_from_db()
    other.refresh_from_db()
    first = key.revoked_at
    assert first is not None
    assert other.is_active
    admin_client.post(LIST, chosen)
    key.refresh_from_db()
    assert key.revoked_at == first


def test_usage_is_shown_per_key_and_day(admin_client, ann):
    key, _text = make_key(ann)
    ApiKeyUsage.objects.create(
        key=key, day=timezone.now().date(), commands=41, characters=4711, spoken_ms=93_000
    )
    assert "4711" in admin_client.get(LIST).content.decode()
    page = admin_client.get(f"{LIST}{key.pk}/change/").content.decode()
    assert "41" in page
    assert "4711" in page
    assert "93 s" in page


def test_when_it_was_last_used_is_shown(admin_client, ann):
    key, _text = make_key(ann)
    key.last_used_at = datetime(2026, 3, 14, 15, 9, tzinfo=UTC)
    key.save()
    for address in (LIST, f"{LIST}{key.pk}/change/"):
        assert "March 14, 2026, 3:09 p.m." in admin_client.get(address).content.decode()


def test_keys_are_listed_with_a_constant_number_of_queries(
    admin_client, django_assert_max_num_queries
):
    for number in range(30):
        make_key(User.objects.create_user(f"user{number}"))
    with django_assert_max_num_queries(8):
        assert "user29" in admin_client.get(LIST).content.decode()


class TestTheWrongPerson:
    ADDRESSES = (LIST, f"{LIST}add/", f"{LIST}1/change/")

    @pytest.mark.parametrize("address", ADDRESSES)
    def test_who_is_no_staff_is_sent_to_log_in(self, client, ann, address):
        client.force_login(ann)
        assert client.get(address).status_code == 302

    @pytest.mark.parametrize("address", ADDRESSES)
    def test_staff_without_permission_see_nothing(self, client, ann, address):
        make_key(ann)
        client.force_login(User.objects.create_user("staff", is_staff=True))
        assert client.get(address).status_code == 403

    def test_who_may_only_look_revokes_nothing(self, client, ann):
        key, _text = make_key(ann)
        staff = User.objects.create_user("staff", is_staff=True)
        staff.user_permissions.add(Permission.objects.get(codename="view_apikey"))
        client.force_login(staff)
        assert client.get(LIST).status_code == 200
        client.post(LIST, {"action": "revoke", "_selected_action": [key.pk]})
        key.refresh_from_db()
        assert key.is_active
