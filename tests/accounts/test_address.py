"""Which address a visitor is counted by."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import pytest
from django.test import override_settings
from hypothesis import given
from hypothesis import strategies as st

from accounts.address import client_address, is_this_machine


def scope(peer: str | None, *forwarded: str) -> dict[str, Any]:
    headers = [(b"x-forwarded-for", line.encode()) for line in forwarded]
    return {"client": None if peer is None else (peer, 4711), "headers": headers}


@pytest.mark.parametrize(
    ("peer", "counted"),
    [
        ("198.51.100.7", "198.51.100.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("::ffff:198.51.100.7", "198.51.100.7"),
        ("testclient", "unknown"),
        (None, "unknown"),
    ],
)
def test_it_is_the_peers_and_of_ipv6_the_network(peer, counted):
    assert client_address(scope(peer)) == counted


def test_what_a_visitor_says_of_their_own_address_is_not_believed():
    assert client_address(scope("198.51.100.7", "203.0.113.9")) == "198.51.100.7"


def test_behind_one_proxy_its_own_word_counts_and_not_what_it_passes_on(settings):
    settings.VOICECHAT_TRUST_PROXY = True
    assert client_address(scope("10.0.0.2", "192.0.2.1, 203.0.113.9")) == "203.0.113.9"
    assert client_address(scope("10.0.0.2", "192.0.2.1", "203.0.113.9")) == "203.0.113.9"
    assert client_address(scope(None, "203.0.113.9")) == "203.0.113.9"
    assert client_address(scope("10.0.0.2")) == "10.0.0.2"


def test_behind_several_the_last_counts_that_is_none_of_them(settings):
    settings.VOICECHAT_TRUSTED_PROXIES = [ip_network("10.0.0.0/8"), ip_network("fd00::/8")]
    assert client_address(scope("10.0.0.2", "192.0.2.1, 203.0.113.9, fd00::1")) == "203.0.113.9"
    assert client_address(scope("10.0.0.2", "10.0.0.3")) == "10.0.0.3"
    assert client_address(scope("10.0.0.2", "nonsense, 10.0.0.3")) == "unknown"


def test_who_does_not_come_through_a_trusted_proxy_is_not_believed(settings):
    settings.VOICECHAT_TRUST_PROXY = True
    settings.VOICECHAT_TRUSTED_PROXIES = [ip_network("10.0.0.0/8")]
    assert client_address(scope("198.51.100.7", "203.0.113.9")) == "198.51.100.7"


@given(claimed=st.text(st.characters(codec="latin-1"), max_size=80))
def test_whatever_a_visitor_claims_the_proxys_word_counts(claimed):
    with override_settings(VOICECHAT_TRUSTED_PROXIES=[ip_network("10.0.0.0/8")]):
        headers = [(b"x-forwarded-for", claimed.encode("latin-1") + b", 203.0.113.9")]
        assert client_address({"client": ("10.0.0.2", 1), "headers": headers}) == "203.0.113.9"


@pytest.mark.parametrize(
    ("peer", "header", "here"),
    [
        ("127.0.0.1", None, True),
        ("::1", None, True),
        ("::ffff:127.0.0.1", None, True),
        ("198.51.100.7", None, False),
        (None, None, False),
        ("127.0.0.1", b"x-forwarded-for", False),
        ("127.0.0.1", b"x-real-ip", False),
    ],
)
def test_this_machine_is_loopback_that_nobody_forwarded(peer, header, here):
    headers = [] if header is None else [(header, b"127.0.0.1")]
    client = None if peer is None else (peer, 1)
    assert is_this_machine({"client": client, "headers": headers}) is here
