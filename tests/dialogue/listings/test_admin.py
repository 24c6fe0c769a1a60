"""Listings in the admin."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from accounts.models import User
from dialogue.listings.models import Listing

from .homes import add

pytestmark = pytest.mark.django_db


def act(client: Client, action: str, listing: Listing) -> bool:
    client.post(
        reverse("admin:listings_listing_changelist"),
        {"action": action, "_selected_action": [listing.pk]},
    )
    listing.refresh_from_db()
    return listing.available


def test_listings_are_withdrawn_and_offered_again(client: Client) -> None:
    client.force_login(User.objects.create_superuser("boss"))
    listing = add("A1")
    assert not act(client, "withdraw", listing)
    assert act(client, "offer", listing)


def test_who_may_only_view_withdraws_nothing(client: Client) -> None:
    clerk = User.objects.create_user("clerk", is_staff=True)
    clerk.user_permissions.add(Permission.objects.get(codename="view_listing"))
    client.force_login(clerk)
    assert act(client, "withdraw", add("A1"))
